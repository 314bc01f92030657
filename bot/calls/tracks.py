"""Sound and picture of one call on one clock, as tracks that WebRTC pulls.

The clock is the sound that has been sent. A picture is drawn for the moment at which it is due on
that clock, so the two cannot drift apart; one that comes too late is left out, sound never is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from bot.calls.sound import FRAME, RATE, Outgoing
from media.types import FRAME_RATE, Frame

SLIP = 0.3
"""Seconds of delay after which the clock itself is put back: the machine was held up."""
DRAWN_AHEAD = 0.015
"""Seconds before its moment at which a picture is begun: drawing and encoding take so long."""
LATE = 1 / FRAME_RATE
"""A picture that is finished so long after its moment is late."""
VIDEO_BASE = Fraction(1, 90000)
SOUND_BASE = Fraction(1, RATE)

DrawAt = Callable[[float], Frame]


class Pace:
    """The wall clock of both tracks: begins when the first of them is pulled."""

    def __init__(self) -> None:
        self._begin: float | None = None

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        if self._begin is None:
            self._begin = time.monotonic()
        return time.monotonic() - self._begin

    async def until(self, due: float) -> float:
        """Wait until `due` seconds after the beginning; return by how much that was missed."""
        late = self.elapsed() - due
        if late < 0:
            await asyncio.sleep(-late)
            late = self.elapsed() - due
        return late

    def slip(self, seconds: float) -> None:
        """Let the beginning have been `seconds` later."""
        if self._begin is not None:
            self._begin += seconds


@dataclass
class Frames:
    """How the pictures of a call came: `shown`, of these `late`, and `skipped`.

    `speaking` and `speaking_late` (late or skipped) count those of the moments of speech.
    """

    shown: int = 0
    late: int = 0
    skipped: int = 0
    speaking: int = 0
    speaking_late: int = 0


class SoundTrack(MediaStreamTrack):
    """The counsellor's voice, 20 ms at a time."""

    kind = "audio"

    def __init__(self, sound: Outgoing, pace: Pace) -> None:
        super().__init__()
        self._sound, self._pace = sound, pace

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms when they are due."""
        if self.readyState != "live":
            raise MediaStreamError
        late = await self._pace.until(self._sound.position / RATE)
        if late > SLIP:
            self._pace.slip(late)
        pts = self._sound.position
        samples = self._sound.take()
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, FRAME), format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, SOUND_BASE, pts
        return frame


class PictureTrack(MediaStreamTrack):
    """The counsellor's face, 25 times a second; `draw` is called on `pool`.

    What is drawn is (height, width, 3) RGB, both even.
    """

    kind = "video"

    def __init__(
        self,
        draw: DrawAt,
        sound: Outgoing,
        pace: Pace,
        pool: Executor,
        spare: Callable[[], bool] = lambda: False,
    ) -> None:
        """`spare` says whether every second picture will do: the machine is needed to think."""
        super().__init__()
        self._draw, self._sound, self._pace, self._pool = draw, sound, pace, pool
        self._spare = spare
        self._next = 0
        self._drawing: asyncio.Task[av.VideoFrame] | None = None
        self.frames = Frames()

    async def recv(self) -> av.VideoFrame:
        """Return the picture that is due next."""
        if self.readyState != "live":
            raise MediaStreamError
        drawing = self._drawing or asyncio.ensure_future(self._draw_next())
        frame: av.VideoFrame = await drawing
        # The next one is drawn while this one is encoded.
        self._drawing = asyncio.ensure_future(self._draw_next())
        return frame

    def stop(self) -> None:
        """End the track."""
        if self._drawing is not None:
            self._drawing.cancel()
        super().stop()

    async def _draw_next(self) -> av.VideoFrame:
        number = max(self._next, int((self._pace.elapsed() + DRAWN_AHEAD) * FRAME_RATE))
        skipped = number - self._next
        self._next = number + (2 if self._spare() and not self._sound.sounding else 1)
        due = number / FRAME_RATE
        await self._pace.until(due - DRAWN_AHEAD)
        loop = asyncio.get_running_loop()
        frame = await loop.run_in_executor(self._pool, self._picture, due)
        frame.pts, frame.time_base = number * 90000 // FRAME_RATE, VIDEO_BASE
        self._count(skipped, self._pace.elapsed() - due > LATE)
        return frame

    def _picture(self, at: float) -> av.VideoFrame:
        # The encoder wants yuv420p; made here, it costs the loop nothing.
        planes = cv2.cvtColor(self._draw(at), cv2.COLOR_RGB2YUV_I420)
        return av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format="yuv420p")

    def _count(self, skipped: int, late: bool) -> None:
        frames = self.frames
        frames.shown += 1
        frames.late += late
        frames.skipped += skipped
        if self._sound.sounding:
            frames.speaking += 1 + skipped
            frames.speaking_late += skipped + late
