"""Sending a reply exactly once, whenever the worker dies.

`sending` is committed before the vendor is called and `sent` after. A delivery that is found in
`sending` may or may not have arrived: the vendor is asked first. So is one whose call failed
half-way, by a time-out for example.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversation.columns import now
from bot.conversation.database import start_write
from bot.conversation.lease import LeaseLostError
from bot.conversation.models import Delivery, DeliveryKind, Sending, Turn
from bot.conversation.parts import Parts, Result
from bot.conversation.record import reply_of
from bot.conversation.stations import channel_of

DONE = (Sending.SENT, Sending.DELIVERED, Sending.FAILED)


def send(
    parts: Parts, turn: Turn, kind: DeliveryKind, done: Callable[[Session, Turn], None]
) -> Result:
    """Deliver the turn's reply of `kind`; `done` changes the turn in the same last transaction.

    DeliveryError where it was not taken; LeaseLostError where the lease is lost.
    """
    reply = reply_of(turn, kind)
    channel = channel_of(parts, turn)
    before = _announce(parts, turn, kind)
    vendor_id: str | None = None
    if before not in DONE:
        if before is Sending.SENDING:
            vendor_id = channel.find(reply)
        if vendor_id is None:
            vendor_id = channel.deliver(reply)

    def apply(session: Session, row: Turn) -> None:
        delivery = find_delivery(session, row.id, kind)
        if delivery is not None and vendor_id is not None:
            # The vendor's own word that it has arrived may have come first.
            if delivery.state is not Sending.DELIVERED:
                delivery.state = Sending.SENT
            delivery.vendor_id = vendor_id
            delivery.sent_at = now()
            delivery.last_error = ""
        done(session, row)

    return Result(apply)


def find_delivery(session: Session, turn_id: int, kind: DeliveryKind) -> Delivery | None:
    """Return the turn's delivery of `kind`, if there is one."""
    return session.scalar(
        select(Delivery).where(Delivery.turn_id == turn_id, Delivery.kind == kind)
    )


def _announce(parts: Parts, turn: Turn, kind: DeliveryKind) -> Sending:
    """Commit that the vendor is about to be called; return the state before."""
    with parts.sessions() as session:
        start_write(session)
        row = session.get_one(Turn, turn.id, with_for_update=True)
        if row.lease_owner != turn.lease_owner:
            raise LeaseLostError
        delivery = find_delivery(session, turn.id, kind)
        if delivery is None:
            delivery = _new(turn, kind)
            session.add(delivery)
        before = delivery.state
        if before not in DONE:
            delivery.state = Sending.SENDING
            delivery.attempts += 1
        session.commit()
        return before


def note_failure(session: Session, turn: Turn, kind: DeliveryKind, cause: str) -> None:
    """Write down that a delivery is given up, and why."""
    delivery = find_delivery(session, turn.id, kind) or _new(turn, kind)
    delivery.state = Sending.FAILED
    delivery.last_error = cause
    session.add(delivery)


def _new(turn: Turn, kind: DeliveryKind) -> Delivery:
    return Delivery(
        turn_id=turn.id,
        channel=turn.identity.channel,
        address=turn.identity.address,
        kind=kind,
        key=reply_of(turn, kind).key,
        state=Sending.PENDING,
        attempts=0,
    )
