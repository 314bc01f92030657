"""Twilio Media Streams, played: a caller's sound in real time, and what is heard of the answer.

One loop of 20 ms sends a frame of the caller and plays one of the counsellor, as a telephone does.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from simple_websocket import Client, ConnectionClosed, ConnectionError

from bot.simulate.caller import FRAME_SECONDS, QUIET, Measured, words_of
from media.speak.telephone import RATE, decode_mulaw

BREATH = 0.6
"""Seconds from the end of an answer to the caller's next words."""
OVER_AFTER = 2.2
"""Seconds of an answer after which a caller speaks over it; a filler is shorter (1.8 s)."""
FILLER = "filler"
"""How the service's marks name what is said while an answer is awaited."""
SILENT_SECONDS = 11.0
PATIENCE = 30.0
"""A caller waits so long for an answer."""

Tell = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Move:
    """What the caller does: speaks a `sound`, presses a `key`, says nothing, or is cut off.

    `over` does it while the counsellor speaks.
    """

    sound: Path | None = None
    key: str = ""
    cut: bool = False
    over: bool = False


class StreamCaller:
    """The caller at one stream; `play` goes through the moves and returns when it is over."""

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        start: dict[str, Any],
        moves: Sequence[Move],
        tell: Tell,
        loss: float = 0.0,
        seed: int = 1,
    ) -> None:
        self._url, self._headers, self._start = url, headers, start
        self._moves, self._tell, self._loss = deque(moves), tell, loss
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._buffer: deque[bytes | str] = deque()
        self._coming: list[bytes] = []
        self.received: list[tuple[str, list[bytes]]] = []
        """What came of the counsellor in whole pieces, by mark, in the order in which it came."""
        self._words = {m.sound: words_of(m.sound) for m in moves if m.sound is not None}
        self._arrived = 0.0
        self._streaming = False
        self._stopped_at: float | None = None
        self._left: list[bytes] = []
        self._right: list[bytes] = []
        self.measured = Measured()
        self.refused = ""
        self.hung_up = False
        """The caller ended it, not the service and no accident."""

    def play(self) -> list[Move]:
        """Talk until the moves are done or the service ends it; return the moves that are left."""
        try:
            self._socket = Client(self._url, headers=self._headers)
        except (ConnectionError, OSError) as error:
            self.refused = f"{type(error).__name__} {error}"
            self._tell("refused", cause=self.refused)
            return list(self._moves)
        receiver = threading.Thread(target=self._receive, daemon=True)
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._send({"event": "start", "sequenceNumber": "1", "start": self._start})
        receiver.start()
        try:
            self._talk()
            self.hung_up = True
            self._send({"event": "stop", "stop": {"callSid": self._start["callSid"]}})
            self._socket.close()
        except (ConnectionClosed, OSError):
            self._tell("stream-ended")
        receiver.join(5)
        return list(self._moves)

    @property
    def heard_seconds(self) -> float:
        """Length of what was heard of the counsellor, silence apart."""
        return sum(frame != QUIET for frame in self._right) * FRAME_SECONDS

    def write(self, path: Path) -> None:
        """Write what was said and heard as a stereo WAV: left the caller, right the counsellor."""
        import wave

        sides = [decode_mulaw(b"".join(side)) for side in (self._left, self._right)]
        most = max(len(side) for side in sides)
        both = np.stack([np.pad(side, (0, most - len(side))) for side in sides], axis=1)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((both * 32767).astype("<i2").tobytes())

    def _talk(self) -> None:
        """The 20 ms clock."""
        begun, cpu = time.monotonic(), time.thread_time()
        state = _State(begun)
        count = 0
        while True:
            count += 1
            due = begun + count * FRAME_SECONDS
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            if self._decide(state):
                self.measured.cpu += time.thread_time() - cpu
                return
            self._left.append(self._say(state, count))
            self._right.append(self._hear(state))

    def _say(self, state: _State, count: int) -> bytes:
        frame = state.frames.popleft() if state.frames else QUIET
        if self._random.random() >= self._loss:
            media = {
                "track": "inbound",
                "chunk": str(count),
                "timestamp": str((count - 1) * 20),
                "payload": base64.b64encode(frame).decode(),
            }
            self._send({"event": "media", "sequenceNumber": str(count + 1), "media": media})
        return frame

    def _hear(self, state: _State) -> bytes:
        moment = time.monotonic()
        with self._lock:
            while self._buffer and isinstance(self._buffer[0], str):
                name = str(self._buffer.popleft())
                self._send({"event": "mark", "mark": {"name": name}})
                state.within = False
                self._look_at_hole(state, name.rpartition(".")[0])
                self._look_at_mark(state, name)
            frame = self._buffer.popleft() if self._buffer else None
        if not isinstance(frame, bytes):
            if state.within:
                state.gap += FRAME_SECONDS
            self._quiet(state, moment)
            return QUIET
        if state.within and state.gap > 0:
            self.measured.gaps.append(round(state.gap, 3))
            self._tell("gap", seconds=round(state.gap, 3))
        if not state.within:
            state.piece_began = len(self._right)
        state.gap, state.within = 0.0, True
        state.sounds = moment
        old = state.asked is not None and moment < state.asked
        if state.begun_sounding is None and state.over_since is None and not old:
            state.begun_sounding = moment
            if state.asked is not None:
                self._answered(state, moment)
            else:
                self._tell("sound")
        return frame

    def _answered(self, state: _State, moment: float) -> None:
        assert state.asked is not None
        took = round(moment - state.asked, 3)
        if state.filled != state.asked:
            self.measured.firsts.append(took)
        self.measured.answers.append(took)
        self._tell("answer", seconds=took)
        state.asked, state.answered = None, state.asked

    def _look_at_hole(self, state: _State, utterance: str) -> None:
        """Note the silence between this piece, which has ended, and the one before it."""
        before, ended = state.piece_before
        if utterance and utterance == before and state.piece_began > ended:
            self.measured.holes.append(round((state.piece_began - ended) * FRAME_SECONDS, 3))
        state.piece_before = (utterance, len(self._right))

    def _look_at_mark(self, state: _State, name: str) -> None:
        """Take back an answer that turns out to be a filler: its name is known at its end."""
        if name.rpartition("/")[2] != FILLER or state.answered is None or state.over_since:
            return
        self.measured.answers.pop()
        self._tell("filler")
        state.asked = state.filled = state.answered
        state.answered = state.begun_sounding = None

    def _quiet(self, state: _State, moment: float) -> None:
        if state.over_since is not None and moment - max(state.sounds, state.over_since) > BREATH:
            # Nothing is left that could be stopped.
            self.measured.missed += 1
            self._tell("ended-before")
            state.over_since = None
        if state.begun_sounding is not None and moment - state.sounds > BREATH / 2:
            self._tell("quiet", after=round(state.sounds - state.begun_sounding, 2))
            state.begun_sounding = None

    def _decide(self, state: _State) -> bool:
        """Begin the next move where its moment has come; say whether all are done."""
        moment = time.monotonic()
        self._look_at_stop(state)
        if state.frames or moment < state.ready:
            return False
        sounding = state.begun_sounding is not None
        if state.asked is not None and moment - state.asked > PATIENCE:
            self._tell("no-answer")
            state.asked = None
        if not self._moves:
            waits = sounding or state.asked is not None or moment - state.sounds < BREATH
            return not waits and state.heard_once
        move = self._moves[0]
        state.heard_once = state.heard_once or sounding
        if move.over:
            begun = state.begun_sounding
            if begun is None or moment - begun < OVER_AFTER or state.asked is not None:
                return False
        elif (
            sounding
            or state.asked is not None
            or not state.heard_once
            or moment - state.sounds < BREATH
        ):
            return False
        self._moves.popleft()
        self._do(state, move, moment)
        return False

    def _do(self, state: _State, move: Move, moment: float) -> None:
        if move.cut:
            self._tell("cut")
            self._socket.sock.close()
            raise OSError("the line is cut")
        if move.key:
            self._tell("key", digit=move.key)
            self._send({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": move.key}})
            state.asked, state.ready = moment, moment + 0.2
            if move.over:
                self._speak_over(state, moment)
            return
        if move.sound is None:
            self._tell("silence")
            state.ready = moment + SILENT_SECONDS
            return
        words = self._words[move.sound]
        state.frames.extend(words.frames)
        state.ready = moment + words.ends
        state.asked = moment + words.ends
        if move.over:
            self._speak_over(state, moment + words.begins)
        self._tell("speak", file=words.name, seconds=round(words.ends - words.begins, 2))

    def _speak_over(self, state: _State, begins: float) -> None:
        state.over_since, state.begun_sounding, state.answered = begins, None, None
        with self._lock:
            self._stopped_at = None

    def _look_at_stop(self, state: _State) -> None:
        if state.over_since is None:
            return
        with self._lock:
            stopped, self._stopped_at = self._stopped_at, None
        if stopped is not None:
            took = max(0.0, stopped - state.over_since)
            self.measured.stops.append(round(took, 3))
            self._tell("stopped", seconds=round(took, 3))
            state.over_since = None
            state.begun_sounding, state.within, state.gap = None, False, 0.0
            state.piece_before = ("", 0)

    def _receive(self) -> None:
        try:
            while True:
                told = json.loads(self._socket.receive())
                moment = time.monotonic()
                with self._lock:
                    self._take(told, moment)
        except (ConnectionClosed, OSError, TypeError):
            return

    def _take(self, told: dict[str, Any], moment: float) -> None:
        match told.get("event"):
            case "media":
                if self._streaming:
                    self.measured.late = max(self.measured.late, round(moment - self._arrived, 3))
                self._arrived, self._streaming = moment, True
                frame = base64.b64decode(told["media"]["payload"])
                self._buffer.append(frame)
                self._coming.append(frame)
            case "mark":
                self._streaming = False
                name = str(told["mark"]["name"])
                self._buffer.append(name)
                self.received.append((name, self._coming))
                self._coming = []
            case "clear":
                # Twilio gives every mark back, also of what was never heard.
                marks = [item for item in self._buffer if isinstance(item, str)]
                if len(marks) < len(self._buffer):
                    self._stopped_at = moment
                self._buffer = deque(marks)
                self._streaming, self._coming = False, []
            case other:
                self._tell("unknown", event=str(other))

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.send(json.dumps({**message, "streamSid": self._start["streamSid"]}))


@dataclass
class _State:
    """Where the caller is."""

    sounds: float
    """The moment of the last frame that sounded."""
    frames: deque[bytes] = field(default_factory=deque)
    ready: float = 0.0
    asked: float | None = None
    """The end of a question that has no answer yet."""
    answered: float | None = None
    """The end of the question that was answered last."""
    filled: float | None = None
    """The end of the question to which a filler was heard."""
    begun_sounding: float | None = None
    over_since: float | None = None
    within: bool = False
    piece_began: int = 0
    piece_before: tuple[str, int] = ("", 0)
    """The utterance of the piece before and when it ended, both in frames of this ear."""
    gap: float = 0.0
    heard_once: bool = False
