"""`silverline config`, `check`, `serve`, `worker`, `up`, as a person at a terminal meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from bot.channels.links import Links
from bot.cli import main
from bot.conversation import schema
from bot.conversation.database import engine
from bot.settings import ROOT, load_settings
from bot.simulate.twilio import FakeTwilio
from tests.bot.channels.conftest import ACCOUNT, free_port
from tests.bot.workers import wait_until


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of the test's own for everything that commands keep."""
    (tmp_path / "local.toml").write_text("")
    values = {
        "SILVERLINE_CONFIG": str(tmp_path / "local.toml"),
        "SILVERLINE_APP__DATA_DIR": str(tmp_path / "var"),
        "SILVERLINE_APP__PORT": str(free_port()),
        "SILVERLINE_DATABASE__URL": f"sqlite:///{tmp_path}/test.db",
        "SILVERLINE_FILES__URL": str(tmp_path / "files"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


def test_config_says_what_is_in_force_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_TWILIO__AUTH_TOKEN", "secret-word")
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", "postgresql://me:secret-word@host/name")
    status, text = run("config")
    assert status == 0
    assert "secret-word" not in text
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert lines["twilio.auth_token"].endswith('"********"  (SILVERLINE_TWILIO__AUTH_TOKEN)')
    assert "(default)" in lines["app.link_hours"]
    rows = {row["key"]: row for row in json.loads(run("config", "--json")[1])}
    assert rows["app.link_hours"] == {"key": "app.link_hours", "value": 72, "origin": "default"}


@pytest.mark.parametrize("command", ["config", "check", "serve", "worker", "up"])
def test_a_wrong_setting_stops_every_command(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("SILVERLINE_TWILIO__AUTH_TOKN", "x")
    status, text = run(command)
    assert status == 1
    assert "SILVERLINE_TWILIO__AUTH_TOKN: there is no such setting" in text


def findings(*arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
    status, text = run("check", "--json", *arguments)
    return status, {one["part"]: one for one in json.loads(text)}


def test_check_names_what_is_missing_and_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_KAKAO__ENABLED", "true")
    monkeypatch.setenv("SILVERLINE_TWILIO__ENABLED", "true")
    monkeypatch.setenv("SILVERLINE_KNOWLEDGE__FOLDER", "nowhere")
    status, found = findings("--offline")
    assert status == 1
    wrong = {part for part, one in found.items() if not one["ok"]}
    assert wrong == {"database", "articles", "kakao", "twilio"}
    assert found["database"]["remedy"].startswith("Run `silverline db upgrade`")  # type: ignore[attr-defined]
    assert found["kakao"]["remedy"] == "Set SILVERLINE_KAKAO__HEADER_VALUE."
    assert "SILVERLINE_TWILIO__AUTH_TOKEN" in str(found["twilio"]["remedy"])
    text = run("check", "--offline")[1]
    assert "NO  kakao" in text and "→ Set SILVERLINE_KAKAO__HEADER_VALUE." in text


def test_check_is_content_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    made = engine(load_settings().database.url)
    schema.upgrade(made)
    made.dispose()
    status, found = findings("--offline")
    assert {part for part, one in found.items() if not one["ok"]} == set()
    assert status == 0


def test_check_asks_the_vendor_and_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTwilio(ACCOUNT, "word", "http://127.0.0.1:1") as twilio:
        monkeypatch.setenv("SILVERLINE_TWILIO__ENABLED", "true")
        monkeypatch.setenv("SILVERLINE_TWILIO__ACCOUNT_SID", ACCOUNT)
        monkeypatch.setenv("SILVERLINE_TWILIO__AUTH_TOKEN", "word")
        monkeypatch.setenv("SILVERLINE_TWILIO__API_URL", twilio.url)
        monkeypatch.setenv("SILVERLINE_APP__PUBLIC_URL", "http://127.0.0.1:1")
        found = findings()[1]
    assert found["twilio account"]["ok"]
    assert not found["public address"]["ok"]
    assert "127.0.0.1:1" not in str(found["public address"]["detail"])


def test_check_warns_of_a_risky_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_APP__ENVIRONMENT", "production")
    monkeypatch.setenv("SILVERLINE_APP__SECRET_KEY", "key")
    monkeypatch.setenv("SILVERLINE_LIMITS__PRIVATE_HOSTS", '["10.0.0.1"]')
    detail = str(findings("--offline")[1]["settings"]["detail"])
    assert "not https" in detail and "private_hosts" in detail


def test_check_explains_a_database_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", "mysql://host/name")
    assert "not supported" in str(findings("--offline")[1]["database"]["detail"])
    monkeypatch.setenv("SILVERLINE_FILES__URL", "nothing://here")
    assert not findings("--offline")[1]["files"]["ok"]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Give a running command; it is killed where it does not end by itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def answers() -> bool:
    url = f"http://127.0.0.1:{os.environ['SILVERLINE_APP__PORT']}/healthz"
    try:
        return requests.get(url, timeout=2).ok
    except requests.ConnectionError:
        return False


def test_serve_answers_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_KAKAO__ENABLED", "true")
    with started("serve") as process:
        wait_until(answers, "the web application")
        process.send_signal(signal.SIGTERM)
        text = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "listening on http://127.0.0.1:" in text
    assert "Traceback" not in text


def test_serve_explains_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTwilio(ACCOUNT, "word", "") as other:
        monkeypatch.setenv("SILVERLINE_APP__PORT", other.url.rpartition(":")[2])
        status, text = run("serve")
    assert status == 1
    assert "SILVERLINE_APP__PORT" in text


@pytest.mark.parametrize("command", ["serve", "worker", "up"])
def test_what_cannot_start_is_explained(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", "mysql://host/name")
    status, text = run(command)
    assert status == 1
    assert "database.url" in text and "Traceback" not in text


def test_a_database_that_does_not_answer_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", "postgresql://me:word@127.0.0.1:1/name")
    status, text = run("up")
    assert status == 1
    assert "The database does not work" in text
    assert "word" not in text


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's process table")
def test_up_keeps_web_and_worker_running_and_stops_both(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SILVERLINE_CONFIG")
    monkeypatch.setenv("SILVERLINE_LIVE__ENABLED", "false")
    with started("up", "--simulate") as process:
        wait_until(answers, "the web application")
        web, worker = children(process.pid)
        os.kill(web, signal.SIGKILL)
        wait_until(lambda: web not in children(process.pid), "the end of the first web process")
        wait_until(lambda: len(children(process.pid)) == 2 and answers(), "another web process")
        process.send_signal(signal.SIGTERM)
        text = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "web ended (status -9); starting it again." in text
    assert not Path(f"/proc/{worker}").exists()
    assert (place / "test.db").exists()


def test_web_and_worker_sign_links_with_one_key(place: Path) -> None:
    settings = load_settings()
    url = Links.of(settings).watch("turn")
    assert Links.of(load_settings()).read("watch", url.rsplit("/", 1)[1]) == "turn"
