"""The database: engines and sessions for SQLite and PostgreSQL."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import search
from bot.jobs import enqueue
from bot.settings import Settings

BUSY_SECONDS = 30
"""How long a SQLite connection waits for another's write."""

CONNECT_SECONDS = 10

INDEXES = (search,)
"""Imported so that the index of words follows every session's changes."""

_WRITES = "silverline_writes"
_QUEUE = "silverline_turns"


class DatabaseError(Exception):
    """The database cannot be used; the message says why and what to do."""


def resolve(url: str) -> URL:
    """Return `url` with its driver named and a relative SQLite path made absolute.

    DatabaseError for anything but SQLite and PostgreSQL.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise DatabaseError(
            f"database.url names {backend!r}, which is not supported. "
            "Use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME."
        )
    if parsed.database in (None, "", ":memory:"):
        raise DatabaseError(
            "database.url names no file; web and worker could not share what is in memory. "
            "Use sqlite:///PATH."
        )
    return parsed.set(database=str(Path(str(parsed.database)).absolute()))


def engine(url: str) -> Engine:
    """Return an engine for `url`; a SQLite file's folder is made where it is missing."""
    resolved = resolve(url)
    if resolved.get_backend_name() != "sqlite":
        return create_engine(
            resolved, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS}
        )
    Path(str(resolved.database)).parent.mkdir(parents=True, exist_ok=True)
    made = create_engine(resolved, connect_args={"timeout": BUSY_SECONDS})
    event.listen(made, "connect", _prepare)
    event.listen(made, "begin", _begin)
    return made


def sessions(settings: Settings) -> sessionmaker[Session]:
    """Return a maker of sessions; a turn given to `enqueue_on_commit` is put on its queue.

    Objects stay readable after the commit.
    """
    maker = sessionmaker(engine(settings.database.url), expire_on_commit=False)
    event.listen(maker, "after_commit", partial(_enqueue, settings))
    event.listen(maker, "after_rollback", _forget)
    return maker


def start_write(session: Session) -> None:
    """Begin `session`'s transaction as one that will write.

    On SQLite it takes the write lock at once: a transaction that reads first and writes later
    fails if another has written in between. Call it before anything else in the transaction.
    """
    session.connection(execution_options={_WRITES: True})


def enqueue_on_commit(session: Session, turn_id: int, queue: str, delay: float = 0.0) -> None:
    """Put the turn on `queue` once `session` has committed; never if it rolls back.

    The job is taken `delay` seconds after.
    """
    session.info.setdefault(_QUEUE, {})[turn_id] = (queue, delay)


def _enqueue(settings: Settings, session: Session) -> None:
    for turn_id, (queue, delay) in session.info.pop(_QUEUE, {}).items():
        enqueue(settings, turn_id, queue, delay)


def _forget(session: Session) -> None:
    session.info.pop(_QUEUE, None)


def _prepare(connection: Any, record: Any) -> None:
    # The driver must not begin transactions by itself: `_begin` does, in the right mode.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
