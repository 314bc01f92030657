"""A console with a clock that tests move, accounts of every role, and some conversations."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.admin.credentials import hash_password
from bot.admin.desk import Desk
from bot.app import create_app
from bot.conversation import schema
from bot.conversation.accounts import Access, Account, Role
from bot.conversation.database import engine
from bot.conversation.models import (
    Conversation,
    Delivery,
    DeliveryKind,
    Identity,
    Person,
    Question,
    Sending,
    State,
    Turn,
    TurnStep,
)
from bot.settings import load_settings
from tests.bot.servers import postgres_database

PASSWORD = "봄날 저녁 산책길 열두 걸음"
BEGIN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, **time: float) -> None:
        self.moment += timedelta(**time)


@dataclass
class Office:
    """The application, its desk, its clock, and clients that know how to log in."""

    app: Flask
    desk: Desk
    clock: Clock
    secrets: dict[str, str] = field(default_factory=dict)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def account(self, role: Role = Role.VIEWER, **values: Any) -> str:
        """Make an account; return its address."""
        email = values.pop("email", f"{role.value}@office.example")
        self.secrets[email] = pyotp.random_base32()
        with self.desk.writing() as session:
            session.add(
                Account(
                    email=email,
                    role=role,
                    password_hash=HASH,
                    totp_secret=self.secrets[email],
                    must_change=values.pop("must_change", False),
                    **values,
                )
            )
        return email

    def code(self, email: str) -> str:
        return pyotp.TOTP(self.secrets[email]).at(self.clock.moment)

    def log_in(self, role: Role = Role.VIEWER, **values: Any) -> FlaskClient:
        """Return a client that is logged in with a new account."""
        email = self.account(role, **values)
        client = self.client()
        answer = self.enter(client, email)
        assert answer.status_code == 302, answer.text
        return client

    def enter(
        self, client: FlaskClient, email: str, password: str = PASSWORD, code: str | None = None
    ) -> TestResponse:
        """Fill in the log-in form."""
        return send(
            client,
            "/admin/login",
            email=email,
            password=password,
            code=self.code(email) if code is None else code,
        )

    def trail(self) -> list[Access]:
        with self.desk.sessions() as session:
            return list(session.query(Access).order_by(Access.number))


def token_of(client: FlaskClient, page: str = "/admin/login") -> str:
    """Return the form token that a page carries."""
    found = re.search(r'name="token" value="([0-9a-f]+)"', client.get(page).text)
    assert found
    return found[1]


def send(client: FlaskClient, path: str, page: str = "/admin/login", **fields: str) -> TestResponse:
    """Send a form with its token."""
    return client.post(path, data={"token": token_of(client, page), **fields})


ANSWERED = {
    "outcome": "answered",
    "article_id": "basic-pension",
    "state": State.DELIVERED,
}
HASH = hash_password(PASSWORD)


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings of the console that a test changes."""
    return {}


@pytest.fixture
def sections() -> dict[str, Any]:
    """Other sections of the settings that a test changes."""
    return {}


@pytest.fixture
def office_url(request: pytest.FixtureRequest, tmp_path: Path, tables: Path) -> Iterator[str]:
    """A database with empty tables: SQLite, where the test is not marked with `both`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copy(tables, tmp_path / "test.db")
        yield f"sqlite:///{tmp_path}/test.db"
        return
    with postgres_database() as url:
        made = engine(url)
        schema.upgrade(made)
        made.dispose()
        yield url


both = pytest.mark.parametrize("office_url", ["sqlite", "postgresql"], indirect=True)
"""Runs a test on SQLite and on PostgreSQL."""


@pytest.fixture
def office(
    tmp_path: Path, office_url: str, options: dict[str, Any], sections: dict[str, Any]
) -> Iterator[Office]:
    """A console with empty tables."""
    settings = load_settings(
        database={"url": office_url},
        files={"url": str(tmp_path / "files")},
        app={"data_dir": tmp_path, "secret_key": "key"},
        admin={"enabled": True} | options,
        **sections,
    )
    app = create_app(settings)
    clock = Clock()
    desk: Desk = replace(app.extensions["silverline.admin"], clock=clock)
    desk.attach(app)
    yield Office(app, desk, clock)
    desk.sessions.kw["bind"].dispose()


def talk(office: Office, text: str = "기초연금은 어디서 신청해요?", **values: Any) -> int:
    """Put a conversation of one turn into the tables; return its number."""
    moment = values.pop("at", office.clock.moment)
    channel = values.pop("channel", "kakao")
    address = values.pop("address", "821012345678")
    answer = values.pop("answer", "가까운 주민센터에서 신청하실 수 있어요.")
    with office.desk.writing() as session:
        person = Person()
        turn = Turn(
            conversation=Conversation(
                person=person, channel=channel, started_at=moment, last_activity_at=moment
            ),
            identity=Identity(person=person, channel=channel, address=address + uuid4().hex),
            number=1,
            kind=Question.TEXT,
            text=text,
            answer=answer,
            **(ANSWERED | values),
        )
        session.add(turn)
        session.flush()
        session.add_all(
            [
                TurnStep(
                    turn_id=turn.id,
                    step=step,
                    started_at=moment,
                    finished_at=moment,
                    seconds=seconds,
                    worker="w",
                )
                for step, seconds in (("think", 0.25), ("voice", 0.75), ("deliver", 0.5))
            ]
        )
        session.add(
            Delivery(
                turn_id=turn.id,
                channel=channel,
                address=address,
                kind=DeliveryKind.VIDEO,
                key=turn.key,
                state=Sending.SENT,
                sent_at=moment,
            )
        )
        return turn.conversation_id
