"""The commands that make accounts and check the trail."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from bot.cli import main
from bot.conversation import schema
from bot.conversation.accounts import Account, Role
from bot.conversation.columns import now
from bot.conversation.database import engine, sessions
from bot.conversation.summaries import KST
from bot.settings import load_settings


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with its tables, named by the settings; its address."""
    (tmp_path / "empty.toml").write_text("")
    monkeypatch.setenv("SILVERLINE_CONFIG", str(tmp_path / "empty.toml"))
    url = f"sqlite:///{tmp_path}/test.db"
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", url)
    monkeypatch.setenv("SILVERLINE_APP__DATA_DIR", str(tmp_path))
    made = engine(url)
    schema.upgrade(made)
    made.dispose()
    return url


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def account() -> Account:
    maker = sessions(load_settings())
    with maker() as session:
        found = session.query(Account).one()
    maker.kw["bind"].dispose()
    return found


def test_an_account_is_made_with_what_its_person_needs() -> None:
    made = call("admin", "add", "Kim@Office.example", "--role", "owner", "--name", "김")
    assert made.exit_code == 0, made.output
    lines = dict(line.split(": ", 1) for line in made.output.splitlines() if ": " in line)
    uri = urlsplit(lines["authenticator"])
    assert uri.scheme == "otpauth" and "kim%40office.example" in uri.path
    found = account()
    assert parse_qs(uri.query)["secret"] == [found.totp_secret]
    assert found.email == "kim@office.example" and found.role is Role.OWNER and found.must_change
    assert lines["one-time password"] not in found.password_hash
    assert "admin.enabled = true" in made.output
    listed = call("admin", "list").output
    assert listed == "kim@office.example\towner\t김\tmust change password\n"


def test_an_account_is_made_once() -> None:
    call("admin", "add", "kim@office.example", "--role", "viewer")
    again = call("admin", "add", "KIM@office.example", "--role", "viewer")
    assert again.exit_code == 1 and "admin reset" in again.output
    assert call("admin", "add", "kim", "--role", "viewer").exit_code == 1
    assert call("admin", "add", "a@b", "--role", "king").exit_code == 2


def test_an_account_is_reset_and_disabled() -> None:
    call("admin", "add", "kim@office.example", "--role", "viewer")
    before = account()
    assert call("admin", "disable", "kim@office.example").exit_code == 0
    assert account().disabled and account().session_version == 2
    assert "disabled" in call("admin", "list").output
    assert call("admin", "reset", "kim@office.example").exit_code == 0
    after = account()
    assert not after.disabled and after.password_hash != before.password_hash
    assert after.totp_secret != before.totp_secret and after.session_version == 3
    missing = call("admin", "reset", "nobody@office.example")
    assert missing.exit_code == 1 and "admin list" in missing.output


def test_the_trail_is_checked(here: str) -> None:
    assert "no rows yet" in call("audit", "verify").output
    call("admin", "add", "kim@office.example", "--role", "viewer")
    whole = call("audit", "verify")
    assert whole.exit_code == 0 and "1 rows, the newest" in whole.output
    made = engine(here)
    with made.begin() as connection:
        connection.execute(text("DROP TRIGGER access_trail_stays_update"))
        connection.execute(text("UPDATE access_trail SET subject = 'lee@office.example'"))
    made.dispose()
    broken = call("audit", "verify")
    assert broken.exit_code == 1 and "row 1 was altered" in broken.output


def test_the_monthly_report_is_made(tmp_path: Path) -> None:
    call("admin", "add", "kim@office.example", "--role", "viewer")
    month = f"{now().astimezone(KST):%Y-%m}"
    printed = call("audit", "report", month)
    assert printed.exit_code == 0 and "account_added" in printed.output
    kept = call("audit", "report", month, "--out", str(tmp_path / "r.csv"))
    assert "2 rows" in kept.output and "report_made" in (tmp_path / "r.csv").read_text()
    assert "account_added" not in call("audit", "report").output
    wrong = call("audit", "report", "March")
    assert wrong.exit_code == 1 and "2026-03" in wrong.output


def test_what_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", f"sqlite:///{tmp_path}/empty.db")
    told = call("audit", "verify")
    assert told.exit_code == 1 and "silverline db upgrade" in told.output
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", "mysql://x/y")
    assert "not supported" in call("admin", "list").output
    monkeypatch.setenv("SILVERLINE_APP__PORT", "many")
    assert "app.port" in call("admin", "list").output
