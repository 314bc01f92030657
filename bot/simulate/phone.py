"""Twilio Voice, played: a caller who listens, speaks, presses keys, and hangs up.

TwiML is followed verb by verb as Twilio does. `moves` are what the caller does, in order: a path
is spoken at the next beep, a digit is pressed at the next chance, `-` is silence at a beep.
"""

from __future__ import annotations

import io
import secrets
import threading
import time
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import requests
from flask import Response, redirect
from werkzeug.wrappers import Response as AnyResponse

from bot.simulate.stream import Move, StreamCaller
from bot.simulate.twilio import SECONDS, FakeTwilio, Sent

TWIML_SECONDS = 1.0
"""A caller hears nothing while TwiML is awaited; Twilio itself waits 15 s."""

CALLER = "+821012345678"
LINE = "+82215880000"
MOST_REQUESTS = 400
MMS_BYTES = 5_000_000


@dataclass
class Heard:
    """Something that happened in a call, `at` seconds after it began."""

    at: float
    event: str
    detail: dict[str, Any] = field(default_factory=dict)


class FakePhone(FakeTwilio):
    """Twilio for one account with a telephone line; text messages go to plain numbers."""

    def __init__(self, account_sid: str, auth_token: str, public_url: str, port: int = 0) -> None:
        super().__init__(account_sid, auth_token, public_url, port)
        self.recordings: dict[str, Path] = {}
        self.deleted: list[str] = []
        base = f"/2010-04-01/Accounts/{account_sid}/Recordings"
        self.app.add_url_rule(f"{base}/<name>.wav", "recording", self._serve_recording)
        self.app.add_url_rule(f"{base}/<name>.json", "delete", self._delete, methods=["DELETE"])

    def record(self, sound: Path) -> str:
        """Keep `sound` as a recording; return its SID."""
        sid = "RE" + secrets.token_hex(16)
        self.recordings[sid] = sound
        self._media[sid] = sound
        return sid

    def _serve_recording(self, name: str) -> AnyResponse:
        if not self._authorized():
            return Response(status=HTTPStatus.UNAUTHORIZED)
        if name not in self.recordings:
            return Response(status=HTTPStatus.NOT_FOUND)
        port = urlsplit(self.url).port
        return redirect(f"http://localhost:{port}/cdn/{name}", HTTPStatus.TEMPORARY_REDIRECT)

    def _delete(self, name: str) -> Response:
        if not self._authorized():
            return Response(status=HTTPStatus.UNAUTHORIZED)
        self.deleted.append(name)
        known = self.recordings.pop(name, None)
        return Response(status=HTTPStatus.NO_CONTENT if known else HTTPStatus.NOT_FOUND)

    def _fault(self, message: Sent) -> str:
        fields = message.fields
        if any(fields.get(end, "").startswith("whatsapp:") for end in ("From", "To")):
            return super()._fault(message)
        url = fields.get("MediaUrl", "")
        if url and fields.get("To", "").startswith("+82"):
            return "a message to a Korean telephone carries no media"
        if url:
            return self._media_fault(message, url, MMS_BYTES)
        try:
            fields.get("Body", "").encode("euc-kr")
        except UnicodeEncodeError as error:
            return f"EUC-KR cannot write {error.object[error.start]!r}"
        return "" if fields.get("Body") else "there is no text"


@dataclass(frozen=True, slots=True)
class Live:
    """How a stream is played: the server's address, the share of frames lost."""

    server: str
    loss: float = 0.0


