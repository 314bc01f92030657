"""After a video call: what was asked and answered goes as one message to where the person is
reached anyway, with a link to all of it.

The message is a turn that begins at its last step, as a human's words are, so that it travels
through its channel like every reply: once, and again where the vendor fails.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from bot.channels.phone_calls import takes_messages
from bot.conversation.calls import Call
from bot.conversation.columns import now
from bot.conversation.family import SEEN
from bot.conversation.inbox import InboundMessage, begin_turn
from bot.conversation.models import Identity, InboundEvent, State, Turn
from bot.conversation.record import HUMAN, SUMMARY
from bot.settings import Settings

PHONE, WHATSAPP, KAKAO = "phone", "whatsapp", "kakao"
WINDOW = timedelta(hours=24)
"""WhatsApp lets a business write freely only so long after the person's own message."""
MOST_ANSWERS = 3
"""Answers that a message tells of, the newest; its link leads to all."""
MOST_LETTERS = 60
ASKED = "(영상 상담 정리)"
"""What stands in place of a question."""


def ways_of(settings: Settings) -> tuple[str, ...]:
    """Return the channels on which a summary can be sent."""
    twilio = settings.twilio
    ways: list[str] = []
    if not settings.call.summary:
        return ()
    if twilio.enabled and twilio.phone_enabled and twilio.sms_from:
        ways.append(PHONE)
    if twilio.enabled and twilio.whatsapp_from:
        ways.append(WHATSAPP)
    if settings.kakao.enabled:
        ways.append(KAKAO)
    return tuple(ways)


def summarise(
    session: Session, call: Call, turns: Sequence[Turn], ways: Collection[str]
) -> Turn | None:
    """Add the summary of `call` to the transaction of `session`, once a call.

    None where nothing was answered, or the person is reached by none of `ways`.
    """
    told = [turn for turn in turns if turn.outcome == "answered" and turn.answer]
    key = key_of(call)
    known = session.scalar(select(InboundEvent.id).where(InboundEvent.key == key))
    if not told or known is not None:
        return None
    way = way_to(session, call.identity.person_id, ways)
    if way is None:
        return None
    newest = {turn.article_id or turn.key: turn for turn in told}
    lines = [_line(turn) for turn in list(newest.values())[-MOST_ANSWERS:]]

    def fill(turn: Turn) -> None:
        turn.outcome, turn.state = SUMMARY, State.RENDERED
        turn.lines, turn.answer = lines, "\n".join(["영상 상담을 정리했어요.", *lines])

    message = InboundMessage(way.channel, key, way.address, "text", text=ASKED)
    event = begin_turn(session, message, fill)
    return session.get_one(Turn, event.turn_id)


def way_to(session: Session, person: int, ways: Collection[str]) -> Identity | None:
    """Return where `person` is reached: where they wrote or called last, if it can be now.

    A chat that speaks only when spoken to comes after a number that takes text messages: what
    goes there waits for the person's next word.
    """
    # What the house sent by itself is no word of the person's.
    theirs = and_(Turn.outcome.not_in((SUMMARY, HUMAN)), Turn.act != SEEN)
    rows = session.execute(
        select(Identity, func.max(Turn.created_at))
        .outerjoin(Turn, and_(Turn.identity_id == Identity.id, theirs))
        .where(Identity.person_id == person, Identity.channel.in_(ways))
        .group_by(Identity.id)
    ).all()
    moment = now()
    ranked: list[tuple[int, timedelta, int, Identity]] = []
    for identity, last in rows:
        ago = moment - last if last is not None else timedelta.max
        match identity.channel:
            case "phone" if takes_messages(identity.address):
                ranked.append((0, ago, identity.id, identity))
            case "whatsapp" if ago < WINDOW:
                ranked.append((0, ago, identity.id, identity))
            case "kakao":
                ranked.append((1, ago, identity.id, identity))
    return min(ranked, key=lambda one: one[:3])[3] if ranked else None


def key_of(call: Call) -> str:
    """Return the key of the event that began the summary of `call`."""
    return f"{call.sid}:summary"


def _line(turn: Turn) -> str:
    first = turn.lines[0] if turn.lines else turn.answer
    line = f"{turn.article_title or turn.text}: {first}"
    if len(line) > MOST_LETTERS:
        line = line[: MOST_LETTERS - 1] + "…"
    number = turn.contact_number
    return f"{line} ({number})" if number and number not in line else line
