"""The sweep: turns that nobody moves are put on their queue again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.database import enqueue_on_commit, start_write
from bot.conversation.lease import is_gone
from bot.conversation.models import ENDS, Turn
from bot.conversation.turn import queue_of

AT_ONCE = 500
"""Turns that one sweep takes; the next takes the others."""

log = structlog.get_logger(__name__)


def sweep(sessions: sessionmaker[Session], stuck_seconds: float, everything: bool = False) -> int:
    """Queue the turns that stopped between two steps again; return how many.

    A turn has stopped when its worker is gone or let its lease run out, or when its last job is
    older than `stuck_seconds`. `everything` takes every turn that no living worker moves: for the
    start of a worker whose broker may have lost jobs.
    """
    with sessions() as session:
        start_write(session)
        moment = now()
        before = moment if everything else moment - timedelta(seconds=stuck_seconds)
        turns = [turn for turn in _unmoved(session, moment, before) if not _is_held(turn, moment)]
        for turn in turns:
            turn.lease_owner, turn.lease_until = "", None
            turn.queued_at = moment
            enqueue_on_commit(session, turn.id, queue_of(turn))
        session.commit()
    if turns:
        log.info("swept", turns=len(turns))
    return len(turns)


def _unmoved(session: Session, moment: datetime, before: datetime) -> Sequence[Turn]:
    """Return turns that somebody holds or that were last queued `before`, oldest first."""
    return session.scalars(
        select(Turn)
        .where(Turn.state.not_in(ENDS))
        .where(or_(Turn.retry_at.is_(None), Turn.retry_at <= moment))
        .where(or_(Turn.lease_owner != "", Turn.queued_at.is_(None), Turn.queued_at <= before))
        .order_by(Turn.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()


def _is_held(turn: Turn, moment: datetime) -> bool:
    if turn.lease_until is None or turn.lease_until <= moment:
        return False
    return not is_gone(turn.lease_owner)
