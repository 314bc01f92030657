"""The inbox of those who asked for a human: take over, write, call back, give back."""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from bot.admin.access import needs, to, visitor
from bot.admin.desk import desk
from bot.admin.disclosure_views import reason
from bot.admin.names import CHANNELS, RESULTS, SENDINGS
from bot.admin.trail import record
from bot.conversation import handover as handovers
from bot.conversation.accounts import Role
from bot.conversation.casework import Handover, Stage
from bot.conversation.models import Conversation, Turn
from bot.conversation.record import HUMAN
from bot.knowledge.mask import mask

CLOSED_ROWS = 20
_KEY = re.compile(r"[0-9a-f]{32}")


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/handovers", "handovers", inbox)
    console.add_url_rule("/handovers/<int:number>", "handover", one)
    for name, view in (("take", take), ("say", say), ("call", call), ("close", close)):
        rule = f"/handovers/<int:number>/{name}"
        console.add_url_rule(rule, f"handover_{name}", view, methods=["POST"])


@needs(Role.REVIEWER)
def inbox() -> str:
    """List who waits for a human, the longest first, whom somebody has, and the last ones."""
    query = select(Handover).options(
        joinedload(Handover.turn),
        joinedload(Handover.conversation),
        joinedload(Handover.account),
    )
    with desk().writing() as session:
        open_ = session.scalars(
            query.where(Handover.stage != Stage.CLOSED).order_by(Handover.asked_at)
        ).all()
        closed = session.scalars(
            query.where(Handover.stage == Stage.CLOSED)
            .order_by(Handover.closed_at.desc())
            .limit(CLOSED_ROWS)
        ).all()
        record(session, visitor(), "handovers_viewed", subject=f"{len(open_)} open")
    return render_template(
        "admin/handovers.html",
        waiting=[found for found in open_ if found.stage is Stage.WAITING],
        taken=[found for found in open_ if found.stage is Stage.TAKEN],
        closed=closed,
        channels=CHANNELS,
        results=RESULTS,
    )


@needs(Role.REVIEWER)
def one(number: int) -> str:
    """Show what was said, and what can be done."""
    with desk().writing() as session:
        found = _found(session, number, whole=True)
        _note(session, found, "handover_viewed")
    return _page(found)


@needs(Role.REVIEWER)
def take(number: int) -> Response:
    """Answer from now on instead of the counsellor."""
    with desk().writing() as session:
        found = _found(session, number)
        if not handovers.take(session, found, g.account):
            abort(HTTPStatus.CONFLICT)
        _note(session, found, "handover_taken")
    return _back(number)


@needs(Role.REVIEWER)
def say(number: int) -> Response:
    """Send what the form holds to the person, through their channel, once."""
    text = request.form.get("text", "").strip()[: handovers.MOST_LETTERS]
    key = request.form.get("key", "")
    if not text or not _KEY.fullmatch(key):
        abort(HTTPStatus.BAD_REQUEST)
    try:
        with desk().writing() as session:
            found = _mine(session, number)
            if found.conversation.channel not in handovers.MESSENGERS:
                abort(HTTPStatus.BAD_REQUEST)
            handovers.say(session, found, text, key)
            _note(session, found, "handover_said")
    except IntegrityError:
        # The form was sent twice at the same moment; the other one is on its way.
        return _back(number)
    return _back(number)


@needs(Role.REVIEWER)
def call(number: int) -> str:
    """Show the number to call back, once a reason is given."""
    why = reason()
    with desk().writing() as session:
        found = _mine(session, number, whole=True)
        _note(session, found, "unmasked", why=why)
    return _page(found, called=found.turn.identity.address)


@needs(Role.REVIEWER)
def close(number: int) -> Response:
    """Give the conversation back to the counsellor, or write down how it ended."""
    result = request.form.get("result", "")
    if result not in RESULTS:
        abort(HTTPStatus.BAD_REQUEST)
    with desk().writing() as session:
        found = _found(session, number)
        if found.stage is Stage.TAKEN:
            found = _mine(session, number)
        if found.stage is not Stage.CLOSED:
            handovers.close(session, found, result, mask(request.form.get("note", "")[:500]))
            _note(session, found, "handover_closed", result)
    return redirect(to("admin.handovers"))


def _page(found: Handover, called: str = "") -> str:
    turns = found.conversation.turns
    return render_template(
        "admin/handover.html",
        handover=found,
        turns=turns,
        mine=found.stage is Stage.TAKEN and found.account_id == g.account.id,
        writes=found.conversation.channel in handovers.MESSENGERS,
        called=called,
        key=secrets.token_hex(16),
        most=handovers.MOST_LETTERS,
        human=HUMAN,
        channels=CHANNELS,
        results=RESULTS,
        sendings=SENDINGS,
    )


def _found(session: Session, number: int, whole: bool = False) -> Handover:
    query = (
        select(Handover)
        .where(Handover.id == number)
        .options(
            joinedload(Handover.turn, innerjoin=True).joinedload(Turn.identity, innerjoin=True),
            joinedload(Handover.conversation, innerjoin=True),
            joinedload(Handover.account),
        )
        .with_for_update(of=Handover)
    )
    if whole:
        turns = joinedload(Handover.conversation, innerjoin=True).selectinload(Conversation.turns)
        query = query.options(turns.selectinload(Turn.deliveries))
    found = session.scalar(query)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _mine(session: Session, number: int, whole: bool = False) -> Handover:
    """Return a hand-over that this account has taken; 409 where it has not."""
    found = _found(session, number, whole)
    if found.stage is not Stage.TAKEN or found.account_id != g.account.id:
        abort(HTTPStatus.CONFLICT)
    return found


def _note(session: Session, found: Handover, what: str, result: str = "", why: str = "") -> None:
    subject = f"handover {found.id} {result}".strip()
    person = found.conversation.person_id
    record(session, visitor(), what, person_id=person, subject=subject, why=why)


def _back(number: int) -> Response:
    return redirect(to("admin.handover", number=number))
