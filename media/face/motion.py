"""What a living head does besides speaking: blink, breathe, sway, look, nod, raise a brow.

Every track is drawn from a seeded generator, so the same speech moves the same way each time.
Head and gaze start and end at rest, so that one clip can follow another without a jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from media.types import FRAME_RATE, Phoneme

Track = NDArray[np.float32]
_Points = NDArray[np.float64]

SETTLE = 0.6
"""Seconds at both ends of a clip over which the head comes from and goes to rest."""
PHRASE_GAP = 0.12
"""Seconds of silence that part two phrases."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Head and eyes of one frame.

    `yaw`, `pitch` and `roll` -1 … 1 (right of the picture, down, clockwise); `gaze_x`, `gaze_y`
    -1 … 1; `blink` 0 open … 1 shut; `brow` -1 … 1 raised; `smile` 0 … 1; `breath` 0 … 1 in.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    blink: float = 0.0
    brow: float = 0.0
    smile: float = 0.6
    breath: float = 0.0


@dataclass(frozen=True, slots=True)
class Motion:
    """A track (n,) float32 for each field of `Pose`."""

    yaw: Track
    pitch: Track
    roll: Track
    gaze_x: Track
    gaze_y: Track
    blink: Track
    brow: Track
    smile: Track
    breath: Track

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.yaw)

    def at(self, frame: int) -> Pose:
        """Return the pose of one frame."""
        return Pose(*(float(getattr(self, f.name)[frame]) for f in fields(self)))


def phrases(phonemes: Sequence[Phoneme]) -> list[tuple[float, float]]:
    """Return the phrases (start, end) in seconds: runs of phonemes without a pause."""
    found: list[tuple[float, float]] = []
    for phoneme in sorted(phonemes, key=lambda p: p.start):
        if found and phoneme.start - found[-1][1] < PHRASE_GAP:
            found[-1] = (found[-1][0], max(found[-1][1], phoneme.end))
        else:
            found.append((phoneme.start, phoneme.end))
    return found


def speaking_motion(
    count: int, spoken: Sequence[tuple[float, float]], question: bool, seed: int
) -> Motion:
    """Return `count` frames of motion for a speech whose phrases are `spoken` (seconds)."""
    rng = np.random.default_rng(seed)
    time = np.arange(count) / FRAME_RATE
    window = _settled(time)
    pitch, brow, yaw = (np.zeros(count) for _ in range(3))
    for start, end in spoken:
        beat = start + min(0.22, (end - start) / 2)
        pitch += rng.uniform(0.35, 0.6) * _bump(time, beat, 0.18)
        pitch += rng.uniform(0.15, 0.35) * _bump(time, end - 0.1, 0.22)
        brow += rng.uniform(0.3, 0.7) * _bump(time, beat - 0.05, 0.22)
        for middle in np.arange(start + 1.1, end - 0.4, rng.uniform(0.9, 1.3)):
            at = middle + rng.uniform(-0.15, 0.15)
            pitch += rng.uniform(0.1, 0.35) * _bump(time, at, 0.16)
            brow += rng.uniform(0.0, 0.35) * _bump(time, at, 0.2)
            yaw += rng.uniform(-0.35, 0.35) * _bump(time, at, 0.5)
    if question and spoken:
        brow += 0.9 * _bump(time, spoken[-1][1] - 0.05, 0.3)
        pitch -= 0.5 * _bump(time, spoken[-1][1], 0.35)
    smile = 0.6 - 0.15 * _inside(time, spoken) * window + 0.1 * _drift(time, rng, 0.15) * window
    return _assemble(
        time,
        rng,
        yaw=(yaw + 0.75 * _drift(time, rng, 0.22)) * window,
        pitch=(pitch + 0.25 * _drift(time, rng, 0.3)) * window,
        roll=0.75 * _drift(time, rng, 0.18) * window,
        brow=(brow + 0.12 * _drift(time, rng, 0.4)) * window,
        smile=smile,
        gaze=0.12 * window,
        breath_seconds=3.6,
    )


def listening_motion(count: int, seed: int) -> Motion:
    """Return `count` frames of attentive listening: slow nods, blinks, eyes on the viewer."""
    rng = np.random.default_rng(seed)
    time = np.arange(count) / FRAME_RATE
    window = _settled(time)
    pitch = np.zeros(count)
    at = rng.uniform(1.0, 1.8)
    while at < count / FRAME_RATE:
        pitch += rng.uniform(0.5, 0.9) * (_bump(time, at, 0.17) + 0.6 * _bump(time, at + 0.5, 0.17))
        at += rng.uniform(2.4, 4.2)
    tilt = 0.35 * _drift(time, rng, 0.1)
    return _assemble(
        time,
        rng,
        yaw=0.6 * _drift(time, rng, 0.15) * window,
        pitch=(pitch + 0.2 * _drift(time, rng, 0.25)) * window,
        roll=(tilt + 0.25 * _drift(time, rng, 0.2)) * window,
        brow=(0.15 + 0.2 * _drift(time, rng, 0.3)) * window,
        smile=0.6 + (0.1 + 0.12 * _drift(time, rng, 0.2)) * window,
        gaze=0.1 * window,
        breath_seconds=4.2,
    )


