from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.models import Delivery, DeliveryKind, Sending, State
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from tests.bot.conversation.pipeline import Sink, SinkChannel, ask, change, read

Sessions = sessionmaker[Session]


def crashed(sessions: Sessions, parts: Parts, state: Sending) -> int:
    """Return a turn whose worker died with its delivery in `state`."""
    turn_id = ask(sessions, text="네")
    turn = read(sessions, turn_id)
    with sessions() as session:
        session.add(
            Delivery(
                turn_id=turn_id,
                channel="sink",
                address="u",
                kind=DeliveryKind.VIDEO,
                key=f"{turn.key}-video",
                state=state,
                vendor_id="m0" if state is Sending.SENT else "",
                attempts=1,
            )
        )
        session.commit()
    change(
        sessions,
        turn_id,
        state=State.RENDERED,
        answer="네.",
        outcome="answered",
        lease_owner="elsewhere",
        lease_until=now() - timedelta(seconds=1),
    )
    return turn_id


@pytest.mark.parametrize(
    ("state", "asked", "sent"),
    [(Sending.PENDING, 0, 1), (Sending.SENDING, 1, 1), (Sending.SENT, 0, 0)],
)
def test_a_delivery_goes_on_where_it_stopped(
    sessions: Sessions,
    parts: Parts,
    channel: SinkChannel,
    sink: Sink,
    state: Sending,
    asked: int,
    sent: int,
) -> None:
    turn_id = crashed(sessions, parts, state)
    assert advance(parts, turn_id) is State.DELIVERED
    assert (channel.asked, len(sink.taken)) == (asked, sent)
    [delivery] = read(sessions, turn_id).deliveries
    assert delivery.state is Sending.SENT
