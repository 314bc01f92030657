"""A photo that Wav2Lip moves in a call: the mouths are painted ahead of the sound."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from media.face.easel import BATCH, Easel
from media.face.live import EASE, LiveFace
from media.face.motion import Pose
from media.face.viseme import REST, Mouth
from media.face.wav2lip import at_mel_rate
from media.types import FRAME_RATE, Audio, FloatArray, Frame

LOOKED_AT = 50
"""Speaking frames, of which a third may be missed until the face is given up."""


class PaintedFace(LiveFace):
    """A `LiveFace` whose mouths the network paints on `easel`; `speed` is that of the easel.

    A frame whose mouth is not there in time is moved by visemes. Where too many are, the face
    stays with visemes for the rest of the call: better one look than two that alternate.
    """

    def __init__(self, easel: Easel, speed: float, left: Callable[[], None], seed: int = 0) -> None:
        super().__init__(easel.portrait.draw, easel.portrait.size, seed)
        self.lead = BATCH / FRAME_RATE / max(speed, 1.0)
        self.painted = self.missed = 0
        self._easel, self._left = easel, left
        self._mouths: dict[int, NDArray[np.uint8] | None] = {}
        """Of the frames that are spoken: painted, or ordered and not there yet."""
        self._speaks: deque[range] = deque()
        self._hushes = 0
        self._steady = True
        self._shown: deque[bool] = deque(maxlen=LOOKED_AT)
        self._clock = (time.monotonic(), 0)

    @property
    def counts(self) -> dict[str, int]:
        """How many mouths were painted, and how many came too late."""
        return {"mouths": self.painted, "mouths_missed": self.missed}

    def close(self) -> None:
        """Order nothing more, and leave the place to another call."""
        self._hushes += 1
        self._steady = False
        left, self._left = self._left, lambda: None
        left()

    def _told(self, audio: Audio, first: int, count: int) -> None:
        from media.networks.mel import wav2lip_mel, wav2lip_windows

        if not self._steady:
            return
        hushes = self._hushes
        seconds = count / FRAME_RATE - audio.seconds
        windows = wav2lip_windows(wav2lip_mel(at_mel_rate(audio, max(0.0, seconds))), count)
        moment, number = self._clock
        due = moment + (first - number) / FRAME_RATE
        with self._lock:
            if hushes != self._hushes:
                return
            self._speaks.append(range(first, first + count))
            ordered = self._easel.order(
                windows, first, due, lambda: hushes == self._hushes, self._take
            )
            for frame in ordered:
                self._mouths.setdefault(frame, None)

    def _take(self, frame: int, mouth: FloatArray) -> None:
        kept = np.asarray(np.clip(mouth, 0, 1) * 255 + 0.5, np.uint8)
        with self._lock:
            if frame in self._mouths:
                self._mouths[frame] = kept

    def _hushed(self, frame: int) -> None:
        """Let the mouth come to rest, as the visemes do."""
        with self._lock:
            self._hushes += 1
            last = self._mouths.get(frame)
            self._mouths = {n: m for n, m in self._mouths.items() if n < frame}
            self._speaks = deque(range(s.start, min(s.stop, frame)) for s in self._speaks)
            if last is None:
                return
            rest = self._easel.rest * 255
            for step in range(EASE):
                share = 1 - (step + 1) / EASE
                mixed = rest + share * (last - rest)
                self._mouths[frame + step] = np.asarray(mixed + 0.5, np.uint8)

    def _picture(self, number: int, mouth: Mouth, pose: Pose) -> Frame:
        with self._lock:
            self._clock = (time.monotonic(), number)
            painted = self._mouths.get(number)
            ordered = number in self._mouths
            for old in [n for n in self._mouths if n < number - FRAME_RATE]:
                del self._mouths[old]
            while self._speaks and self._speaks[0].stop <= number - FRAME_RATE:
                self._speaks.popleft()
            spoken = any(number in one for one in self._speaks)
        if not self._steady:
            return self._draw(mouth, pose)
        if ordered:
            self._count(painted is not None)
        if painted is not None:
            shown = np.asarray(painted / np.float32(255), np.float32)
            return self._easel.show(shown, pose)
        # A silent window of speech rests, as the network's faces do.
        return self._draw(REST if spoken and not ordered else mouth, pose)

    def _count(self, painted: bool) -> None:
        self.painted += painted
        self.missed += not painted
        self._shown.append(painted)
        full = len(self._shown) == LOOKED_AT
        if full and 3 * (LOOKED_AT - sum(self._shown)) > LOOKED_AT:
            self._steady = False
            self._hushes += 1
