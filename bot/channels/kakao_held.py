"""Replies that reached nobody yet, kept for the person's next utterance.

That a reply has reached the person is the event `served:TURN`; its unique key lets it happen once.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.database import start_write
from bot.conversation.delivery import Reply
from bot.conversation.inbox import note
from bot.conversation.models import (
    ENDS,
    Delivery,
    DeliveryKind,
    Identity,
    InboundEvent,
    Sending,
    Turn,
)
from bot.conversation.record import reply_of

NAME = "kakao"
HELD = "held"
"""The vendor id of a delivery that waits for the person's next utterance."""

KEPT = timedelta(hours=24)
"""An answer older than this is not served any more."""

CALLBACK_ALIVE = timedelta(seconds=60)
"""So long a reply may still be on its way to the callback address."""

MOST = 20


def serve(sessions: sessionmaker[Session], key: str) -> bool:
    """Write down that the reply of turn `key` reached the person; False if it had before."""
    with sessions() as session:
        if note(session, NAME, f"served:{key}", "served", {}).duplicate:
            return False
    with sessions() as session:
        start_write(session)
        turn = select(Turn.id).where(Turn.key == key).scalar_subquery()
        session.execute(
            update(Delivery)
            .where(Delivery.turn_id == turn, Delivery.vendor_id == HELD)
            .values(state=Sending.DELIVERED)
        )
        session.commit()
    return True


def is_noted(session: Session, key: str) -> bool:
    """Say whether the event `key` of this channel is written down."""
    found = session.scalar(
        select(InboundEvent.id).where(InboundEvent.channel == NAME, InboundEvent.key == key)
    )
    return found is not None


def is_served(session: Session, turn: Turn) -> bool:
    """Say whether the reply of `turn` has reached the person."""
    return is_noted(session, f"served:{turn.key}")


def held(sessions: sessionmaker[Session], sender: str, but: int | None = None) -> list[Reply]:
    """Return the replies to `sender` that reached nobody, the oldest first.

    The turn `but` is left out, and so is what may still arrive by its callback.
    """
    newest = (
        select(Turn)
        .join(Turn.identity)
        .where(
            Identity.channel == NAME,
            Identity.address == sender,
            Turn.created_at > now() - KEPT,
            Turn.outcome != "",
        )
        .order_by(Turn.id.desc())
        .limit(MOST)
    )
    with sessions() as session:
        return [
            _reply(turn)
            for turn in reversed(session.scalars(newest).all())
            if turn.id != but and not _on_its_way(turn) and not is_served(session, turn)
        ]


def pending(sessions: sessionmaker[Session], sender: str) -> int | None:
    """Return the newest turn of `sender` where its reply has not reached them, else None."""
    newest = (
        select(Turn)
        .join(Turn.identity)
        .where(Identity.channel == NAME, Identity.address == sender)
        .order_by(Turn.id.desc())
        .limit(1)
    )
    with sessions() as session:
        turn = session.scalar(newest)
        return None if turn is None or is_served(session, turn) else turn.id


def answered(sessions: sessionmaker[Session], turn_id: int) -> Reply | None:
    """Return what can be said of the turn now; None while its answer is not known."""
    with sessions() as session:
        turn = session.get(Turn, turn_id)
        return _reply(turn) if turn is not None and turn.outcome else None


def _on_its_way(turn: Turn) -> bool:
    return (
        "callback_url" in turn.reply_to
        and turn.state not in ENDS
        and now() - turn.created_at < CALLBACK_ALIVE
    )


def _reply(turn: Turn) -> Reply:
    done = turn.video is not None or turn.state in ENDS
    return reply_of(turn, DeliveryKind.VIDEO if done else DeliveryKind.TEXT)
