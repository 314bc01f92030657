"""A quick pipeline and a counting sink: the turn's surroundings without models and vendors."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.delivery import Channel, DeliveryError, Reply
from bot.conversation.files import FileStore
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import Turn
from bot.conversation.parts import Parts
from bot.knowledge.types import Answer, Article, Candidate, Context, Outcome
from media.types import Audio, Phoneme, Speech, Transcript, Word

ARTICLE = Article(
    id="basic-pension",
    title="기초연금",
    questions=("기초연금이 뭐예요",),
    answer="기초연금은 예순다섯 살부터 받아요.",
    next_step="주민센터에 가 보세요.",
    documents=("신분증",),
    contact_name="국민연금공단",
    contact_number="1355",
    source_name="보건복지부",
    source_url="https://www.mohw.go.kr/",
    checked=date(2026, 11, 1),
)


class Gate:
    """Lets a step through, or holds it for good, where a file says so."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __call__(self, point: str) -> None:
        """Say that `point` is reached, and stay there while it is to be held."""
        if self._folder is None:
            return
        (self._folder / f"at-{point}").touch()
        while (self._folder / f"hold-{point}").exists():
            time.sleep(0.01)


@dataclass
class QuickSteps:
    """Does every step in a moment; `faults` are raised, the first of each step's list first."""

    gate: Gate = field(default_factory=lambda: Gate(None))
    transcript: Transcript = Transcript(
        "기초연금이 뭐예요",
        words=(Word("기초연금이", 0.1, 0.6, 0.9), Word("뭐예요", 0.7, 1.0, 0.8)),
    )
    answer: Answer | None = None
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    contexts: list[Context] = field(default_factory=list)
    spoken: list[Answer] = field(default_factory=list)

    def _pass(self, step: str) -> None:
        self.gate(step)
        if self.faults.get(step):
            raise self.faults[step].pop(0)

    def hear(self, recording: Path) -> Transcript:
        assert recording.read_bytes()
        self._pass("hear")
        return self.transcript

    def think(self, question: str, context: Context) -> Answer:
        self._pass("think")
        self.contexts.append(context)
        return self.answer or Answer(
            Outcome.ANSWERED,
            ARTICLE.answer,
            article=ARTICLE,
            score=0.9,
            candidates=(Candidate(ARTICLE, 0.9),),
            contact_name=ARTICLE.contact_name,
            contact_number=ARTICLE.contact_number,
            lines=("예순다섯 살부터", "매달", "받아요"),
        )

    def not_heard(self, transcript: Transcript) -> Answer:
        text = "다시 한 번 말씀해 주세요."
        return Answer(Outcome.NOT_HEARD, text, lines=(text, transcript.reason))

    def voice(self, answer: Answer) -> Speech:
        self._pass("voice")
        self.spoken.append(answer)
        sound = np.sin(np.arange(8000) / 20).astype(np.float32) * 0.5
        return Speech(answer.text, Audio(sound, 16000), (Phoneme("a", 0.1, 0.3, "가"),))

    def render(self, speech: Speech, out: Path, poster: Path, title: str) -> QuickVideo:
        assert speech.phonemes and speech.audio.rate == 16000
        self._pass("render")
        out.write_bytes(b"video of " + speech.text.encode())
        poster.write_bytes(b"poster")
        return QuickVideo(out, speech.audio.seconds)


@dataclass
class QuickVideo:
    path: Path
    seconds: float


class Sink:
    """A vendor on this machine that counts what it is sent."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.taken.append(json.loads(body))
                self._answer({"id": f"m{len(sink.taken)}"})

            def do_GET(self) -> None:
                key = urllib.parse.unquote(self.path.rpartition("/")[2])
                ids = [f"m{n}" for n, taken in enumerate(sink.taken, 1) if taken["key"] == key]
                self._answer({"id": ids[0] if ids else None})

            def _answer(self, content: dict[str, str | None]) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[Sink]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@dataclass
class SinkChannel:
    """A channel that delivers to a `Sink`."""

    url: str
    gate: Gate = field(default_factory=lambda: Gate(None))
    wants_early_text: bool = False
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    asked: int = 0
    name: str = "sink"

    def fetch(self, url: str, target: Path) -> str:
        self._pass("fetch")
        target.write_bytes(b"sound from " + url.encode())
        return "audio/ogg; codecs=opus"

    def deliver(self, reply: Reply) -> str:
        self._pass("before-send")
        body = {"key": reply.key, "text": reply.text, "kind": reply.kind.value}
        body["video"] = reply.video.key if reply.video else ""
        request = urllib.request.Request(f"{self.url}/messages", json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                vendor_id = str(json.load(response)["id"])
        except urllib.error.URLError as error:
            raise DeliveryError("the sink is away", permanent=False) from error
        self._pass("after-send")
        return vendor_id

    def find(self, reply: Reply) -> str | None:
        self.asked += 1
        with urllib.request.urlopen(f"{self.url}/messages/{reply.key}", timeout=10) as response:
            found: str | None = json.load(response)["id"]
        return found

    def _pass(self, point: str) -> None:
        self.gate(point)
        if self.faults.get(point):
            raise self.faults[point].pop(0)


def quick_parts(
    sessions: sessionmaker[Session],
    folder: Path,
    channel: Channel,
    steps: QuickSteps | None = None,
    **options: object,
) -> Parts:
    """Return parts with the quick pipeline and one channel, files in `folder`."""
    channels: Mapping[str, Channel] = {channel.name: channel}
    return Parts(
        sessions=sessions,
        steps=steps or QuickSteps(),
        channels=channels,
        files=FileStore(str(folder / "files")),
        human_name="정부민원안내콜센터",
        human_number="110",
        **options,  # type: ignore[arg-type]
    )


both = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)
"""Runs a test on SQLite and on PostgreSQL."""


def ask(
    sessions: sessionmaker[Session],
    key: str = "k1",
    text: str = "",
    sender: str = "+821012345678",
    channel: str = "sink",
) -> int:
    """Return the turn that a new message began: a typed one with `text`, else a recording."""
    message = InboundMessage(
        channel=channel,
        key=key,
        sender=sender,
        kind="text" if text else "recording",
        text=text,
        media_url="" if text else "https://vendor.example/voice",
        reply_to={"token": "secret"},
    )
    with sessions() as session:
        turn_id = receive(session, message).turn_id
    assert turn_id is not None
    return turn_id


def read(sessions: sessionmaker[Session], turn_id: int) -> Turn:
    """Return the turn with everything that belongs to it."""
    with sessions() as session:
        turn = session.get_one(Turn, turn_id)
        for name in ("conversation", "steps", "deliveries", "recording", "speech", "video"):
            getattr(turn, name)
        return turn


def change(sessions: sessionmaker[Session], turn_id: int, **values: object) -> None:
    """Set columns of the turn."""
    with sessions() as session:
        turn = session.get_one(Turn, turn_id)
        for name, value in values.items():
            setattr(turn, name, value)
        session.commit()
