"""A telephone stream (Twilio Media Streams) as the transport of a live conversation.

Frames of 20 ms go out at the pace at which they are heard, a little ahead; each piece is followed
by a mark that comes back when it was heard. `clear` drops what the vendor still holds.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import structlog
from scipy.signal import firwin
from simple_websocket import ConnectionClosed

from bot.live.transport import After, Cut, Mood, Piece, Speaker
from media.hear.stream import RATE
from media.speak.telephone import decode_mulaw, encode_mulaw, narrow, resampled
from media.types import FloatArray

FRAME_SECONDS = 0.02
AHEAD = 0.4
"""Seconds that frames are sent before they are heard: a late one leaves no gap."""
QUIET = 0xFF
"""Silence in μ-law."""
LONGEST_GAP = 2.0
"""Seconds of lost sound that are filled with silence."""
MULAW = "audio/x-mulaw"

log = structlog.get_logger(__name__)


class FormatError(Exception):
    """The stream's sound is in a form that is not known here."""


class Talks(Protocol):
    """What of a live conversation a stream needs."""

    def hear(self, samples: FloatArray) -> None:
        """Take the next sound."""
        ...

    def key(self, digit: str) -> None:
        """Take a key."""
        ...

    def played(self, mark: str) -> None:
        """Take that a piece was heard."""
        ...


