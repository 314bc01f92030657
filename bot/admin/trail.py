"""The trail: who did what from where, whose data it was and why, in a chain of hashes.

A row is written in the transaction that reads what it tells of: nothing is seen without a trace.
The newest hash is also kept outside the database, in the log and in a file of the data folder, so
that even a trail that was cut off at its end, or written anew as a whole, is found out.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from bot.conversation.accounts import Access, Account

START = "0" * 64
HEAD_FILE = "access_head"
_LOCK = 0x51_1E_11_4E
"""Names the trail's lock on PostgreSQL."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who does something, from where and when; `head_folder` is where the newest hash is kept."""

    account: Account | None
    origin: str
    at: datetime
    head_folder: Path


def record(
    session: Session,
    visitor: Visitor,
    what: str,
    *,
    person_id: int | None = None,
    subject: str = "",
    why: str = "",
) -> Access:
    """Add a row to the trail in `session`'s transaction, which `start_write` must have begun."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = session.scalars(select(Access).order_by(Access.number.desc()).limit(1)).first()
    row = Access(
        number=last.number + 1 if last else 1,
        at=visitor.at,
        account_id=visitor.account.id if visitor.account else None,
        account=visitor.account.email if visitor.account else "",
        origin=visitor.origin[:45],
        what=what,
        person_id=person_id,
        subject=subject[:200],
        why=why,
        previous=last.hash if last else START,
    )
    row.hash = digest(row)
    session.add(row)
    session.flush()
    number, value = row.number, row.hash
    event.listen(
        session,
        "after_commit",
        lambda _: _anchor(visitor.head_folder, number, value),
        once=True,
    )
    return row


def digest(row: Access) -> str:
    """Return the SHA-256, in hex, of everything in `row` but its hash."""
    told = [
        row.number,
        row.at.isoformat(timespec="microseconds"),
        row.account_id,
        row.account,
        row.origin,
        row.what,
        row.person_id,
        row.subject,
        row.why,
        row.previous,
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def faults(session: Session, head_folder: Path) -> Iterator[str]:
    """Yield what is wrong with the trail, in its order; nothing where it is whole."""
    previous, expected = START, 1
    anchored = _anchored(head_folder)
    for row in session.scalars(select(Access).order_by(Access.number)).yield_per(1000):
        if row.number != expected:
            yield f"rows {expected} to {row.number - 1} are missing"
        elif row.previous != previous:
            yield f"row {row.number} does not follow the row before it"
        if row.hash != digest(row):
            yield f"row {row.number} was altered"
        if anchored and anchored[0] == row.number and anchored[1] != row.hash:
            yield f"row {row.number} is not the one that {HEAD_FILE} names"
        previous, expected = row.hash, row.number + 1
    if anchored and anchored[0] >= expected:
        yield f"rows {expected} to {anchored[0]}, the newest, are missing"


def _anchor(folder: Path, number: int, value: str) -> None:
    """Keep the newest hash outside the database; a file that cannot be written stops nobody."""
    log.info("access_recorded", number=number, hash=value)
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".head")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{number} {value}\n")
        os.replace(name, folder / HEAD_FILE)
    except OSError as error:
        log.error("access_head_not_kept", number=number, cause=error.strerror)


def _anchored(folder: Path) -> tuple[int, str] | None:
    """Return the number and hash that the file keeps, or None where there is no file."""
    try:
        number, value = (folder / HEAD_FILE).read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    return int(number), value