def _assemble(
    time: _Points,
    rng: np.random.Generator,
    *,
    yaw: _Points,
    pitch: _Points,
    roll: _Points,
    brow: _Points,
    smile: _Points,
    gaze: _Points,
    breath_seconds: float,
) -> Motion:
    gaze_x, gaze_y = _saccades(time, rng), _saccades(time, rng)
    tracks = {
        "yaw": np.clip(yaw, -1, 1),
        "pitch": np.clip(pitch, -1, 1),
        "roll": np.clip(roll, -1, 1),
        # Eyes stay on the viewer: they turn against the head.
        "gaze_x": np.clip(gaze * gaze_x - 0.35 * yaw, -1, 1),
        "gaze_y": np.clip(0.6 * gaze * gaze_y - 0.3 * pitch, -1, 1),
        "blink": blinks(len(time), rng),
        "brow": np.clip(brow, -1, 1),
        "smile": np.clip(smile, 0, 1),
        "breath": _breath(time, breath_seconds),
    }
    return Motion(**{name: np.asarray(t, np.float32) for name, t in tracks.items()})


def _breath(time: _Points, seconds: float) -> _Points:
    """Whole breaths of about `seconds`, so that a clip ends as it began: breathed out."""
    if len(time) == 0:
        return time
    length = max(float(time[-1]), 1 / FRAME_RATE)
    count = max(1, round(length / seconds))
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * count * time / length))


def blinks(count: int, rng: np.random.Generator) -> _Points:
    """Return lid closure (count,): a blink every 2.5–5 s, quick shut and slower open."""
    time = np.arange(count) / FRAME_RATE
    lids = np.zeros(count)
    at = rng.uniform(0.9, 2.2)
    while at < count / FRAME_RATE - 0.15:
        lids = np.maximum(lids, _blink(time, at))
        if rng.random() < 0.1:
            lids = np.maximum(lids, _blink(time, at + 0.32))
        at += float(np.clip(rng.lognormal(np.log(3.4), 0.25), 2.5, 5.0))
    return lids


def _blink(time: _Points, at: float) -> _Points:
    """Shut within 70 ms, open within 130 ms; the frame nearest to `at` is fully shut."""
    middle = round(at * FRAME_RATE) / FRAME_RATE
    shutting = np.clip(1 - (middle - time) / 0.075, 0, 1) * (time <= middle)
    opening = np.clip(1 - (time - middle) / 0.13, 0, 1) * (time > middle)
    value = shutting + opening
    return np.asarray(value * value * (3 - 2 * value))


def _bump(time: _Points, at: float, width: float) -> _Points:
    return np.asarray(np.exp(-0.5 * ((time - at) / width) ** 2))


def _drift(time: _Points, rng: np.random.Generator, speed: float) -> _Points:
    """Slow wandering in about -1 … 1, around `speed` cycles a second."""
    total = np.zeros(len(time))
    for share, factor in ((0.55, 0.6), (0.3, 1.0), (0.15, 1.9)):
        rate = speed * factor * rng.uniform(0.85, 1.15)
        total += share * np.sin(2 * np.pi * (rate * time + rng.random()))
    return total


def _settled(time: _Points) -> _Points:
    """0 at both ends of the clip, 1 from `SETTLE` seconds on."""
    if len(time) == 0:
        return time
    edge = np.clip(np.minimum(time, time[-1] - time) / SETTLE, 0, 1)
    return np.asarray(edge * edge * (3 - 2 * edge))


def _inside(time: _Points, spans: Sequence[tuple[float, float]]) -> _Points:
    """About 1 while speaking and 0 in pauses, with soft edges."""
    total = np.zeros(len(time))
    for start, end in spans:
        rise = np.clip((time - start + 0.2) / 0.3, 0, 1)
        fall = np.clip((end + 0.3 - time) / 0.3, 0, 1)
        total = np.maximum(total, np.minimum(rise, fall))
    return total


def _saccades(time: _Points, rng: np.random.Generator) -> _Points:
    """Small jumps of the eyes every 0.6–2 s, held in between."""
    total = np.zeros(len(time))
    at = rng.uniform(0.4, 1.2)
    while len(time) and at < time[-1]:
        total[time >= at] = rng.uniform(-1, 1)
        at += rng.uniform(0.6, 2.0)
    return total
