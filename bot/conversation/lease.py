"""Leases: a turn is moved by one worker at a time, and by another when that one is gone.

A lease is two columns of the turn. It holds until a moment that its owner's heartbeat moves on.
Whoever finishes a step must still hold it, so a worker that slept too long changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.database import start_write
from bot.conversation.models import Turn

STEP_SECONDS = 900.0
"""No step takes this long: a heartbeat ends then, so that a hung step is taken over."""

log = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """Another worker has this turn now; nothing may be changed."""


def new_owner() -> str:
    """Return a name for a new lease: this place, this process and a random word."""
    return f"{_place()}:{os.getpid()}:{_started(os.getpid())}:{secrets.token_hex(4)}"


def is_gone(owner: str) -> bool:
    """Say whether the process that holds `owner` is known to be gone.

    Only a process on this machine, seen through the same process table, can be known to be.
    """
    place, _, rest = owner.partition(":")
    pid, _, rest = rest.partition(":")
    started = rest.partition(":")[0]
    if place != _place() or not pid.isdecimal() or not started:
        return False
    return _started(int(pid)) != started


@contextmanager
def heartbeat(
    sessions: sessionmaker[Session], turn_id: int, owner: str, seconds: float
) -> Iterator[None]:
    """Renew the lease of `seconds` in the background while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(
        target=_renew, args=(sessions, turn_id, owner, seconds, stop), name="lease", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _renew(
    sessions: sessionmaker[Session],
    turn_id: int,
    owner: str,
    seconds: float,
    stop: threading.Event,
) -> None:
    end = time.monotonic() + STEP_SECONDS
    while not stop.wait(seconds / 3) and time.monotonic() < end:
        try:
            with sessions() as session:
                start_write(session)
                session.execute(
                    update(Turn)
                    .where(Turn.id == turn_id, Turn.lease_owner == owner)
                    .values(lease_until=now() + timedelta(seconds=seconds))
                )
                session.commit()
        except SQLAlchemyError as error:
            log.warning("lease_not_renewed", turn=turn_id, error=str(error))


@lru_cache(maxsize=1)
def _place() -> str:
    """Return a word for this machine since its start and this process table."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        table = os.readlink("/proc/self/ns/pid")
    except OSError:
        # Without a process table to look at, no other process is ever taken for gone.
        return secrets.token_hex(6)
    return hashlib.sha256(f"{socket.gethostname()} {boot} {table}".encode()).hexdigest()[:12]


def _started(pid: int) -> str:
    """Return when the process began, in clock ticks since the machine's start, or ''."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The second field is the command in parentheses, which may hold anything.
    rest = fields.rpartition(")")[2].split()
    state, started = rest[0], rest[19]
    return "" if state in "ZX" else started
