"""The promise of a callback, kept by the clock.

A callback address lives for a minute, and a video may take longer. When `kakao.callback_seconds`
have passed, what is known is sent: the answer in writing with a link to the page that will show
the video, or, where even the answer is not known, a word on how to ask for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from bot.channels.kakao import LAST_SECOND, Kakao
from bot.channels.kakao_held import NAME
from bot.conversation.columns import now
from bot.conversation.delivery import DeliveryError, Reply
from bot.conversation.models import ENDS, DeliveryKind, Identity, Turn
from bot.conversation.record import reply_of

LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


@contextmanager
def ticking(channel: Kakao, sessions: sessionmaker[Session], seconds: float) -> Iterator[None]:
    """Keep the promises in the background while the block runs."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(LOOK_SECONDS):
            try:
                keep(channel, sessions, seconds)
            except SQLAlchemyError as error:
                log.warning("callbacks_not_looked_at", error=type(error).__name__)

    thread = threading.Thread(target=run, name="callbacks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def keep(channel: Kakao, sessions: sessionmaker[Session], seconds: float) -> int:
    """Send what is due now to its callback address; return how many were due."""
    waiting = due(sessions, seconds)
    for reply in waiting:
        try:
            if reply.text:
                channel.deliver(reply)
            else:
                channel.say_late(reply)
        except DeliveryError as error:
            # The next look tries again while the address lives; then the reply is held.
            log.warning("callback_failed", turn=reply.turn_id, error=str(error))
    return len(waiting)


def due(sessions: sessionmaker[Session], seconds: float) -> list[Reply]:
    """Return what can be said of the turns whose callback is due and whose reply is not there."""
    moment = now()
    query = (
        select(Turn)
        .join(Turn.identity)
        .where(
            Identity.channel == NAME,
            Turn.state.not_in(ENDS),
            Turn.created_at <= moment - timedelta(seconds=seconds),
            Turn.created_at > moment - timedelta(seconds=LAST_SECOND),
        )
    )
    with sessions() as session:
        return [
            reply_of(turn, DeliveryKind.TEXT)
            for turn in session.scalars(query)
            if "callback_url" in turn.reply_to
        ]
