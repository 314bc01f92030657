"""When each phoneme sounds.

The model's clock says how long each token may last, but not when it is heard: the sound runs
ahead of it, and a pause is given to the phoneme before it. So the phonemes are aligned with the
sound: each has a usual spectrum (`acoustics`) and a usual length (the model's), stops are a
closure and a release, marks and word gaps may be silence, and the most likely course of
boundaries is found by dynamic programming (a hidden semi-Markov model).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.types import FloatArray

HOP = 0.005
"""Seconds between the points that a boundary can lie on."""
SILENCE = "sil"
_WINDOW = 0.02
_EDGES = (80, 300, 700, 1300, 2200, 3600, 6000, 10000)
"""Hz: the bands whose levels describe a sound."""
_FLOOR = -70.0
_SOUND_WEIGHT = 0.25
"""How much a point of sound counts against the lengths: neighbouring points say the same."""
_SPREAD = 0.35
_LEAST_SPREAD = 0.015
_STRETCHED = 0.13
"""Seconds that a phoneme before a pause lasts, about: what exceeds it is mostly the pause."""
_LONGEST = 0.6
_MAX_PAUSE = 1.6
_STOPS = frozenset("kgɡtdpbʨʥ")

Table = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""State → (level in each band, its standard deviation), in dB under the utterance's loud parts."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A phoneme (`symbol`) or a mark (`symbol` empty) and the model's `seconds` for it."""

    symbol: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Span:
    """Where a piece sounds, in seconds; a mark's span is its silence, if any."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length of the span."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class State:
    """A stretch of one spectrum: `name` in the table, `piece` that it belongs to, its length."""

    name: str
    piece: int
    mean: float
    spread: float
    optional: bool


def align(samples: FloatArray, rate: int, pieces: Sequence[Piece], table: Table) -> list[Span]:
    """Return the span of each of `pieces` in `samples`.

    The first and the last piece are the silences that open and close the sound.
    """
    states = states_of(pieces)
    levels = bands(samples, rate)
    bounds = bounds_of(levels, states, table) * HOP
    spans: list[Span] = []
    for number, piece in enumerate(pieces):
        own = [i for i, state in enumerate(states) if state.piece == number]
        # After silence a stop's closure cannot be heard: it begins with its release.
        silent = number > 0 and not pieces[number - 1].symbol and spans[-1].seconds > 0
        first = own[-1] if piece.symbol and silent else own[0]
        spans.append(Span(float(bounds[first]), float(bounds[own[-1] + 1])))
    return spans


def states_of(pieces: Sequence[Piece]) -> list[State]:
    """Return the states that `pieces` pass through, in order."""
    found: list[State] = []
    for number, piece in enumerate(pieces):
        if not piece.symbol:
            found.append(State(SILENCE, number, piece.seconds, _MAX_PAUSE, True))
            continue
        before_pause = number + 1 < len(pieces) and not pieces[number + 1].symbol
        mean = min(piece.seconds, _STRETCHED) if before_pause else piece.seconds
        spread = max(_LEAST_SPREAD, _SPREAD * mean) * (2.0 if before_pause else 1.0)
        for name, share in parts_of(piece.symbol):
            found.append(State(name, number, mean * share, spread * share**0.5, False))
    return found


def parts_of(symbol: str) -> list[tuple[str, float]]:
    """Return the states of a phoneme and the share of its length that each takes."""
    if symbol[0] in _STOPS and "̚" not in symbol:
        return [(symbol + "-", 0.5), (symbol + "+", 0.5)]
    return [(symbol, 1.0)]


def bands(samples: FloatArray, rate: int) -> NDArray[np.float64]:
    """Return the level of each band every `HOP` (n, 7), in dB under the loud parts of `samples`."""
    hop, window = round(HOP * rate), round(_WINDOW * rate)
    padded = np.pad(samples.astype(np.float64), (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    frames = frames[: len(samples) // hop + 1]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), 1024, axis=1)) ** 2
    places = np.searchsorted(np.fft.rfftfreq(1024, 1 / rate), _EDGES)
    summed = np.add.reduceat(power, places[:-1], axis=1)
    summed[:, -1] -= power[:, places[-1] :].sum(axis=1)
    total = 10 * np.log10(summed.sum(axis=1) + 1e-12)
    loud = np.percentile(total, 90)
    levels = 10 * np.log10(np.maximum(summed, 1e-12)) - loud
    return np.asarray(np.clip(levels, _FLOOR, 10.0))


def bounds_of(
    levels: NDArray[np.float64], states: Sequence[State], table: Table
) -> NDArray[np.int64]:
    """Return the points (len(states) + 1,) between which each state lies."""
    count = len(levels)
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    lengths: list[NDArray[np.int64]] = []
    for state in states:
        summed = np.concatenate([[0.0], np.cumsum(_likelihood(levels, table[state.name]))])
        prior = _length_prior(state)
        width = len(prior)
        # A window ends at t: its last column is length 0, the one before it length 1, and so on.
        open_ = np.pad(best - summed, (width - 1, 0), constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(open_, width) + prior[::-1]
        chosen = windows.argmax(axis=1)
        best = windows[np.arange(count + 1), chosen] + summed
        lengths.append(width - 1 - chosen)
    bounds = [count]
    for length in reversed(lengths):
        bounds.append(bounds[-1] - int(length[bounds[-1]]))
    return np.array(bounds[::-1])


def _likelihood(
    levels: NDArray[np.float64], usual: tuple[Sequence[float], Sequence[float]]
) -> NDArray[np.float64]:
    mean, deviation = np.asarray(usual[0]), np.asarray(usual[1])
    distance = ((levels - mean) / deviation) ** 2 / 2 + np.log(deviation)
    # An outlying band must not outweigh all the others.
    return np.asarray(-_SOUND_WEIGHT * np.minimum(distance, 8.0).sum(axis=1))


def _length_prior(state: State) -> NDArray[np.float64]:
    """Return the log prior of lengths 0, 1, 2 … points."""
    if state.optional:
        prior = np.zeros(round(_MAX_PAUSE / HOP) + 1)
        # Silence shorter than 40 ms is no pause but a closure of the next stop.
        prior[1 : round(0.04 / HOP)] = -6.0
        return prior
    longest = round(min(_LONGEST, state.mean + 5 * state.spread) / HOP) + 2
    seconds = np.arange(longest + 1) * HOP
    prior = -(((seconds - state.mean) / state.spread) ** 2) / 2
    prior[0] = -np.inf
    return np.asarray(prior)


def envelope(samples: FloatArray, rate: int) -> NDArray[np.float64]:
    """Return the level of `samples` in dB full scale, a value every 5 ms."""
    hop, window = round(HOP * rate), round(_WINDOW * rate)
    padded = np.pad(samples.astype(np.float64), (window // 2, window))
    count = len(samples) // hop + 1
    squares = np.concatenate([[0.0], np.cumsum(padded**2)])
    starts = np.arange(count) * hop
    power = (squares[starts + window] - squares[starts]) / window
    return np.asarray(10 * np.log10(power + 1e-10))


def sounding(samples: FloatArray, rate: int, below_peak: float = 42.0) -> tuple[float, float]:
    """Return where the sound begins and ends, in seconds; (0, 0) where there is none."""
    level = envelope(samples, rate)
    loud = np.flatnonzero(level > max(level.max() - below_peak, -70.0))
    if not len(loud):
        return 0.0, 0.0
    return float(loud[0] * HOP), float(min((loud[-1] + 1) * HOP, len(samples) / rate))