class Socket(Protocol):
    """The WebSocket, as far as it is used."""

    def send(self, data: str) -> None:
        """Send a text message."""
        ...

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """Return the next message, None after `timeout` seconds."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """The form of a stream's sound."""

    rate: int

    @classmethod
    def of(cls, start: dict[str, Any]) -> Format:
        """Return the form that a `start` message names; FormatError where it is not known."""
        named = start.get("mediaFormat", {})
        try:
            found = (str(named["encoding"]), int(named["sampleRate"]), int(named["channels"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"the stream names no format: {named!r}") from error
        encoding, rate, channels = found
        if encoding != MULAW or rate not in (8000, RATE) or channels != 1:
            raise FormatError(f"{encoding} at {rate} Hz with {channels} channels is not known")
        return cls(rate)

    @property
    def frame(self) -> int:
        """Bytes of 20 ms."""
        return round(self.rate * FRAME_SECONDS)

    def frames(self, piece: Piece) -> list[bytes]:
        """Return the sound of `piece` in frames; the last one is filled with silence."""
        audio = piece.speech.audio
        sound = narrow(audio) if self.rate == 8000 else resampled(audio, self.rate)
        data = encode_mulaw(sound.samples)
        data += bytes([QUIET]) * (-len(data) % self.frame)
        return [data[at : at + self.frame] for at in range(0, len(data), self.frame)]


class Doubler:
    """Brings 8 kHz sound to 16 kHz as it comes, without a seam between two frames."""

    TAPS = np.asarray(firwin(47, 0.5) * 2, np.float32)

    def __init__(self) -> None:
        self._tail = np.zeros(len(self.TAPS) - 1, np.float32)

    def __call__(self, samples: FloatArray) -> FloatArray:
        """Return twice as many samples as `samples` (n,)."""
        spread = np.zeros(2 * len(samples), np.float32)
        spread[::2] = samples
        whole = np.concatenate([self._tail, spread])
        self._tail = whole[-len(self._tail) :]
        return np.convolve(whole, self.TAPS, "valid").astype(np.float32)


@dataclass
class _Sent:
    """A piece on its way: its length, and when its first frame is heard once it has left."""

    mark: str
    seconds: float
    starts: float | None = None


class Pacer:
    """Sends frames at their time. `send` takes a message; it may raise ConnectionClosed.

    `clock` tells monotonic seconds.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send, self._clock = send, clock
        self._lock = threading.Condition()
        self._waiting: deque[tuple[_Sent, bytes | None]] = deque()
        self._pieces: list[_Sent] = []
        self._next = 0.0
        """When the next frame is heard."""
        self._turn = 0
        """Raised by every `clear`, so that older marks are known."""
        self._stopped = False

    def add(self, mark: str, frames: list[bytes]) -> None:
        """Let `frames` be heard after those before, and `mark` come back then."""
        sent = _Sent(mark, len(frames) * FRAME_SECONDS)
        with self._lock:
            self._pieces.append(sent)
            self._waiting.extend((sent, frame) for frame in frames)
            self._waiting.append((sent, None))
            self._lock.notify()

    def clear(self) -> Cut | None:
        """Drop everything; return where the sound was, None where there was none."""
        with self._lock:
            moment = self._clock()
            cut = None
            for sent in self._pieces:
                if sent.starts is None:
                    cut = Cut(sent.mark, 0.0)
                    break
                if moment < sent.starts + sent.seconds:
                    cut = Cut(sent.mark, max(0.0, moment - sent.starts))
                    break
            self._waiting.clear()
            self._pieces.clear()
            self._turn += 1
            self._next = moment
            self._send({"event": "clear"})
            self._lock.notify()
        return cut

    def came_back(self, name: str) -> str | None:
        """Return the mark that came back under `name`; None where it was dropped before."""
        turn, _, mark = name.partition("/")
        with self._lock:
            if turn != str(self._turn):
                return None
            self._pieces = [sent for sent in self._pieces if sent.mark != mark]
        return mark

    def run(self) -> None:
        """Send until `stop`, or until the socket is closed."""
        with self._lock:
            while not self._stopped:
                try:
                    wait = self.step()
                except (ConnectionClosed, OSError):
                    return
                if wait is None or wait > 0:
                    self._lock.wait(wait)

    def step(self) -> float | None:
        """Send what is due; return in how many seconds more will be, None where nothing waits."""
        while self._waiting:
            sent, frame = self._waiting[0]
            moment = self._clock()
            early = self._next - AHEAD - moment
            if frame is not None and early > 0:
                return early
            self._waiting.popleft()
            self._pass_on(sent, frame, moment)
        return None

    def stop(self) -> None:
        """Send nothing more."""
        with self._lock:
            self._stopped = True
            self._lock.notify()

    def _pass_on(self, sent: _Sent, frame: bytes | None, moment: float) -> None:
        if frame is None:
            self._send({"event": "mark", "mark": {"name": f"{self._turn}/{sent.mark}"}})
            return
        self._next = max(self._next, moment)
        if sent.starts is None:
            sent.starts = self._next
        self._next += FRAME_SECONDS
        self._send({"event": "media", "media": {"payload": base64.b64encode(frame).decode()}})


class PhoneStream:
    """The transport over one WebSocket. `ended` is told what is to follow, before it is closed."""

    def __init__(
        self, socket: Socket, start: dict[str, Any], ended: Callable[[After], None]
    ) -> None:
        self._socket, self._ended = socket, ended
        self._format = Format.of(start)
        self._sid = str(start.get("streamSid", ""))
        self._double = Doubler() if self._format.rate * 2 == RATE else None
        self._pacer = Pacer(self._send)
        self._heard_ms: int | None = None
        self._closing = threading.Lock()
        self._closed = False

    def play(self, piece: Piece) -> None:
        """Let a piece be heard."""
        self._pacer.add(piece.mark, self._format.frames(piece))

    def clear(self) -> Cut | None:
        """Stop the sound."""
        try:
            return self._pacer.clear()
        except (ConnectionClosed, OSError):
            return None

    def show(self, mood: Mood) -> None:
        """Nothing: a telephone shows nothing."""

    def caption(self, speaker: Speaker, text: str) -> None:
        """Nothing: a telephone shows nothing."""

    def end(self, after: After) -> None:
        """Say what follows, and hand the call back to TwiML."""
        self._ended(after)
        self.close()

    def close(self) -> None:
        """Close the socket, once."""
        self._pacer.stop()
        with self._closing:
            if self._closed:
                return
            self._closed = True
        with suppress(ConnectionClosed, OSError):
            self._socket.close()

    def serve(self, live: Talks) -> str:
        """Pass on what the vendor tells until the stream ends; return why it did."""
        pacer = threading.Thread(target=self._pacer.run, name="pacer", daemon=True)
        pacer.start()
        try:
            while True:
                message = self._socket.receive()
                told = read(message)
                if told.get("event") == "stop":
                    return "stopped"
                self._take(live, told)
        except (ConnectionClosed, OSError) as error:
            return type(error).__name__
        finally:
            self._pacer.stop()
            pacer.join()

    def _take(self, live: Talks, told: dict[str, Any]) -> None:
        match told:
            case {"event": "media", "media": {"payload": str(payload)} as media}:
                if media.get("track", "inbound") == "inbound":
                    self._hear(live, payload, str(media.get("timestamp", "")))
            case {"event": "dtmf", "dtmf": {"digit": str(digit)}}:
                live.key(digit[:1])
            case {"event": "mark", "mark": {"name": str(name)}}:
                mark = self._pacer.came_back(name)
                if mark is not None:
                    live.played(mark)
            case _:
                pass

    def _hear(self, live: Talks, payload: str, timestamp: str) -> None:
        try:
            samples = decode_mulaw(base64.b64decode(payload, validate=True))
        except ValueError:
            log.warning("frame_refused", stream=self._sid)
            return
        moment = int(timestamp) if timestamp.isdecimal() else None
        if moment is not None:
            lost = 0.0 if self._heard_ms is None else (moment - self._heard_ms) / 1000
            if FRAME_SECONDS / 2 < lost <= LONGEST_GAP:
                samples = np.concatenate(
                    [np.zeros(round(lost * self._format.rate), np.float32), samples]
                )
            self._heard_ms = moment + round(len(payload) * 3 / 4 / self._format.rate * 1000)
        live.hear(self._double(samples) if self._double else samples)

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.send(json.dumps({**message, "streamSid": self._sid}))


def read(message: str | bytes | None) -> dict[str, Any]:
    """Return a vendor's message; an empty one for what is none."""
    if not isinstance(message, str):
        return {}
    try:
        told = json.loads(message)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
