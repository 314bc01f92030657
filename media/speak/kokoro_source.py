"""The two ends of Kokoro's generator: the buzz that it shapes, and its spectrum made sound.

Both are signal arithmetic without learnt weights (but ten that mix harmonics), so they are done
here in float64 instead of in a network that may run in bf16, where a phase loses its meaning.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.types import FloatArray

RATE = 24_000
STEP = 300
"""Samples for each value of the pitch: 12.5 ms."""

_WINDOW = 20
_HOP = 5
_BINS = _WINDOW // 2 + 1
_HARMONICS = 9
_LOUDNESS = 0.1
_VOICED = 10.0
"""Hz: a lower pitch means no voice."""

_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)


def source(pitch: FloatArray, mix: FloatArray) -> FloatArray:
    """Return the buzz for `pitch` (n,) in Hz as magnitudes and phases (22, 60 n + 1).

    `mix` (10,) weighs nine harmonics; its last value is the bias.
    """
    voiced = np.repeat(pitch > _VOICED, STEP)
    turns = np.cumsum(pitch.astype(np.float64) / RATE) * STEP
    place = np.clip((np.arange(len(pitch) * STEP) + 0.5) / STEP - 0.5, 0, len(pitch) - 1)
    angle = 2 * np.pi * (np.interp(place, np.arange(len(pitch)), turns) % 1.0)
    # sin (k + 1)a = 2 cos a · sin ka − sin (k − 1)a: two functions instead of nine.
    twice, before, wave = 2 * np.cos(angle), np.zeros_like(angle), np.sin(angle)
    total = np.zeros_like(angle)
    for weight in mix[:_HARMONICS].astype(np.float64):
        total += weight * wave
        before, wave = wave, twice * wave - before
    return _analyse(np.tanh(total * (_LOUDNESS * voiced) + float(mix[-1])))


def samples(spectrum: FloatArray) -> FloatArray:
    """Return the sound of `spectrum` (22, m): log magnitudes, then phases before their sine.

    The result has 5 (m − 1) samples at 24 kHz.
    """
    values = spectrum.astype(np.float64)
    magnitude, angle = np.exp(values[:_BINS]), np.sin(values[_BINS:])
    frames = np.fft.irfft(magnitude * np.exp(1j * angle), _WINDOW, axis=0).T * _HANN
    sound = _overlap(frames) / np.maximum(_overlap(np.tile(_HANN**2, (len(frames), 1))), 1e-9)
    return sound[_WINDOW // 2 : -_WINDOW // 2].astype(np.float32)


def _analyse(wave: NDArray[np.float64]) -> FloatArray:
    padded = np.pad(wave, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    bins = np.fft.rfft(frames * _HANN, axis=1).T
    phase = np.arctan2(bins.imag, bins.real)
    # The outer bins are real: a negative one is half a turn off, never minus half a turn, which
    # the network does not know and whistles at.
    phase[[0, -1]] = np.abs(phase[[0, -1]])
    return np.concatenate([np.abs(bins), phase]).astype(np.float32)


def _overlap(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    parts = _WINDOW // _HOP
    total = np.zeros((len(frames) + parts - 1, _HOP))
    for part in range(parts):
        total[part : part + len(frames)] += frames[:, part * _HOP : (part + 1) * _HOP]
    return total.reshape(-1)
