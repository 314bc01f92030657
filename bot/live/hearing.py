"""The ear of a live conversation: where speech begins, pauses and goes on, and its sound so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, auto

import numpy as np

from media.hear.stream import RATE, WINDOW, WINDOW_SECONDS
from media.types import FloatArray

SPEAKS, STILL_SPEAKS = 0.5, 0.35
"""The probability from which a window is speech, in quiet and within speech."""
OVER_US = 0.7
"""The same while the counsellor speaks: her own echo is no interruption."""
STARTS, OF = 3, 4
"""So many of the last windows are speech where somebody begins to speak."""
PAUSE = 6
"""Windows of quiet (0.19 s) that are a pause; within a word there are fewer."""
LEAD = 12
"""Windows before the beginning that are kept: soft first consonants."""
LONG = 20.0
FULL = 28.0
"""Seconds after which the next pause divides a speech, and after which it is divided anyway."""


class Sign(Enum):
    """What the ear noticed."""

    STARTED = auto()
    PAUSED = auto()
    WENT_ON = auto()
    FULL = auto()


class Ear:
    """Follows one stream of 16 kHz sound; keeps at most 28 s of it, and only where one speaks.

    `probability` gives that of speech in a window (512,).
    """

    def __init__(self, probability: Callable[[FloatArray], float]) -> None:
        self._probability = probability
        self._rest = np.zeros(0, np.float32)
        self._lead: deque[FloatArray] = deque(maxlen=LEAD)
        self._recent: deque[bool] = deque(maxlen=OF)
        self._clip: list[FloatArray] = []
        self._quiet = self._run = 0
        self._paused = False
        self.open = False
        """Somebody has begun to speak and the turn is not over."""
        self.guarded = False
        """The counsellor is speaking."""

    @property
    def quiet(self) -> float:
        """Seconds since the last speech of this turn."""
        return self._quiet * WINDOW_SECONDS

    @property
    def seconds(self) -> float:
        """Length of what is kept."""
        return len(self._clip) * WINDOW_SECONDS

    @property
    def paused(self) -> bool:
        """Whether a turn is open and nobody speaks just now."""
        return self.open and self._paused

    def hear(self, samples: FloatArray) -> Iterator[Sign]:
        """Take the next `samples` (n,); yield what is noticed, each at its moment."""
        sound = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(sound) // WINDOW * WINDOW
        self._rest = sound[whole:].copy()
        for window in sound[:whole].reshape(-1, WINDOW):
            sign = self._take(window.copy())
            if sign is not None:
                yield sign

    def clip(self) -> FloatArray:
        """Return what was said so far."""
        return np.concatenate(self._clip) if self._clip else np.zeros(0, np.float32)

    def cut(self) -> FloatArray:
        """Return what was said so far and go on with an empty clip."""
        said = self.clip()
        self._clip = []
        return said

    def close(self) -> FloatArray:
        """Return what was said so far; the turn is over."""
        said = self.cut()
        self.open = self._paused = False
        self._quiet = self._run = 0
        self._recent.clear()
        self._lead.clear()
        return said

    def _take(self, window: FloatArray) -> Sign | None:
        likely = self._probability(window)
        if self.open:
            return self._follow(window, likely >= STILL_SPEAKS)
        self._lead.append(window)
        self._recent.append(likely >= (OVER_US if self.guarded else SPEAKS))
        if sum(self._recent) < STARTS:
            return None
        self.open, self._paused = True, False
        self._clip = list(self._lead)
        self._quiet, self._run = 0, STARTS
        return Sign.STARTED

    def _follow(self, window: FloatArray, voiced: bool) -> Sign | None:
        self._clip.append(window)
        self._run = self._run + 1 if voiced else 0
        # A single window of a click or a breath is no speech.
        if self._run >= 2:
            self._quiet = 0
            if self._paused:
                self._paused = False
                return Sign.WENT_ON
        else:
            self._quiet += 1
            if self._quiet == PAUSE:
                self._paused = True
                return Sign.PAUSED
        return Sign.FULL if self.seconds >= FULL else None


def silence(seconds: float) -> FloatArray:
    """Return `seconds` without a sound, at 16 kHz."""
    return np.zeros(round(seconds * RATE), np.float32)
