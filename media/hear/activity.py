"""Where somebody speaks: Silero voice activity detection over a whole recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from media.hear.stream import RATE, WINDOW, VoiceActivity
from media.types import FloatArray

_SPEAKS = 0.5
LEAST_SPEECH = 0.16
"""Seconds of speech in the shortest answer, a quick "네"."""
_PAUSE = 2.0
_PAD = 0.2
_TARGET = 0.1
_MOST_GAIN = 20.0


@dataclass(frozen=True, slots=True)
class Activity:
    """What a recording holds. Times in seconds."""

    seconds: float
    speech_seconds: float
    level: float
    """Root mean square of the loudest tenth, full scale 1.0."""
    windows: tuple[bool, ...] = ()
    """Whether each 32 ms window is speech."""

    def speech_between(self, start: float, end: float) -> float:
        """Return the seconds of speech between two times."""
        first = max(0, int(start * RATE / WINDOW))
        last = max(first, int(np.ceil(end * RATE / WINDOW)))
        return sum(self.windows[first:last]) * WINDOW / RATE

    def spans(self) -> list[tuple[float, float]]:
        """Return (start, end) of each stretch of speech, padded, in order.

        Pauses shorter than 2 s stay inside a stretch; a click that is too short for a word is none.
        """
        found: list[list[float]] = []
        for index, spoken in enumerate(self.windows):
            start, end = index * WINDOW / RATE, (index + 1) * WINDOW / RATE
            if not spoken:
                continue
            if found and start - found[-1][1] < _PAUSE:
                found[-1][1] = end
            else:
                found.append([start, end])
        return [
            (max(0.0, start - _PAD), min(self.seconds, end + _PAD))
            for start, end in found
            if self.speech_between(start, end) >= LEAST_SPEECH
        ]


def activity(samples: FloatArray) -> Activity:
    """Return where somebody speaks in 16 kHz `samples` (n,)."""
    padded = np.pad(samples, (0, WINDOW - len(samples) % WINDOW)).astype(np.float32)
    likely = VoiceActivity()
    windows = np.clip(padded, -1.0, 1.0).reshape(-1, WINDOW)
    spoken = np.array([likely(window) for window in windows]) >= _SPEAKS
    return Activity(
        seconds=len(samples) / RATE,
        speech_seconds=float(spoken.sum()) * WINDOW / RATE,
        level=_loudest(padded),
        windows=tuple(bool(w) for w in spoken),
    )


def levelled(samples: FloatArray) -> FloatArray:
    """Return `samples` made as loud as a close microphone's, at most 26 dB up, never clipped."""
    level = _loudest(samples)
    peak = float(np.abs(samples).max(initial=0.0))
    if level == 0.0 or peak == 0.0:
        return samples
    gain = min(_TARGET / level, _MOST_GAIN, 0.97 / peak)
    return (samples * np.float32(gain)).astype(np.float32) if gain > 1.0 else samples


def _loudest(samples: FloatArray) -> float:
    whole = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    if not len(whole):
        return 0.0
    power = np.sort(np.mean(whole.astype(np.float64) ** 2, axis=1))
    return float(np.sqrt(power[-max(1, len(power) // 10) :].mean()))
