"""The trail: written with what it tells of, and whole or found out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from bot.admin.trail import HEAD_FILE, START, Visitor, digest, faults, record
from bot.conversation import schema
from bot.conversation.accounts import Access, Account, Role
from bot.conversation.database import engine, start_write
from tests.bot.admin.conftest import BEGIN, Office, talk
from tests.bot.servers import postgres_database

Maker = sessionmaker[Session]


@pytest.fixture(params=["sqlite", "postgresql"])
def maker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    """Sessions on a database with its tables."""

    def made(url: str) -> Maker:
        database = engine(url)
        schema.upgrade(database)
        return sessionmaker(database, expire_on_commit=False)

    if request.param == "sqlite":
        found = made(f"sqlite:///{tmp_path}/test.db")
        yield found
        found.kw["bind"].dispose()
        return
    with postgres_database() as url:
        found = made(url)
        yield found
        found.kw["bind"].dispose()


def note(maker: Maker, folder: Path, what: str, why: str = "") -> None:
    account = Account(id=7, email="kim@office.example", role=Role.VIEWER)
    with maker() as session:
        start_write(session)
        record(session, Visitor(account, "10.0.0.1", BEGIN, folder), what, person_id=3, why=why)
        session.commit()


def found(maker: Maker, folder: Path) -> list[str]:
    with maker() as session:
        return list(faults(session, folder))


def tamper(maker: Maker, statement: str) -> None:
    """Change the trail as one who may do everything in the database."""
    with maker() as session:
        start_write(session)
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("ALTER TABLE access_trail DISABLE TRIGGER USER"))
        else:
            session.execute(text("DROP TRIGGER IF EXISTS access_trail_stays_update"))
            session.execute(text("DROP TRIGGER IF EXISTS access_trail_stays_delete"))
        session.execute(text(statement))
        session.commit()


def test_rows_follow_each_other(maker: Maker, tmp_path: Path) -> None:
    assert found(maker, tmp_path) == []
    for what in ("a", "b", "c"):
        note(maker, tmp_path, what, "민원 때문에")
    with maker() as session:
        rows = session.query(Access).order_by(Access.number).all()
    assert [row.number for row in rows] == [1, 2, 3]
    assert rows[0].previous == START and rows[2].previous == rows[1].hash
    assert rows[0].account == "kim@office.example" and rows[0].person_id == 3
    assert (tmp_path / HEAD_FILE).read_text() == f"3 {rows[2].hash}\n"
    assert found(maker, tmp_path) == []


def test_rows_written_at_once_still_follow_each_other(maker: Maker, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: note(maker, tmp_path, f"a{number}"), range(12)))
    assert found(maker, tmp_path) == []


def test_the_database_refuses_changes(maker: Maker, tmp_path: Path) -> None:
    note(maker, tmp_path, "a")
    for statement in ("UPDATE access_trail SET what = 'b'", "DELETE FROM access_trail"):
        with maker() as session, pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(statement))
    assert found(maker, tmp_path) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE access_trail SET why = 'another' WHERE number = 2", ["row 2 was altered"]),
        ("UPDATE access_trail SET person_id = 4 WHERE number = 2", ["row 2 was altered"]),
        ("UPDATE access_trail SET person_id = NULL WHERE number = 4", ["row 4 was altered"]),
        ("DELETE FROM access_trail WHERE number = 1", ["rows 1 to 1 are missing"]),
        ("DELETE FROM access_trail WHERE number IN (2, 3)", ["rows 2 to 3 are missing"]),
        (
            "DELETE FROM access_trail WHERE number > 2",
            ["rows 3 to 4, the newest, are missing"],
        ),
        ("DELETE FROM access_trail", ["rows 1 to 4, the newest, are missing"]),
    ],
)
def test_what_was_done_to_the_trail_is_found(
    maker: Maker, tmp_path: Path, statement: str, fault: list[str]
) -> None:
    for number in range(4):
        note(maker, tmp_path, f"a{number}")
    tamper(maker, statement)
    assert found(maker, tmp_path) == fault


def test_a_trail_written_anew_as_a_whole_is_found_by_the_head_outside(
    maker: Maker, tmp_path: Path
) -> None:
    for number in range(3):
        note(maker, tmp_path, f"a{number}")
    with maker() as session:
        rows = session.query(Access).order_by(Access.number).all()
    rows[1].why, previous = "a lie", rows[0].hash
    for row in rows[1:]:
        row.previous = previous
        row.hash = previous = digest(row)
        tamper(
            maker,
            f"UPDATE access_trail SET why = '{row.why}', previous = '{row.previous}', "
            f"hash = '{row.hash}' WHERE number = {row.number}",
        )
    assert found(maker, tmp_path) == [f"row 3 is not the one that {HEAD_FILE} names"]


def test_a_view_that_cannot_be_recorded_is_no_view(office: Office) -> None:
    number = talk(office)
    client = office.log_in()
    with office.desk.writing() as session:
        session.execute(text("ALTER TABLE access_trail RENAME TO gone"))
    office.app.testing = False
    answer = client.get(f"/admin/conversations/{number}")
    assert answer.status_code == 500 and "기초연금" not in answer.text


def test_a_head_that_cannot_be_kept_stops_nobody(maker: Maker, tmp_path: Path) -> None:
    note(maker, tmp_path / "missing", "a")
    assert found(maker, tmp_path / "missing") == []


def test_owners_read_the_trail(office: Office) -> None:
    number = talk(office)
    reader = office.log_in(Role.VIEWER)
    reader.get(f"/admin/conversations/{number}")
    owner = office.log_in(Role.OWNER)
    page = owner.get("/admin/trail").text
    assert "conversation_viewed" in page and "viewer@office.example" in page
    assert "127.0.0.1" in page and f"conversation {number}" in page
    narrowed = owner.get("/admin/trail?person=999").text
    assert "conversation_viewed" not in narrowed
    assert "conversation_viewed" not in owner.get("/admin/trail?before=2").text
