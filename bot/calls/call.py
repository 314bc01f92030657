"""One video call: a WebRTC connection from its offer to its end, whatever way it ends."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

import av
import numpy as np
import structlog
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError

from bot.calls.codecs import hear_at_once
from bot.calls.line import VideoLine
from bot.calls.offers import BadOfferError, Offer
from bot.calls.sound import Outgoing
from bot.calls.tracks import Pace, PictureTrack, SoundTrack
from bot.live.transport import After, Mood, Transport
from media.face.live import LiveFace
from media.types import FloatArray, Frame

HEARING_RATE = 16000
MOST_WAITING = 100
"""Parts of the caller's sound (20 ms each) that wait at most; the oldest are dropped."""
MOST_MESSAGE = 400
"""Letters of a message from the page."""
MOST_MESSAGES = 20
"""Messages of the page that are read in ten seconds; more are ignored."""
LAST_WORDS = 1.2
"""Seconds between the last sound that is sent and the end: it is still to be heard."""
LOUD = 0.03
ASKED_FOR = 2.0
"""Seconds after sound of the caller louder than `LOUD` in which it is recognised."""
LOOK_SECONDS = 1.0
PICTURE_EVERY = 10.0
"""Seconds between two pictures of a caller who agreed to them."""

KEYS = {"again": "*", "slower": "7", "human": "0", "first": "1", "second": "2"}
"""Buttons of the page and the telephone keys whose meaning they have."""

log = structlog.get_logger(__name__)


class Conversation(Protocol):
    """What a call asks of its conversation (`bot.live.engine.LiveConversation`)."""

    def start(self) -> None:
        """Greet and listen."""
        ...

    def hear(self, samples: FloatArray) -> None:
        """Take sound (n,) at 16 kHz."""
        ...

    def key(self, digit: str) -> None:
        """Take a telephone key."""
        ...

    def played(self, mark: str) -> None:
        """Take that a piece was heard."""
        ...

    def hang_up(self, reason: str = "") -> None:
        """Take that the person has gone."""
        ...

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has stored what it knows; say whether it has."""
        ...


class Ending(StrEnum):
    """Why a call is over."""

    HUNG_UP = "hung up"
    COUNSELLOR = "the counsellor ended it"
    NOT_CONNECTED = "no connection"
    VANISHED = "vanished"
    TOO_LONG = "too long"
    REPLACED = "replaced by a newer call"
    STOPPED = "the server stops"
    REFUSED = "the offer could not be taken"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until a call is ended that does not connect, falls silent, or goes on for ever."""

    connect: float = 15.0
    idle: float = 20.0
    longest: float = 1800.0


