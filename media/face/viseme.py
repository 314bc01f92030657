"""Phonemes to mouth movement: articulator tracks at 25 frames a second.

Each phoneme sets targets only for the articulators that it needs; what it leaves open is taken
from its neighbours, so ㄱ ㅋ ㅎ ㅇ have the shape of the vowel that follows. Every articulator then
has its own inertia: the jaw is slower than the lips, the tongue quicker. Rounding spreads about
100 ms into its neighbours. Lip closure is no target but a command: ㅁ ㅂ ㅍ are closed on at
least one frame, however short they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from media.types import FRAME_RATE, Phoneme

Track = NDArray[np.float32]
Points = NDArray[np.float64]

STEP = 0.005
"""Seconds between the points at which movement is worked out, before frames are taken from it."""
LEAD = 0.015
"""Seconds that the mouth runs ahead of the sound; under one frame, never behind it."""
PAUSE = 0.14
"""Seconds of silence from which the mouth goes to rest."""


@dataclass(frozen=True, slots=True)
class Articulators:
    """Mouth movement: one float32 value a frame (n,) for each articulator.

    `jaw` 0 shut … 1 widest; `spread` 0 … 1 corners out; `rounding` 0 … 1 corners in, lips forward;
    `teeth` 0 … 1 rows together and seen; `tongue` 0 … 1 tip raised; `closure` 0 … 1 lips shut.
    """

    jaw: Track
    spread: Track
    rounding: Track
    teeth: Track
    tongue: Track
    closure: Track

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.jaw)

    def at(self, frame: int) -> Mouth:
        """Return the mouth of one frame."""
        return Mouth(*(float(getattr(self, f.name)[frame]) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Mouth:
    """The mouth of one frame; values as in `Articulators`."""

    jaw: float = 0.0
    spread: float = 0.0
    rounding: float = 0.0
    teeth: float = 0.0
    tongue: float = 0.0
    closure: float = 1.0


REST = Mouth()

Target = dict[str, float]

VOWELS: dict[str, Target] = {
    "a": {"jaw": 1.0, "spread": 0.25, "rounding": 0.0},
    "ɐ": {"jaw": 0.95, "spread": 0.2, "rounding": 0.0},
    "ʌ": {"jaw": 0.68, "spread": 0.1, "rounding": 0.15},
    "ə": {"jaw": 0.5, "spread": 0.1, "rounding": 0.1},
    "o": {"jaw": 0.42, "spread": 0.0, "rounding": 0.85},
    "u": {"jaw": 0.22, "spread": 0.0, "rounding": 1.0},
    "ɯ": {"jaw": 0.22, "spread": 0.6, "rounding": 0.0},
    "i": {"jaw": 0.2, "spread": 0.95, "rounding": 0.0},
    "ɛ": {"jaw": 0.55, "spread": 0.55, "rounding": 0.0},
    "e": {"jaw": 0.48, "spread": 0.65, "rounding": 0.0},
    "ø": {"jaw": 0.42, "spread": 0.0, "rounding": 0.8},
    "y": {"jaw": 0.22, "spread": 0.0, "rounding": 0.9},
}
GLIDES: dict[str, Target] = {
    "w": {"jaw": 0.2, "spread": 0.0, "rounding": 1.0},
    "ɥ": {"jaw": 0.2, "spread": 0.2, "rounding": 0.8},
    "j": {"jaw": 0.2, "spread": 0.85},
    "ɰ": {"jaw": 0.22, "spread": 0.6},
}
BILABIAL = frozenset("pbmβɸ")
CONSONANTS: dict[str, Target] = {
    **{s: {"jaw": 0.12, "rounding": 0.0} for s in "pbmβ"},
    "ɸ": {"jaw": 0.14},
    **{s: {"jaw": 0.14, "teeth": 1.0, "spread": 0.45} for s in "sz"},
    **{s: {"jaw": 0.14, "teeth": 1.0, "spread": 0.3, "rounding": 0.2} for s in "ɕʑʨʥʃʒʧʤʦʣ"},
    **{s: {"jaw": 0.3, "tongue": 1.0} for s in "tdn"},
    **{s: {"jaw": 0.38, "tongue": 1.0} for s in "ɾlrθðʎɲ"},
    **{s: {} for s in "kɡgŋhxɣɦçʔ"},
    "f": {"jaw": 0.15, "teeth": 0.6},
    "v": {"jaw": 0.15, "teeth": 0.6},
}
_KNOWN: dict[str, Target] = {**VOWELS, **GLIDES, **CONSONANTS}

_SIGMA = {"jaw": 0.036, "spread": 0.028, "rounding": 0.034, "teeth": 0.014, "tongue": 0.016}
"""Inertia of each articulator: the width of its smoothing in seconds."""
_REACH = 0.06
"""Seconds by which rounding is extended on both sides before it is smoothed."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A simple sound: one known base symbol and its span in seconds."""

    symbol: str
    start: float
    end: float
    aspirated: bool = False


def segments(phonemes: Sequence[Phoneme]) -> list[Segment]:
    """Split phonemes into single known sounds; glides and tense marks get a short share.

    Unknown symbols are kept as `?` with no targets. Spans that are not finite or not positive
    are left out.
    """
    found: list[Segment] = []
    for phoneme in phonemes:
        span = phoneme.end - phoneme.start
        if not (math.isfinite(phoneme.start) and math.isfinite(span)) or span <= 0:
            continue
        parts = _parts(phoneme.symbol)
        weights = [0.6 if part[0] in GLIDES else 1.0 for part in parts]
        at = phoneme.start
        for part, weight in zip(parts, weights, strict=True):
            length = span * weight / sum(weights)
            found.append(Segment(part[0], at, at + length, "ʰ" in part))
            at += length
    return sorted(found, key=lambda s: s.start)