class PhoneCall:
    """One call to the line of the service at `server`."""

    def __init__(
        self,
        vendor: FakePhone,
        server: str,
        moves: Sequence[Path | str],
        decline: bool = False,
        caller: str = CALLER,
        live: Live | None = None,
        dialled: str = "completed",
    ) -> None:
        """`dialled` is what becomes of a call to the human."""
        self._dialled = dialled
        self.vendor, self.server, self.caller = vendor, server, caller
        self.live = live
        self.stream: StreamCaller | None = None
        self.sid = "CA" + secrets.token_hex(16)
        self.timeline: list[Heard] = []
        self._moves = list(moves)
        self._decline = decline
        self._begun = time.monotonic()
        self._over = False
        self._threads: list[threading.Thread] = []

    def play(self) -> list[Heard]:
        """Call, go through the moves, hang up; return what happened."""
        path, form = "/twilio/voice", {"CallStatus": "ringing"}
        for _ in range(MOST_REQUESTS):
            step = self._follow(self._ask(path, form))
            if step is None:
                break
            path, form = step
        self._tell("hang-up")
        for thread in self._threads:
            thread.join()
        self.post("/twilio/voice/status", {"CallStatus": "completed", "CallDuration": "60"})
        return self.timeline

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        """Send a webhook of this call, signed."""
        common = {
            "CallSid": self.sid,
            "AccountSid": self.vendor.account_sid,
            "From": self.caller,
            "To": LINE,
            "Direction": "inbound",
            "CallStatus": "in-progress",
        }
        return self.vendor.post(path, common | form, self.server)

    def _ask(self, path: str, form: dict[str, str]) -> Element:
        """Ask for TwiML, twice as Twilio may: a replay must be told the same."""
        begun = time.monotonic()
        answer = self.post(path, form)
        took = time.monotonic() - begun
        book = self.vendor.book
        step = urlsplit(path).path
        self._tell("twiml", step=step, seconds=round(took, 3))
        book.expect(answer.ok, f"{step} answered {answer.status_code}")
        book.expect(took <= TWIML_SECONDS, f"{step} took {took:.2f} s ({TWIML_SECONDS:g} allowed)")
        kind = answer.headers.get("Content-Type", "")
        book.expect(kind.startswith("text/xml"), f"{step} answered the type {kind}")
        if not step.endswith("/wait"):
            again = self.post(path, form)
            book.expect(again.text == answer.text, f"{step} told a replay something else")
        try:
            return ElementTree.fromstring(answer.text)
        except ElementTree.ParseError:
            book.expect(False, f"{step} answered no XML")
            return Element("Response")

    def _follow(self, twiml: Element) -> tuple[str, dict[str, str]] | None:
        """Do what TwiML says; return the next request, None where the call is over."""
        for verb in twiml:
            step = self._do(verb)
            if step is not None:
                return step
            if self._over:
                return None
        return None

    def _do(self, verb: Element) -> tuple[str, dict[str, str]] | None:
        match verb.tag:
            case "Play" | "Say":
                self._hear(verb)
            case "Pause":
                time.sleep(float(verb.get("length", "1")))
            case "Gather":
                return self._gather(verb)
            case "Record":
                return self._record(verb)
            case "Connect":
                self._connect(verb)
            case "Redirect":
                return self._path(verb.text or ""), {}
            case "Dial":
                self._tell("dial", number=verb.text)
                return self._path(verb.get("action", "")), {"DialCallStatus": self._dialled}
            case "Hangup":
                self._over = True
            case other:
                self.vendor.book.expect(False, f"TwiML holds {other}")
        return None

    def _hear(self, verb: Element) -> None:
        if verb.tag == "Say":
            self._tell("say", text=verb.text)
            return
        sound = requests.get(self.server + self._path(verb.text or ""), timeout=SECONDS)
        kind = sound.headers.get("Content-Type", "")
        good = sound.ok and kind.startswith("audio/")
        self.vendor.book.expect(good, f"a sound answers {sound.status_code}, {kind}")
        seconds = _length(sound.content) if good else 0.0
        self._tell("play", url=verb.text, seconds=seconds)
        if (verb.text or "").endswith("hold.wav"):
            # Whoever waits hears it out; other sounds are passed over.
            time.sleep(seconds)

    def _gather(self, verb: Element) -> tuple[str, dict[str, str]] | None:
        for said in verb:
            self._hear(said)
        path = self._path(verb.get("action", ""))
        if urlsplit(path).path.endswith("/notice"):
            return path, {"Digits": "3"} if self._decline else {}
        if self._next_is_key():
            digit = str(self._moves.pop(0))
            self._tell("key", digit=digit)
            return path, {"Digits": digit}
        return (path, {}) if verb.get("actionOnEmptyResult") == "true" else None

    def _record(self, verb: Element) -> tuple[str, dict[str, str]] | None:
        if not self._moves:
            self._over = True
            return None
        path = self._path(verb.get("action", ""))
        if self._next_is_key():
            digit = str(self._moves.pop(0))
            ends = digit in verb.get("finishOnKey", "1234567890*#")
            self.vendor.book.expect(ends, f"the key {digit} does not end a recording")
            self._tell("key", digit=digit)
            return path, {"Digits": digit}
        move = self._moves.pop(0)
        if not isinstance(move, Path):
            self._tell("silence", seconds=float(verb.get("timeout", "5")))
            return None
        sid = self.vendor.record(move)
        account = f"https://api.twilio.com/2010-04-01/Accounts/{self.vendor.account_sid}"
        form = {"RecordingUrl": f"{account}/Recordings/{sid}", "RecordingDuration": "5"}
        self._tell("speak", file=move.name, recording=sid)
        told = self._path(verb.get("recordingStatusCallback", ""))
        done = form | {"RecordingSid": sid, "RecordingStatus": "completed"}
        thread = threading.Thread(target=self.post, args=(told, done), daemon=True)
        thread.start()
        self._threads.append(thread)
        return path, form

    def _connect(self, verb: Element) -> None:
        """Open the stream, talk, and come back when the service has closed it."""
        stream = verb.find("Stream")
        url = "" if stream is None else stream.get("url", "")
        book = self.vendor.book
        parts = urlsplit(url)
        book.expect(parts.scheme in ("ws", "wss") and not parts.query, f"no stream goes to {url}")
        if self.live is None:
            book.expect(False, "TwiML asks for a stream, which this call does not play")
            return
        start = {
            "streamSid": "MZ" + secrets.token_hex(16),
            "accountSid": self.vendor.account_sid,
            "callSid": self.sid,
            "tracks": ["inbound"],
            "customParameters": {},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        where = "ws" + self.live.server.removeprefix("http") + parts.path
        forged = StreamCaller(where, {"X-Twilio-Signature": "forged"}, start, [], self._tell)
        forged.play()
        book.expect(bool(forged.refused), "a forged stream was accepted")
        moves = [move_of(move) for move in self._moves]
        headers = {"X-Twilio-Signature": self.vendor.signature(url)}
        self.stream = StreamCaller(where, headers, start, moves, self._tell, self.live.loss)
        left = self.stream.play()
        book.expect(not self.stream.refused, f"the stream was refused: {self.stream.refused}")
        self._moves = self._moves[len(self._moves) - len(left) :]
        # The same handshake once more: its seat is used up.
        again = StreamCaller(where, headers, start, [], self._tell)
        again.play()
        book.expect(again.heard_seconds == 0.0, "a stream began twice")
        self._over = self.stream.hung_up

    def _next_is_key(self) -> bool:
        move = self._moves[0] if self._moves else None
        return isinstance(move, str) and len(move) == 1 and move in "0123456789*#"

    def _path(self, url: str) -> str:
        """Return the path of a public address, with its query."""
        public_url = self.vendor.public_url
        self.vendor.book.expect(url.startswith(public_url + "/"), f"{url} is not a public address")
        return url.removeprefix(public_url)

    def _tell(self, event: str, **detail: Any) -> None:
        self.timeline.append(Heard(round(time.monotonic() - self._begun, 3), event, detail))


def move_of(move: Path | str) -> Move:
    """Return a move at a stream: `!` before it does it while the counsellor speaks, `x` cuts."""
    if isinstance(move, Path):
        return Move(sound=move)
    over, text = move.startswith("!"), move.removeprefix("!")
    if text == "x":
        return Move(cut=True, over=over)
    if text == "-":
        return Move()
    if len(text) == 1:
        return Move(key=text, over=over)
    return Move(sound=Path(text), over=over)


def answers(timeline: Sequence[Heard]) -> Iterator[float]:
    """Yield the seconds from the end of each question to the first sound of its answer."""
    asked: float | None = None
    for entry in timeline:
        if entry.event == "speak":
            asked = entry.at
        elif entry.event in ("play", "say") and asked is not None:
            url = entry.detail.get("url") or ""
            if url.endswith("answer.wav"):
                yield round(entry.at - asked, 3)
                asked = None


def _length(sound: bytes) -> float:
    try:
        with wave.open(io.BytesIO(sound)) as file:
            return float(round(file.getnframes() / file.getframerate(), 3))
    except (wave.Error, EOFError):
        return 0.0
