from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.database import (
    DatabaseError,
    engine,
    enqueue_on_commit,
    resolve,
    start_write,
)
from bot.conversation.models import Conversation, Person, Turn
from bot.jobs import VIDEO
from tests.bot.conversation.pipeline import ask, both, change, read

Sessions = sessionmaker[Session]


def test_a_sqlite_file_is_made_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = engine("sqlite:///deep/down/a.db")
    os.chdir("/")
    with made.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30000}
    assert (tmp_path / "deep" / "down" / "a.db").is_file()
    made.dispose()


@pytest.mark.parametrize("url", ["postgresql://a:b@h/n", "postgres://a:b@h/n"])
def test_postgresql_gets_its_driver(url: str) -> None:
    assert resolve(url).render_as_string(False) == "postgresql+psycopg://a:b@h/n"


@pytest.mark.parametrize("url", ["mysql://h/n", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_cannot_serve_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"database\.url .* Use "):
        engine(url)


@both
def test_moments_keep_their_zone(sessions: Sessions) -> None:
    seoul = datetime(2026, 11, 1, 9, 0, tzinfo=timezone(timedelta(hours=9)))
    with sessions() as session:
        session.add(Person(created_at=seoul))
        session.commit()
    with sessions() as session:
        [found] = session.query(Person)
        assert found.created_at == seoul and found.created_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(sessions: Sessions) -> None:
    with sessions() as session, pytest.raises(StatementError, match="time zone"):
        session.add(Person(created_at=datetime(2026, 11, 1)))
        session.commit()


@both
def test_rows_that_belong_nowhere_are_refused(sessions: Sessions) -> None:
    with sessions() as session, pytest.raises(IntegrityError):
        session.add(Conversation(person_id=4711, channel="kakao"))
        session.commit()


@both
def test_a_person_goes_with_all_that_is_theirs(sessions: Sessions) -> None:
    turn_id = ask(sessions)
    with sessions() as session:
        session.execute(text("DELETE FROM people"))
        session.commit()
    with sessions() as session:
        assert session.get(Turn, turn_id) is None


@both
def test_a_reader_does_not_stop_a_writer(sessions: Sessions) -> None:
    turn_id = ask(sessions)
    with sessions() as reader:
        assert reader.get_one(Turn, turn_id).attempts == 0
        change(sessions, turn_id, attempts=1)
    with sessions() as writer:
        start_write(writer)
        row = writer.get_one(Turn, turn_id, with_for_update=True)
        row.attempts += 1
        writer.commit()
    assert read(sessions, turn_id).attempts == 2


def test_a_job_is_queued_after_the_commit_only(sessions: Sessions, tmp_path: Path) -> None:
    def jobs() -> list[str]:
        return [path.name.split(".")[1] for path in (tmp_path / "broker").glob("*.msg")]

    with sessions() as session:
        session.add(Person(created_at=now()))
        enqueue_on_commit(session, 1, VIDEO)
        session.flush()
        assert jobs() == []
        session.rollback()
        session.add(Person())
        session.commit()
        assert jobs() == []
        session.add(Person())
        enqueue_on_commit(session, 1, VIDEO)
        session.commit()
        assert jobs() == [VIDEO]
        session.add(Person())
        session.commit()
        assert jobs() == [VIDEO]
