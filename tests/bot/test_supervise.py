"""Processes that are kept running together."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from bot import supervise as supervising
from bot.supervise import own, supervise
from tests.bot.workers import wait_until


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test need not wait for."""
    monkeypatch.setattr(supervising, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(supervising, "LOOK_SECONDS", 0.01)


def script(text: str) -> list[str]:
    return [sys.executable, "-c", "import pathlib, signal, sys, time\n" + text]


def lives(path: Path) -> int:
    return len(path.read_text()) if path.exists() else 0


def writes(path: Path, then: str) -> list[str]:
    return script(f"pathlib.Path({str(path)!r}).open('a').write('x')\n{then}")


def test_a_process_that_dies_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "QUICK_SECONDS", 0.0)
    stop, told = threading.Event(), []
    mortal, steady = tmp_path / "mortal", tmp_path / "steady"
    commands = {
        "mortal": writes(mortal, "sys.exit(3)"),
        "steady": writes(steady, "time.sleep(60)"),
    }
    statuses: list[int] = []
    thread = threading.Thread(
        target=lambda: statuses.append(supervise(commands, stop, told.append))
    )
    thread.start()
    wait_until(lambda: lives(mortal) >= 4, "four lives")
    stop.set()
    thread.join()
    assert statuses == [0]
    assert lives(steady) == 1
    assert told[0] == "mortal ended (status 3); starting it again."


def test_a_process_that_never_starts_stops_all(tmp_path: Path) -> None:
    told: list[str] = []
    commands = {
        "wrong": script("sys.exit(2)"),
        "steady": writes(tmp_path / "steady", "time.sleep(60)"),
    }
    assert supervise(commands, threading.Event(), told.append) == 1
    assert told[-1] == "wrong ends at its start again and again (status 2)."


def test_a_process_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "GRACE_SECONDS", 0.1)
    stop, mark = threading.Event(), tmp_path / "mark"
    deaf = script(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(mark)!r}).write_text('x')\ntime.sleep(60)"
    )
    thread = threading.Thread(target=supervise, args=({"deaf": deaf}, stop, lambda text: None))
    thread.start()
    wait_until(mark.exists, "the deaf process")
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_own_names_this_program() -> None:
    assert own("serve", "--port", "1")[1:] == ["-m", "bot", "serve", "--port", "1"]
