"""The whole house on one port: web application, played vendors, and a worker that tests call."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from waitress import create_server

from bot.app import create_app
from bot.channels.registry import channels
from bot.channels.services import Services
from bot.conversation.models import ENDS, Turn
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from bot.settings import Settings, load_settings
from bot.simulate.kakao import FakeKakao
from bot.simulate.phone import FakePhone
from media.types import Speech
from tests.bot.conversation.pipeline import QuickSteps, QuickVideo

ACCOUNT = "AC" + "0" * 32
VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40
POSTER = b"\xff\xd8\xff\xe0 a picture"


class ChannelSteps(QuickSteps):
    """The quick pipeline with a file that looks like a video."""

    def render(self, speech: Speech, out: Path, poster: Path, title: str) -> QuickVideo:
        self._pass("render")
        out.write_bytes(VIDEO)
        poster.write_bytes(POSTER)
        return QuickVideo(out, speech.audio.seconds)


@dataclass
class House:
    """A running service with its vendors."""

    settings: Settings
    held: Services
    url: str
    twilio: FakePhone
    kakao: FakeKakao
    parts: Parts
    steps: ChannelSteps = field(default_factory=ChannelSteps)

    def work(self) -> list[Turn]:
        """Move every turn as far as it goes; return all turns, the oldest first."""
        with self.held.sessions() as session:
            waiting = session.scalars(select(Turn.id).where(Turn.state.not_in(ENDS))).all()
        for turn_id in waiting:
            advance(self.parts, turn_id)
        return self.turns()

    def turns(self) -> list[Turn]:
        """Return all turns with their deliveries and files, the oldest first."""
        with self.held.sessions() as session:
            found = list(session.scalars(select(Turn).order_by(Turn.id)))
            for turn in found:
                for name in ("deliveries", "recording", "video", "poster", "identity", "steps"):
                    getattr(turn, name)
            return found


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings that a test module changes, by section."""
    return {}


@pytest.fixture
def house(tmp_path: Path, tables: Path, options: dict[str, Any]) -> Iterator[House]:
    """The service on a free port, its vendors beside it."""
    shutil.copy(tables, tmp_path / "test.db")
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    with (
        FakePhone(ACCOUNT, "word", public_url) as twilio,
        FakeKakao("X-Silverline-Key", "header", "bot1") as kakao,
    ):
        sections: dict[str, dict[str, Any]] = {
            "app": {"public_url": public_url, "data_dir": tmp_path, "secret_key": "key"},
            "database": {"url": f"sqlite:///{tmp_path}/test.db"},
            "files": {"url": str(tmp_path / "files")},
            "limits": {"private_hosts": ["127.0.0.1", "localhost"]},
            "kakao": {
                "enabled": True,
                "header_value": "header",
                "bot_id": "bot1",
                "callback_hosts": ["127.0.0.1"],
                "media_hosts": ["127.0.0.1"],
                "answer_seconds": 0.3,
            },
            "twilio": {
                "enabled": True,
                "account_sid": ACCOUNT,
                "auth_token": "word",
                "whatsapp_from": "whatsapp:+8215880000",
                "api_url": twilio.url,
                "media_hosts": ["127.0.0.1", "localhost"],
            },
        }
        for section, values in options.items():
            sections[section] = sections.get(section, {}) | values
        settings = load_settings(**sections)
        held = Services.of(settings)
        steps = ChannelSteps()
        parts = Parts(
            sessions=held.sessions,
            steps=steps,
            channels=channels(settings),
            files=held.files,
            human_name="정부민원안내콜센터",
            human_number="110",
            retry_seconds=0.0,
        )
        server = create_server(
            create_app(settings, held),
            host="127.0.0.1",
            port=port,
            threads=8,
            max_request_body_size=settings.limits.request_bytes,
            ident=None,
            asyncore_loop_timeout=0.05,
        )

        def run() -> None:
            # Its sockets are closed under it at the end.
            with suppress(OSError):
                server.run()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield House(settings, held, public_url, twilio, kakao, parts, steps)
        server.close()
        server.task_dispatcher.shutdown()
        thread.join(timeout=5)
        held.sessions.kw["bind"].dispose()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file that a messenger would take for a voice note."""
    path = tmp_path / "question.ogg"
    path.write_bytes(b"OggS sound")
    return path


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
