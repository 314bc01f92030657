"""The list of conversations, one conversation, and its recordings and videos."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request
from flask import Response as FlaskResponse
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.wrappers import Response

from bot.admin.access import needs, visitor
from bot.admin.browse import find, pulse
from bot.admin.desk import desk
from bot.admin.filters import Filters, flags_of
from bot.admin.names import (
    CHANNELS,
    CONSENTS,
    FLAGS,
    OUTCOMES,
    RATINGS,
    SENDINGS,
    STEPS,
    UNHEARD,
    VERDICTS,
)
from bot.admin.review import colleagues, work_on
from bot.admin.shown import ShownTurn, masked_address, spoken_lines
from bot.admin.trail import record
from bot.channels.services import services
from bot.conversation.accounts import Role
from bot.conversation.calls import Call, CallPicture, RecordingConsent
from bot.conversation.models import Conversation, Turn

CONSENT_BEFORE = timedelta(hours=1)
"""A recording is agreed to before the first question of a call."""

PLAYABLE = ("recording", "speech", "video", "poster")
CALL_BEFORE, CALL_AFTER = timedelta(minutes=30), timedelta(minutes=30)
"""A call begins before its first question and ends after its last."""


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/", "conversations", conversations)
    console.add_url_rule("/pulse", "pulse", beat)
    console.add_url_rule("/conversations/<int:number>", "conversation", conversation)
    console.add_url_rule("/play/<key>/<kind>", "play", play)
    console.add_url_rule("/pictures/<int:number>", "picture", picture)


@needs(Role.VIEWER)
def conversations() -> str:
    """List the conversations that the filters leave, the latest first."""
    filters = Filters.of(request.args)
    with desk().writing() as session:
        page = find(
            session,
            filters,
            request.args.get("after", ""),
            slow_seconds=desk().settings.admin.slow_seconds,
        )
        told = " ".join(f"{name}={value}" for name, value in filters.fields().items())
        what = "searched" if told else "list_viewed"
        record(session, visitor(), what, person_id=filters.person, subject=told)
    return render_template(
        "admin/conversations.html",
        page=page,
        filters=filters,
        channels=CHANNELS,
        outcomes=OUTCOMES,
        flags=FLAGS,
        ratings=RATINGS,
    )


@needs(Role.VIEWER)
def beat() -> Response:
    """Answer with a word that changes when there is news; it tells nothing of anybody."""
    with desk().sessions() as session:
        word = pulse(session)
    return FlaskResponse(hashlib.sha256(word.encode()).hexdigest(), mimetype="text/plain")


@needs(Role.VIEWER)
def conversation(number: int) -> str:
    """Show a conversation, turn by turn."""
    with desk().writing() as session:
        found = session.scalar(
            select(Conversation)
            .where(Conversation.id == number)
            .options(
                joinedload(Conversation.person),
                selectinload(Conversation.turns).options(
                    joinedload(Turn.identity),
                    joinedload(Turn.timings),
                    selectinload(Turn.steps),
                    selectinload(Turn.deliveries),
                ),
            )
        )
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        work = work_on(session, found.turns)
        others = colleagues(session)
        consents = session.scalars(
            select(RecordingConsent)
            .where(
                RecordingConsent.person_id == found.person_id,
                RecordingConsent.channel == found.channel,
                RecordingConsent.given_at >= found.started_at - CONSENT_BEFORE,
                RecordingConsent.given_at <= found.last_activity_at,
            )
            .order_by(RecordingConsent.given_at)
        ).all()
        pictures = pictures_of(session, found)
        subject = f"conversation {number}"
        record(
            session, visitor(), "conversation_viewed", person_id=found.person_id, subject=subject
        )
    return render_template(
        "admin/conversation.html",
        conversation=found,
        turns=[ShownTurn(turn, _lines(turn)) for turn in found.turns],
        consents=consents,
        consent_names=CONSENTS,
        ratings=RATINGS,
        addresses=sorted({masked_address(turn.identity.address) for turn in found.turns}),
        flags_of=partial(flags_of, slow_seconds=desk().settings.admin.slow_seconds),
        flags=FLAGS,
        channels=CHANNELS,
        outcomes=OUTCOMES,
        sendings=SENDINGS,
        steps=STEPS,
        unheard=UNHEARD,
        verdicts=VERDICTS,
        work=work,
        colleagues=others,
        titles=[(e.article.id, e.article.title) for e in desk().articles.entries()],
        pictures=pictures,
    )


def pictures_of(session: Session, conversation: Conversation) -> Sequence[CallPicture]:
    """Return the pictures that a caller agreed to, taken while `conversation` went on."""
    return session.scalars(
        select(CallPicture)
        .join(Call, Call.id == CallPicture.call_id)
        .where(
            Call.identity_id.in_({turn.identity_id for turn in conversation.turns}),
            CallPicture.taken_at >= conversation.started_at - CALL_BEFORE,
            CallPicture.taken_at <= conversation.last_activity_at + CALL_AFTER,
        )
        .order_by(CallPicture.id)
    ).all()


@needs(Role.VIEWER)
def picture(number: int) -> Response:
    """Record that a picture of a caller is seen, and lead to it by a link that soon expires."""
    with desk().writing() as session:
        found = session.get(CallPicture, number)
        call = session.get(Call, found.call_id) if found else None
        if found is None or call is None:
            abort(HTTPStatus.NOT_FOUND)
        file, person = found.file, call.identity.person_id
        record(session, visitor(), "played", person_id=person, subject=f"picture {number}")
    return redirect(desk().media(file))


@needs(Role.VIEWER)
def play(key: str, kind: str) -> Response:
    """Record that a file is played or seen, and lead to it by a link that soon expires."""
    if kind not in PLAYABLE:
        abort(HTTPStatus.NOT_FOUND)
    with desk().writing() as session:
        turn = session.scalar(
            select(Turn)
            .where(Turn.key == key)
            .options(joinedload(Turn.conversation), joinedload(getattr(Turn, kind)))
        )
        file = getattr(turn, kind) if turn else None
        if turn is None or file is None:
            abort(HTTPStatus.NOT_FOUND)
        subject = f"turn {turn.id} {kind}"
        record(session, visitor(), "played", person_id=turn.conversation.person_id, subject=subject)
    return redirect(desk().media(file))


def _lines(turn: Turn) -> tuple[tuple[float, str], ...]:
    """Return the sentences of the spoken answer with their times; none where it was not kept."""
    if turn.timings is None:
        return ()
    try:
        with services().files.open(turn.timings.key) as file:
            return spoken_lines(json.load(file))
    except (OSError, ValueError):
        return ()
