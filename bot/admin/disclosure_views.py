"""What needs a reason: a person's address in full, and lists taken out of the house."""

from __future__ import annotations

import csv
import io
from http import HTTPStatus

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from bot.admin.access import needs, visitor
from bot.admin.browse import find
from bot.admin.desk import desk
from bot.admin.filters import Filters
from bot.admin.report import inert
from bot.admin.trail import record
from bot.conversation.accounts import Role
from bot.conversation.models import Conversation, Person

MOST_ROWS = 10_000
LEAST_REASON = 5
COLUMNS = ("conversation", "person", "channel", "began", "turn", "question", "outcome", "answer")


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/conversations/<int:number>/address", "unmask", unmask, methods=["POST"])
    console.add_url_rule("/export", "export", export, methods=["POST"])


@needs(Role.OPERATOR)
def unmask(number: int) -> str:
    """Show the addresses of a conversation's person in full, once a reason is given."""
    why = reason()
    with desk().writing() as session:
        found = session.scalar(
            select(Conversation)
            .where(Conversation.id == number)
            .options(joinedload(Conversation.person).selectinload(Person.identities))
        )
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        subject = f"conversation {number}"
        record(session, visitor(), "unmasked", person_id=found.person_id, subject=subject, why=why)
    return render_template("admin/address.html", conversation=found)


@needs(Role.OPERATOR)
def export() -> Response:
    """Send the conversations that the filters leave as CSV, once a reason is given."""
    why = reason()
    filters = Filters.of(request.form)
    told = " ".join(f"{name}={value}" for name, value in filters.fields().items())
    with desk().writing() as session:
        page = find(
            session, filters, rows=MOST_ROWS, slow_seconds=desk().settings.admin.slow_seconds
        )
        ids = [row.conversation.id for row in page.rows]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for start in range(0, len(ids), 500):
            part = (
                select(Conversation)
                .where(Conversation.id.in_(ids[start : start + 500]))
                .options(selectinload(Conversation.turns))
                .order_by(Conversation.last_activity_at.desc(), Conversation.id.desc())
            )
            for conversation in session.scalars(part):
                writer.writerows(_lines(conversation))
        record(
            session,
            visitor(),
            "exported",
            person_id=filters.person,
            subject=f"{len(ids)} conversations {told}",
            why=why,
        )
    # The mark tells spreadsheets that it is UTF-8.
    response = Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="conversations.csv"'
    return response


def _lines(conversation: Conversation) -> list[list[str]]:
    return [
        [
            str(conversation.id),
            str(conversation.person_id),
            conversation.channel,
            conversation.started_at.isoformat(timespec="seconds"),
            str(turn.number),
            inert(turn.text),
            turn.outcome,
            inert(turn.answer),
        ]
        for turn in conversation.turns
    ]


def reason() -> str:
    """Return the reason that the form gives; 400 where there is none to speak of."""
    why = request.form.get("why", "").strip()[:500]
    if len(why) < LEAST_REASON:
        abort(HTTPStatus.BAD_REQUEST)
    return why
