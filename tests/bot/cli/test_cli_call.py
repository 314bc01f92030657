"""Invitations to a video call, and the call server as a process."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from bot.calls import house
from bot.channels.links import Links
from bot.cli import main
from bot.conversation import schema
from bot.conversation.database import engine, sessions
from bot.conversation.models import Identity
from bot.settings import Settings, load_settings
from bot.simulate.phone import FakePhone
from media.errors import MediaError

ACCOUNT = "AC" + "0" * 32


@pytest.fixture(autouse=True)
def twilio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePhone]:
    """A database with its tables, and Twilio; both named by the settings."""
    (tmp_path / "empty.toml").write_text("")
    url = f"sqlite:///{tmp_path}/test.db"
    made = engine(url)
    schema.upgrade(made)
    made.dispose()
    with FakePhone(ACCOUNT, "word", "http://localhost:8000") as vendor:
        for name, value in {
            "CONFIG": str(tmp_path / "empty.toml"),
            "DATABASE__URL": url,
            "APP__DATA_DIR": str(tmp_path),
            "CALL__ENABLED": "true",
            "TWILIO__ENABLED": "true",
            "TWILIO__ACCOUNT_SID": ACCOUNT,
            "TWILIO__AUTH_TOKEN": "word",
            "TWILIO__SMS_FROM": "+82215880000",
            "TWILIO__API_URL": vendor.url,
        }.items():
            monkeypatch.setenv(f"SILVERLINE_{name}", value)
        yield vendor


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_link_for_a_number_is_that_persons(twilio: FakePhone) -> None:
    first = run("call-link", "--phone", "010-1234-5678")
    again = run("call-link", "--phone", "+821012345678", "--json")
    assert first.exit_code == 0
    told = json.loads(again.output)
    token = told["url"].rpartition("/")[2]
    assert Links.of(load_settings()).read("call", token) == str(told["person"])
    assert told["url"].startswith("http://localhost:8000/call/")
    with sessions(load_settings())() as session:
        found = session.scalars(select(Identity)).one()
        assert (found.channel, found.address) == ("phone", "+821012345678")
    by_number = run("call-link", str(told["person"]), "--hours", "2")
    assert by_number.exit_code == 0
    assert twilio.sent == []


def test_a_link_is_sent_as_a_text_message(twilio: FakePhone) -> None:
    told = json.loads(run("call-link", "--phone", "01012345678", "--send", "--json").output)
    (message,) = twilio.sent
    assert message.sid == told["message"]
    assert message.fields["To"] == "+821012345678"
    assert told["url"] in message.fields["Body"]
    assert "AI" in message.fields["Body"]


def test_what_cannot_be_done_is_said(twilio: FakePhone, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no person 5" in run("call-link", "5").output
    assert "no telephone number" in run("call-link", "--phone", "hello").output
    assert "no telephone number" in run("call-link", "--phone", "12").output
    assert "either" in run("call-link").output
    landline = run("call-link", "--phone", "02-123-4567", "--send")
    assert "no mobile number" in landline.output
    monkeypatch.setenv("SILVERLINE_TWILIO__SMS_FROM", "")
    assert "twilio.sms_from" in run("call-link", "--phone", "01012345678", "--send").output
    monkeypatch.setenv("SILVERLINE_CALL__ENABLED", "false")
    assert "call.enabled" in run("call-link", "--phone", "01012345678").output


def test_a_vendor_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_TWILIO__AUTH_TOKEN", "wrong")
    assert "Twilio refused" in run("call-link", "--phone", "01012345678", "--send").output
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("SILVERLINE_TWILIO__API_URL", url)
        assert "not reached" in run("call-link", "--phone", "01012345678", "--send").output


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "127.0.0.1:8199 cannot be listened on (Address"),
        (
            MediaError("not_live", "This face cannot be shown live.", "Use another."),
            "be shown live",
        ),
        (None, "video calls at somewhere"),
    ],
)
def test_the_call_server_says_what_keeps_it_from_starting(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, told: str
) -> None:
    async def started(settings: Settings, listening: Callable[[str], None]) -> None:
        assert settings.call.port == 8199
        if error is not None:
            raise error
        listening("somewhere")

    monkeypatch.setattr(house, "run", started)
    result = run("call-server", "--port", "8199")
    assert told in result.output
    assert result.exit_code == (1 if error else 0)
