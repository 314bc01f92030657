"""Head and eyes of a face that is alive for as long as a call lasts, one moment after the other.

Unlike `motion`, nothing is known beforehand: phrases are told as they come, and the bearing of
listening, thinking or speaking changes at any time. Each bearing has a weight that eases in and
out, so that the head never jumps. The same calls with the same seed give the same poses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from media.face.motion import Pose


class Bearing(StrEnum):
    """What the face is about."""

    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


_EASE = 0.16
"""Time constant in seconds of each of the two lags through which a bearing comes in."""
_BREATH = 4.0
_THOUGHT = 3.4
"""Seconds of one thinking gesture: a look up and aside, then back to the viewer."""
_AFTER = 3.0
"""Seconds after which a movement has no effect any more, with the widest of them far past."""


@dataclass(frozen=True, slots=True)
class _Bump:
    """A movement of one field, largest `height` at the moment `at`, `width` seconds wide."""

    name: str
    at: float
    height: float
    width: float
    bearing: Bearing


@dataclass
class _Drift:
    """Slow wandering in about -1 … 1, around `speed` cycles a second."""

    speed: float
    rng: np.random.Generator
    waves: list[tuple[float, float, float]] = field(init=False)

    def __post_init__(self) -> None:
        self.waves = [
            (share, self.speed * factor * self.rng.uniform(0.85, 1.15), self.rng.random())
            for share, factor in ((0.55, 0.6), (0.3, 1.0), (0.15, 1.9))
        ]

    def at(self, time: float) -> float:
        """Return the value at `time`."""
        return sum(
            s * math.sin(2 * math.pi * (rate * time + phase)) for s, rate, phase in self.waves
        )


class LiveMotion:
    """The poses of one face. `pose` must be asked for moments that do not go back."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        speeds = {"yaw": 0.18, "pitch": 0.27, "roll": 0.14, "brow": 0.35, "smile": 0.17}
        self._drifts = {name: _Drift(speed, self._rng) for name, speed in speeds.items()}
        self._bumps: list[_Bump] = []
        self._lags = {bearing: [0.0, 0.0] for bearing in Bearing}
        self._lags[Bearing.LISTENING] = [1.0, 1.0]
        self._last: float | None = None
        self._next_nod = self._rng.uniform(1.0, 1.8)
        self._blink = self._rng.uniform(0.8, 2.0)
        self._double = False
        self._gaze = (0.0, 0.0)
        self._next_gaze = 0.5
        self._thought_began = 0.0

    def say(self, spoken: Sequence[tuple[float, float]], question: bool = False) -> None:
        """Plan the beats of the phrases `spoken` (start, end in seconds of this clock)."""
        rng = self._rng
        for start, end in spoken:
            beat = start + min(0.22, (end - start) / 2)
            self._add("pitch", beat, rng.uniform(0.35, 0.6), 0.18)
            self._add("pitch", end - 0.1, rng.uniform(0.15, 0.35), 0.22)
            self._add("brow", beat - 0.05, rng.uniform(0.3, 0.7), 0.22)
            for middle in np.arange(start + 1.1, end - 0.4, rng.uniform(0.9, 1.3)):
                at = float(middle) + rng.uniform(-0.15, 0.15)
                self._add("pitch", at, rng.uniform(0.1, 0.35), 0.16)
                self._add("brow", at, rng.uniform(0.0, 0.35), 0.2)
                self._add("yaw", at, rng.uniform(-0.35, 0.35), 0.5)
        if question and spoken:
            self._add("brow", spoken[-1][1] - 0.05, 0.9, 0.3)
            self._add("pitch", spoken[-1][1], -0.5, 0.35)

    def hush(self, at: float) -> None:
        """Drop what was planned for speech from `at` on."""
        self._bumps = [b for b in self._bumps if b.bearing is not Bearing.SPEAKING or b.at < at]

    def pose(self, at: float, bearing: Bearing) -> Pose:
        """Return the pose of the moment `at` (seconds), in which the face is about `bearing`."""
        step = 0.0 if self._last is None else max(0.0, at - self._last)
        if bearing is Bearing.THINKING and self._weight(bearing) < 0.05:
            self._thought_began = at
        self._last = at if self._last is None else max(self._last, at)
        self._ease(bearing, step)
        self._schedule(at)
        listen, think, speak = (self._weight(one) for one in Bearing)
        drift = {name: one.at(at) for name, one in self._drifts.items()}
        moved = self._moved(at)
        away = _gesture(at - self._thought_began) * think
        yaw = (0.5 + 0.2 * speak) * drift["yaw"] + moved["yaw"] - 0.45 * away
        pitch = 0.22 * drift["pitch"] + moved["pitch"] - 0.4 * away
        roll = (0.3 + 0.3 * speak) * drift["roll"] + 0.12 * listen + 0.5 * away
        brow = 0.15 * listen + 0.16 * drift["brow"] + moved["brow"] + 0.35 * away
        smile = 0.66 - 0.12 * speak - 0.12 * think + 0.1 * drift["smile"]
        aside = (0.11 * self._gaze[0] - 0.35 * yaw) * (1 - away) - 0.75 * away
        above = (0.07 * self._gaze[1] - 0.3 * pitch) * (1 - away) - 0.7 * away
        return Pose(
            yaw=_within(yaw),
            pitch=_within(pitch),
            roll=_within(roll),
            gaze_x=_within(aside),
            gaze_y=_within(above),
            blink=self._lids(at),
            brow=_within(brow),
            smile=_within(smile, 0.0),
            breath=0.5 - 0.5 * math.cos(2 * math.pi * at / _BREATH),
        )

    def _add(self, name: str, at: float, height: float, width: float) -> None:
        self._bumps.append(_Bump(name, at, height, width, Bearing.SPEAKING))

    def _weight(self, bearing: Bearing) -> float:
        return self._lags[bearing][1]

    def _ease(self, bearing: Bearing, step: float) -> None:
        share = 1 - math.exp(-step / _EASE)
        for one, lag in self._lags.items():
            lag[0] += ((1.0 if one is bearing else 0.0) - lag[0]) * share
            lag[1] += (lag[0] - lag[1]) * share

    def _schedule(self, at: float) -> None:
        """Plan nods and looks that are due, and forget what is over."""
        if at >= self._next_nod - 0.6:
            height = self._rng.uniform(0.5, 0.9)
            for later, share in ((0.0, 1.0), (0.5, 0.6)):
                nod = self._next_nod + later
                self._bumps.append(_Bump("pitch", nod, share * height, 0.17, Bearing.LISTENING))
            self._next_nod = max(at, self._next_nod) + self._rng.uniform(2.6, 4.4)
        if at >= self._next_gaze:
            self._gaze = (self._rng.uniform(-1, 1), self._rng.uniform(-1, 1))
            self._next_gaze = at + self._rng.uniform(0.6, 2.0)
        self._bumps = [bump for bump in self._bumps if bump.at > at - _AFTER]

    def _moved(self, at: float) -> dict[str, float]:
        moved = {"yaw": 0.0, "pitch": 0.0, "brow": 0.0}
        for bump in self._bumps:
            far = (at - bump.at) / bump.width
            if abs(far) < 4:
                moved[bump.name] += (
                    self._weight(bump.bearing) * bump.height * math.exp(-far * far / 2)
                )
        return moved

    def _lids(self, at: float) -> float:
        """Return how far the lids are shut: quick shut, slower open, every 2.5–5 s."""
        if at > self._blink + 0.2:
            self._double = not self._double and self._rng.random() < 0.1
            pause = float(np.clip(self._rng.lognormal(math.log(3.4), 0.25), 2.5, 5.0))
            self._blink = at + (0.12 if self._double else pause)
        early, late = (self._blink - at) / 0.075, (at - self._blink) / 0.13
        value = max(0.0, 1 - (early if early > 0 else late))
        # The frame next to the middle is fully shut.
        value = 1.0 if abs(at - self._blink) <= 0.0201 else value
        return value * value * (3 - 2 * value)


def _gesture(time: float) -> float:
    """Return how far a thinking face looks away: most of the first half of each gesture."""
    phase = (time % _THOUGHT) / _THOUGHT
    rise, fall = (min(max(x, 0.0), 1.0) for x in (phase / 0.16, (0.62 - phase) / 0.2))
    value = min(rise, fall)
    return value * value * (3 - 2 * value)


def _within(value: float, low: float = -1.0) -> float:
    return min(max(value, low), 1.0)
