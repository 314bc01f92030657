"""The trail, for owners to read."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from sqlalchemy import select

from bot.admin.access import needs, visitor
from bot.admin.desk import desk
from bot.admin.names import ACTIONS
from bot.admin.trail import record
from bot.conversation.accounts import Access, Role

ROWS = 100


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/trail", "trail", trail)


@needs(Role.OWNER)
def trail() -> str:
    """Show who looked at what, the newest first; `person` and `before` narrow it down."""
    person = request.args.get("person", type=int)
    before = request.args.get("before", type=int)
    query = select(Access).order_by(Access.number.desc()).limit(ROWS + 1)
    if person is not None:
        query = query.where(Access.person_id == person)
    if before is not None:
        query = query.where(Access.number < before)
    with desk().writing() as session:
        rows = session.scalars(query).all()
        record(session, visitor(), "trail_viewed", person_id=person)
    more = rows[ROWS - 1].number if len(rows) > ROWS else None
    return render_template(
        "admin/trail.html", rows=rows[:ROWS], person=person, more=more, actions=ACTIONS
    )
