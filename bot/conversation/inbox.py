"""What comes in: a vendor's message becomes a turn, once, however often it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.conversation.columns import now
from bot.conversation.database import enqueue_on_commit, start_write
from bot.conversation.models import (
    Conversation,
    Identity,
    InboundEvent,
    Person,
    Question,
    Turn,
)
from bot.conversation.record import going_on
from bot.jobs import SPEECH

BY_NUMBER = ("phone", "whatsapp")
"""Channels whose addresses are telephone numbers."""

TRIES = 5
"""How often a transaction is tried anew when another one made the same row first."""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A question as a channel's webhook parsed it. `key` is unique to it on its channel.

    `reply_to` is what the channel needs to reply to this very message, such as a callback address.
    """

    channel: str
    key: str
    sender: str
    kind: Literal["text", "recording"]
    text: str = ""
    media_url: str = ""
    media_type: str = ""
    reply_to: dict[str, str] = field(default_factory=dict)
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The turn that a message began, now or (`duplicate`) when it first came."""

    turn_id: int | None
    duplicate: bool
    event: InboundEvent


Prepare = Callable[[Turn], None]
"""Changes a new turn before it is stored, such as for a process that moves it itself."""


def receive(session: Session, message: InboundMessage, prepare: Prepare | None = None) -> Received:
    """Store `message` as a turn in state received and commit; its job is put on the queue then.

    Takes a session without a transaction. A message whose key has been seen gives the first
    one's turn and event, with the response stored by `remember`. A turn that `prepare` gives a
    lease is on no queue: whoever holds the lease moves it.
    """
    return _once(
        session, message.channel, message.key, lambda: begin_turn(session, message, prepare)
    )


def note(session: Session, channel: str, key: str, kind: str, payload: dict[str, Any]) -> Received:
    """Store an event that is no question, such as a status callback, and commit.

    `payload` must be free of personal data and secrets. `duplicate` says it was known already.
    """

    def add() -> InboundEvent:
        event = InboundEvent(channel=channel, key=key, kind=kind, payload=payload)
        session.add(event)
        return event

    return _once(session, channel, key, add)


def remember(session: Session, event_id: int, response: dict[str, Any]) -> None:
    """Store what was answered to an event, for its replays, and commit; the first one stays."""
    start_write(session)
    event = session.get(InboundEvent, event_id, with_for_update=True)
    if event is not None and event.response is None:
        event.response = response
    session.commit()


def _once(session: Session, channel: str, key: str, add: Any) -> Received:
    for attempt in range(TRIES):
        start_write(session)
        known = session.scalar(
            select(InboundEvent).where(InboundEvent.channel == channel, InboundEvent.key == key)
        )
        if known is not None:
            session.rollback()
            return Received(known.turn_id, duplicate=True, event=known)
        try:
            event: InboundEvent = add()
            session.commit()
        except IntegrityError:
            # Another transaction stored this event, person or turn number first: look again.
            session.rollback()
            if attempt == TRIES - 1:
                raise
            continue
        return Received(event.turn_id, duplicate=False, event=event)
    raise AssertionError("the last try returns or raises")


def begin_turn(session: Session, message: InboundMessage, prepare: Prepare | None) -> InboundEvent:
    """Add the turn of `message` to the transaction of `session`; `prepare` as for `receive`."""
    from bot.knowledge.mask import mask  # its patterns load on first use

    moment = message.received_at or now()
    identity = identity_of(session, message.channel, message.sender)
    conversation = _conversation(session, identity, moment)
    last = session.scalar(
        select(func.max(Turn.number)).where(Turn.conversation_id == conversation.id)
    )
    turn = Turn(
        conversation=conversation,
        identity=identity,
        number=(last or 0) + 1,
        kind=Question(message.kind),
        text=mask(message.text) if message.text else "",
        media_url=message.media_url,
        media_type=message.media_type,
        reply_to=message.reply_to,
        queued_at=now(),
    )
    if prepare is not None:
        prepare(turn)
    session.add(turn)
    session.flush()
    event = InboundEvent(
        channel=message.channel,
        key=message.key,
        kind=message.kind,
        received_at=moment,
        payload={"media_type": message.media_type, "characters": len(message.text)},
        turn_id=turn.id,
    )
    session.add(event)
    if not turn.lease_owner:
        enqueue_on_commit(session, turn.id, SPEECH)
    return event


def identity_of(session: Session, channel: str, address: str) -> Identity:
    """Return the identity at `address`, added where it is new; the same number, the same person."""
    found = session.scalar(
        select(Identity).where(Identity.channel == channel, Identity.address == address)
    )
    if found is None:
        person = _by_number(session, channel, address) or Person()
        found = Identity(person=person, channel=channel, address=address)
        session.add(found)
        session.flush()
    return found


def _by_number(session: Session, channel: str, address: str) -> Person | None:
    """Return who has the number of `address` on another channel that knows people by number."""
    number = address.removeprefix("whatsapp:")
    if channel not in BY_NUMBER or not number.startswith("+"):
        return None
    other = session.scalar(
        select(Identity)
        .where(Identity.channel.in_(BY_NUMBER))
        .where(Identity.address.in_((number, f"whatsapp:{number}")))
        .order_by(Identity.id)
        .limit(1)
    )
    return other.person if other is not None else None


def _conversation(session: Session, identity: Identity, moment: datetime) -> Conversation:
    """Return the conversation that goes on, its row locked, or a new one."""
    found = going_on(session, identity, moment)
    if found is None:
        found = Conversation(
            person_id=identity.person_id, channel=identity.channel, started_at=moment
        )
        session.add(found)
    found.last_activity_at = moment
    session.flush()
    return found
