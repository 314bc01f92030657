"""Seats, speech made ahead, and the server of the live process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from simple_websocket import Client, ConnectionClosed
from sqlalchemy.orm import Session, sessionmaker
from twilio.request_validator import RequestValidator

from bot.channels import live_seats
from bot.channels.phone_live import stream_url
from bot.cli import main
from bot.live import ahead, seats
from bot.live.lines import Line
from bot.live.seats import Seats
from bot.settings import ROOT, load_settings
from media.errors import MediaError
from media.speak.cache import CachedVoice
from media.types import Speech
from tests.bot.channels.conftest import ACCOUNT, free_port
from tests.bot.live.conftest import QuickAnswerer, QuickRecogniser, QuickVoice, quick_house, until


def test_a_seat_is_promised_taken_once_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Seats(2)
    assert held.promise("a") and held.promise("a"), "the same again is the same seat"
    assert held.promise("b") and not held.promise("c")
    assert held.take("a") and not held.take("a") and not held.take("c")
    assert not held.promise("a"), "it is there already"
    assert held.taken == 1
    held.leave("a")
    assert held.promise("c")
    monkeypatch.setattr(seats, "PROMISE_SECONDS", -1.0)
    late = Seats(1)
    assert late.promise("a") and not late.take("a") and late.promise("b")


class Remembering(QuickVoice):
    """A quick voice that can be asked for its texts."""

    def stream(self, text, manner=None):  # type: ignore[no-untyped-def]
        if "없는" in text:
            raise MediaError("unreadable", "It cannot be read.", "Write it otherwise.")
        yield self.speak(text)


def test_speech_is_made_ahead_once(opened: sessionmaker[Session], tmp_path: Path) -> None:
    answerer = QuickAnswerer()
    answerer.articles = ()  # type: ignore[attr-defined]
    forgetful = quick_house(opened, tmp_path / "files", QuickRecogniser(), answerer, QuickVoice())
    assert ahead.prepare(forgetful, threading.Event()) == 0
    voice = CachedVoice(Remembering(), tmp_path / "speech")
    house = quick_house(opened, tmp_path / "files", QuickRecogniser(), answerer, voice)  # type: ignore[arg-type]
    made = ahead.prepare(house, threading.Event())
    assert made > len(Line)
    known = voice.known(Line.FILLER)
    assert isinstance(known, Speech)
    assert [part.text for part in house.speaker.parts(Line.FILLER)] == [known.text]
    assert ahead.prepare(house, threading.Event()) == 0
    stop = threading.Event()
    stop.set()
    (tmp_path / "other").mkdir()
    fresh = quick_house(
        opened,
        tmp_path / "files",
        QuickRecogniser(),
        answerer,
        CachedVoice(Remembering(), tmp_path / "other"),  # type: ignore[arg-type]
    )
    assert ahead.prepare(fresh, stop) == 0


SERVER = """
from pathlib import Path
from bot.conversation.database import sessions
from bot.live import house
from bot.live_server import LiveServer
from bot.settings import load_settings
from tests.bot.live.conftest import QuickAnswerer, QuickRecogniser, QuickVoice, quick_house

def quick(settings):
    return quick_house(
        sessions(settings), Path("."), QuickRecogniser(), QuickAnswerer(), QuickVoice(), 1
    )

house.LiveHouse.of = quick
LiveServer(load_settings()).run()
"""


def test_the_server_serves_sockets_and_stops(
    tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    values = {
        "SILVERLINE_CONFIG": str(tmp_path / "local.toml"),
        "SILVERLINE_APP__DATA_DIR": str(tmp_path),
        "SILVERLINE_APP__SECRET_KEY": "key",
        "SILVERLINE_DATABASE__URL": f"sqlite:///{tables}",
        "SILVERLINE_LIVE__ENABLED": "true",
        "SILVERLINE_LIVE__PORT": str(port),
        "SILVERLINE_LIVE__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SILVERLINE_TWILIO__ENABLED": "true",
        "SILVERLINE_TWILIO__PHONE_ENABLED": "true",
        "SILVERLINE_TWILIO__ACCOUNT_SID": ACCOUNT,
        "SILVERLINE_TWILIO__AUTH_TOKEN": "word",
    }
    (tmp_path / "local.toml").write_text("")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=tmp_path, env=environment, start_new_session=True
    )
    try:
        until(lambda: answers(port), 60)
        token = live_seats.promised(settings, "CA" + "1" * 32)
        assert token is not None
        assert live_seats.promised(settings, "CA" + "2" * 32) is None, "there is one seat"
        url = stream_url(settings, token)
        signature = RequestValidator("word").compute_signature(url, {})
        socket = Client(url, headers={"X-Twilio-Signature": signature})
        socket.send('{"event": "start", "start": {"callSid": "CA0"}}')
        with pytest.raises(ConnectionClosed):
            socket.receive(timeout=10)
        assert answers(port), "and it serves on"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert live_seats.promised(settings, "CA3") is None, "nobody is there any more"


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok
    except requests.RequestException:
        time.sleep(0.1)
        return False


def test_the_command_prepares(
    opened: sessionmaker[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = quick_house(opened, tmp_path / "files", QuickRecogniser(), QuickAnswerer(), QuickVoice())
    monkeypatch.setattr("bot.live.house.LiveHouse.of", lambda settings: made)
    done = CliRunner().invoke(main, ["live", "--prepare"])
    assert done.exit_code == 0 and "0 sentences" in done.output