def track_phonemes(phonemes: Sequence[Phoneme], seconds: float) -> Articulators:
    """Return the mouth movement for `phonemes` over `seconds`, at 25 frames a second."""
    found = segments(phonemes)
    tracks = take_frames(_movement(found, seconds), frame_count(seconds))
    _force_closures(tracks, found)
    return tracks


def frame_count(seconds: float) -> int:
    """Return how many frames show `seconds`: rounded up, forgiving rounding errors."""
    return math.ceil(round(seconds * FRAME_RATE, 6))


def smoothed(values: Points, sigma: float) -> Points:
    """Return `values` (n,) with inertia: a Gaussian of `sigma` points, ends held."""
    radius = max(1, math.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    padded = np.pad(values, radius, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def take_frames(fine: dict[str, Points], count: int) -> Articulators:
    """Return `count` frames from movement at `STEP` that begins at second 0 of the sound."""
    index = np.minimum(frame_points(count), len(fine["jaw"]) - 1)
    return Articulators(
        **{name: np.clip(values[index], 0, 1).astype(np.float32) for name, values in fine.items()}
    )


def frame_points(count: int) -> NDArray[np.int64]:
    """Return for each of `count` frames the point at `STEP` that it shows."""
    times = (np.arange(count) + 0.5) / FRAME_RATE + LEAD
    return np.asarray(times / STEP, np.int64)


def _parts(symbol: str) -> list[str]:
    """Return the symbol's base letters, each with its modifiers; `?` where none is known."""
    parts: list[str] = []
    for letter in symbol:
        if letter in _KNOWN:
            parts.append(letter)
        elif parts:
            parts[-1] += letter
    if len(parts) > 1 and parts[0][0] == "ʔ":
        parts = parts[1:]
    return parts or ["?"]


def _spans(found: Sequence[Segment]) -> list[tuple[float, float]]:
    """Return the stretches of speech (start, end) between pauses."""
    spans: list[tuple[float, float]] = []
    for segment in found:
        if spans and segment.start - spans[-1][1] < PAUSE:
            spans[-1] = (spans[-1][0], max(spans[-1][1], segment.end))
        else:
            spans.append((segment.start, segment.end))
    return spans


def _movement(found: Sequence[Segment], seconds: float) -> dict[str, Points]:
    """Return every articulator's movement at `STEP` from second 0 on, a second past the end."""
    n = round((seconds + 1.0) / STEP) + 1

    def place(time: float) -> int:
        return min(max(round(time / STEP), 0), n)

    quiet = np.ones(n, bool)
    for start, end in _spans(found):
        quiet[place(start) : place(end)] = False
    tracks: dict[str, Points] = {}
    for name, sigma in _SIGMA.items():
        values = np.where(quiet, 0.0, np.nan)
        for segment in found:
            open_value = 0.0 if name in ("teeth", "tongue") else np.nan
            target = _KNOWN.get(segment.symbol, {}).get(name, open_value)
            values[place(segment.start) : place(segment.end)] = target
        filled = _filled(values, quiet)
        if name == "rounding":
            filled = np.maximum(filled, _widened(np.nan_to_num(values), round(_REACH / STEP)))
        tracks[name] = smoothed(filled, sigma / STEP)
    shut = smoothed(quiet.astype(float), 0.035 / STEP)
    for segment in found:
        if segment.symbol in BILABIAL:
            begin, end = _closed_span(segment)
            time = np.arange(n) * STEP
            outside = np.maximum(np.maximum(begin - time, time - end), 0.0)
            shut = np.maximum(shut, 0.5 + 0.5 * np.cos(np.pi * np.minimum(outside / 0.045, 1)))
    tracks["closure"] = shut
    return tracks


def _filled(values: Points, quiet: NDArray[np.bool_]) -> Points:
    """Give open stretches the value that follows, or before a pause the one that led there."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == 0:
        return np.zeros_like(values)
    index = np.arange(len(values))
    following = known[np.minimum(np.searchsorted(known, index), len(known) - 1)]
    leading = known[np.maximum(np.searchsorted(known, index, side="right") - 1, 0)]
    source = np.where(quiet[following] & ~quiet[leading], leading, following)
    return values[source]


def _widened(values: Points, reach: int) -> Points:
    """Return the running maximum over `reach` points to both sides."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, reach), 2 * reach + 1)
    return np.asarray(windows.max(axis=1))


def _closed_span(segment: Segment) -> tuple[float, float]:
    """Return when the lips of a bilabial are shut; the breath of an aspirated one is open."""
    share = 0.6 if segment.aspirated else 1.0
    return segment.start, segment.start + share * (segment.end - segment.start)


def _force_closures(tracks: Articulators, found: Sequence[Segment]) -> None:
    """Shut the lips on every frame whose middle lies in a bilabial, and on one at least."""
    for segment in found:
        if segment.symbol not in BILABIAL or not len(tracks):
            continue
        start, end = _closed_span(segment)
        first = math.ceil(start * FRAME_RATE - 0.5)
        last = math.ceil(end * FRAME_RATE - 0.5)
        if last <= first:
            first = math.floor((start + end) / 2 * FRAME_RATE)
            last = first + 1
        first = min(max(first, 0), len(tracks) - 1)
        tracks.closure[first : max(last, first + 1)] = 1.0