class VideoCall:
    """A call under the name `key`. Made, used and ended on one event loop."""

    def __init__(
        self,
        key: str,
        face: LiveFace,
        pool: Executor,
        begin: Callable[[Transport], Conversation],
        over: Callable[[VideoCall], None],
        patience: Patience = Patience(),
        keep_picture: Callable[[Frame], None] | None = None,
        stun: tuple[str, ...] = (),
    ) -> None:
        self.key = key
        self.ending: Ending | None = None
        self.after: After | None = None
        self.began = time.monotonic()
        self.connected = False
        self.dropped = 0
        """Parts of the caller's sound that were dropped, as nobody was quick enough to hear."""
        self._loop = asyncio.get_running_loop()
        self._over, self._patience, self._keep_picture = over, patience, keep_picture
        servers = [RTCIceServer(urls=list(stun))] if stun else []
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._heard_at = time.monotonic()
        self._spoken_at = -math.inf
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel: Any = None
        self._messages: deque[float] = deque(maxlen=MOST_MESSAGES)
        self._unsent: deque[str] = deque(maxlen=50)
        self._waiting: deque[FloatArray] = deque(maxlen=MOST_WAITING)
        self._came = asyncio.Event()
        self._closed = asyncio.Event()
        self._at_rest = asyncio.Event()
        """No answer is being made: what is opened for one can be closed."""
        self._at_rest.set()
        self._pool = pool
        self._face = face
        self.sound = Outgoing(self._played, face.lead)
        pace = Pace()
        self.picture = PictureTrack(face.frame, self.sound, pace, pool, self._thinks)
        self._voice = SoundTrack(self.sound, pace)
        self._line = VideoLine(self.sound, face, self.tell, self._counsellor_ends, pool)
        self._conversation = begin(self._line)
        self._started = False

    async def answer(self, offer: Offer) -> str:
        """Return the answer's SDP with every candidate in it; BadOfferError where there is none."""
        self._at_rest.clear()
        try:
            return await self._answer(offer)
        finally:
            self._at_rest.set()

    async def _answer(self, offer: Offer) -> str:
        pc = self._pc
        pc.on("track", self._on_track)
        pc.on("datachannel", self._on_channel)
        pc.on("connectionstatechange", self._on_state)
        try:
            await pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            hear_at_once(pc)
            pc.addTrack(self._voice)
            if any(one.kind == "video" for one in pc.getTransceivers()):
                pc.addTrack(self.picture)
            await pc.setLocalDescription(await pc.createAnswer())
        except (
            ValueError, KeyError, IndexError, AttributeError, TypeError, AssertionError,
            InvalidAccessError, InvalidStateError, OperationError,
        ) as error:  # fmt: skip
            raise BadOfferError("it cannot be answered") from error
        if self.ending is None:
            self._spawn(self._watch())
            self._spawn(self._listen())
        return str(pc.localDescription.sdp)

    def tell(self, message: dict[str, Any]) -> None:
        """Send `message` to the page; kept until its channel is open. From any thread."""
        text = json.dumps(message, ensure_ascii=False)
        self._soon(lambda: self._send(text))

    async def end(self, ending: Ending) -> None:
        """End the call, once; waits until everything of it is closed."""
        if self.ending is not None:
            await self._closed.wait()
            return
        self.ending = ending
        log.info(
            "call_ended",
            call=self.key,
            ending=ending.value,
            seconds=round(time.monotonic() - self.began, 1),
            dropped=self.dropped,
            **asdict(self.picture.frames),
            **self._face.counts,
        )
        self._conversation.hang_up(ending.value)
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        self._voice.stop()
        self.picture.stop()
        self._face.close()
        # Closed while it gathers candidates, a connection would leave their sockets open.
        await self._at_rest.wait()
        await self._pc.close()
        self._waiting.clear()
        self._closed.set()
        self._over(self)

    def wound_up(self, seconds: float) -> bool:
        """Wait for what the conversation still stores; say whether it has. Not on the loop."""
        return not self._started or self._conversation.join(seconds)

    def _thinks(self) -> bool:
        """Say whether a question is being asked or answered: its words need the processor."""
        asked = time.monotonic() - self._spoken_at < ASKED_FOR
        return asked or self._line.mood is Mood.THINKING

    def _played(self, mark: str) -> None:
        self._conversation.played(mark)

    def _counsellor_ends(self, after: After) -> None:
        self.after = after
        self._soon(lambda: self._spawn(self._say_goodbye(after)))

    async def _say_goodbye(self, after: After) -> None:
        if self.ending is None:
            self._send(json.dumps({"type": "ended", "after": after.value}))
            await asyncio.sleep(LAST_WORDS)
            await self.end(Ending.COUNSELLOR)

    def _soon(self, job: Callable[[], None]) -> None:
        with suppress(RuntimeError):
            # The loop may be closed where a conversation outlives the server.
            self._loop.call_soon_threadsafe(job)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, text: str) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            self._unsent.append(text)
            return
        with suppress(InvalidStateError):
            channel.send(text)

    def _on_state(self) -> None:
        state = self._pc.connectionState
        if state == "connected":
            self.connected = True
            self._heard_at = time.monotonic()
            if not self._started:
                self._started = True
                self._conversation.start()
        elif state in ("failed", "closed"):
            ending = Ending.HUNG_UP if self.connected else Ending.NOT_CONNECTED
            self._spawn(self.end(ending))

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.on("message", self._on_message)
        channel.on("close", lambda: self._spawn(self.end(Ending.HUNG_UP)))
        while self._unsent and channel.readyState == "open":
            channel.send(self._unsent.popleft())

    def _on_message(self, message: Any) -> None:
        """Take what the page tells; whatever is no known message is ignored."""
        moment = time.monotonic()
        flooded = len(self._messages) == MOST_MESSAGES and moment - self._messages[0] < 10
        self._messages.append(moment)
        if flooded or not isinstance(message, str) or len(message) > MOST_MESSAGE:
            return
        try:
            told = json.loads(message)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        match told.get("type"):
            case "bye":
                self._spawn(self.end(Ending.HUNG_UP))
            case "key" if told.get("key") in KEYS:
                self._conversation.key(KEYS[told["key"]])

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._spawn(self._hear(track) if track.kind == "audio" else self._see(track))

    async def _hear(self, track: MediaStreamTrack) -> None:
        """Take in the caller's sound as it comes."""
        resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARING_RATE)
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                self._heard_at = time.monotonic()
                assert isinstance(frame, av.AudioFrame)
                for part in resampler.resample(frame):
                    pcm = part.to_ndarray().reshape(-1)
                    samples = np.asarray(pcm / 32768, np.float32)
                    self.dropped += len(self._waiting) == MOST_WAITING
                    self._waiting.append(samples)
                    if len(samples) and np.abs(samples).max() > LOUD:
                        self._spoken_at = self._heard_at
                    self._came.set()

    async def _listen(self) -> None:
        """Give the conversation what has come in."""
        while True:
            await self._came.wait()
            self._came.clear()
            parts = list(self._waiting)
            self._waiting.clear()
            if parts and self._started:
                samples = np.concatenate(parts)
                await self._loop.run_in_executor(self._pool, self._conversation.hear, samples)

    async def _see(self, track: MediaStreamTrack) -> None:
        """Drain the caller's pictures, of which every tenth second's is kept where they agreed."""
        kept = -PICTURE_EVERY
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                moment = time.monotonic()
                if self._keep_picture is not None and moment - kept >= PICTURE_EVERY:
                    kept = moment
                    picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                    await self._loop.run_in_executor(self._pool, self._keep_picture, picture)

    async def _watch(self) -> None:
        """End a call that never connects, whose caller has vanished, or that goes on for ever."""
        patience = self._patience
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, patience.connect / 4, patience.idle / 4))
            moment = time.monotonic()
            if not self.connected:
                if moment - self.began > patience.connect:
                    await self.end(Ending.NOT_CONNECTED)
                    return
            elif moment - self._heard_at > patience.idle:
                await self.end(Ending.VANISHED)
                return
            elif moment - self.began > patience.longest:
                await self.end(Ending.TOO_LONG)
                return
