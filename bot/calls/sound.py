"""What the caller hears: pieces of speech laid on the call's clock, taken out 20 ms at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bot.live.transport import Cut, Piece
from media.types import Audio

RATE = 48000
"""Samples a second of everything that is sent."""
FRAME = RATE // 50
"""Samples of 20 ms."""
LEAD = RATE // 20
"""How far ahead a piece begins where nothing sounds: its first picture is not drawn yet."""
ON_THE_WAY = 0.12
"""Seconds of sound that have left and are not heard yet: network and the browser's own buffer."""
FADE = FRAME // 4
MOST_SECONDS = 180.0
"""Speech that may wait; more would be a fault of whoever speaks."""

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class _Laid:
    """A piece on the clock, from sample `begin` to `end`."""

    mark: str
    begin: int
    samples: Pcm

    @property
    def end(self) -> int:
        return self.begin + len(self.samples)


class Outgoing:
    """The sound of one call. `play` and `clear` may be called from any thread."""

    def __init__(self, played: Callable[[str], None], lead: float = 0.0) -> None:
        """`lead` is how many seconds more than `LEAD` the face wants."""
        self._played = played
        self._lead = LEAD + round(lead * RATE)
        self._laid: list[_Laid] = []
        self._fading: Pcm = np.zeros(0, np.int16)
        self._lock = Lock()
        self.position = 0
        """Samples that have left: the call's clock."""
        self.clears = 0
        """How often everything was dropped: what was laid before the last time is not said."""

    @property
    def seconds(self) -> float:
        """The call's clock in seconds."""
        return self.position / RATE

    @property
    def sounding(self) -> bool:
        """Whether something is being said or waits to be."""
        return bool(self._laid)

    def play(self, piece: Piece) -> float | None:
        """Lay `piece` after those before it; return when on the clock (s) it begins.

        None where more waits than could ever be heard out.
        """
        samples = pcm(piece.speech.audio)
        with self._lock:
            waiting = self._laid[-1].end - self.position if self._laid else 0
            if waiting > MOST_SECONDS * RATE:
                return None
            begin = self._laid[-1].end if self._laid else self.position + self._lead
            self._laid.append(_Laid(piece.mark, begin, samples))
            return begin / RATE

    def clear(self) -> Cut | None:
        """Drop everything from now on; return where the person has heard up to, None in silence."""
        with self._lock:
            laid, self._laid = self._laid, []
            self.clears += 1
            heard = self.position - round(ON_THE_WAY * RATE)
            now = next((one for one in laid if one.begin <= self.position < one.end), None)
            if now is not None:
                rest = now.samples[self.position - now.begin :][:FADE]
                self._fading = (rest * np.linspace(1, 0, len(rest))).astype(np.int16)
            if not laid:
                return None
            first = laid[0]
            return Cut(first.mark, max(0, heard - first.begin) / RATE)

    def take(self) -> Pcm:
        """Return the next 20 ms (960,) and move the clock on; tells which pieces are over."""
        frame = np.zeros(FRAME, np.int16)
        over = []
        with self._lock:
            frame[: len(self._fading)] = self._fading
            self._fading = self._fading[:0]
            for one in self._laid:
                first, last = max(one.begin, self.position), min(one.end, self.position + FRAME)
                if first < last:
                    part = one.samples[first - one.begin : last - one.begin]
                    frame[first - self.position : last - self.position] = part
            self.position += FRAME
            while self._laid and self._laid[0].end <= self.position:
                over.append(self._laid.pop(0).mark)
        for mark in over:
            self._played(mark)
        return frame


def pcm(audio: Audio) -> Pcm:
    """Return `audio` at 48 kHz as 16-bit samples (n,)."""
    samples = np.nan_to_num(audio.samples)
    if audio.rate != RATE and len(samples):
        samples = resample_poly(samples, RATE, audio.rate)
    return np.asarray(np.clip(samples, -1, 1) * 32767, np.int16)
