"""Loudness for old ears: −16 LUFS, peaks held under −1 dB, optionally more treble."""

from __future__ import annotations

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import resample_poly, sosfilt

from media.types import FloatArray

TARGET = -16.0
"""Loudness of all speech in LUFS (ITU-R BS.1770)."""
CEILING = -1.0
"""Highest true peak in dB full scale."""

_SHORTEST = 0.4
"""Seconds under which BS.1770 has no loudness: one gating block."""
_OVERSAMPLING = 4
_LOOKAHEAD = 0.003


def loudness(samples: FloatArray, rate: int) -> float:
    """Return the loudness of `samples` in LUFS, minus infinity for silence."""
    if not np.any(samples):
        return float("-inf")
    # A shorter sound is as loud as the same sound said again and again.
    times = int(np.ceil((_SHORTEST * rate + 1) / len(samples)))
    whole = np.tile(samples, times).astype(np.float64)
    return float(pyloudnorm.Meter(rate).integrated_loudness(whole))


def true_peak(samples: FloatArray) -> float:
    """Return the peak of `samples` between its points, in dB full scale."""
    if not len(samples):
        return float("-inf")
    peak = float(np.abs(resample_poly(samples, _OVERSAMPLING, 1)).max())
    return 20 * float(np.log10(peak)) if peak > 0 else float("-inf")


def normalise(samples: FloatArray, rate: int, target: float = TARGET) -> FloatArray:
    """Return `samples` at `target` LUFS with no true peak above `CEILING`; silence as it is."""
    result = np.asarray(samples, np.float32)
    # Limiting takes a little loudness away, so it is measured and made up once more.
    for _ in range(2):
        level = loudness(result, rate)
        if not np.isfinite(level):
            return result
        result = limit(result * np.float32(10 ** ((target - level) / 20)), rate)
    return result


def limit(samples: FloatArray, rate: int) -> FloatArray:
    """Return `samples` with true peaks brought down to `CEILING`, a few milliseconds ahead."""
    ceiling = 10 ** ((CEILING - 0.1) / 20)
    fine = np.abs(resample_poly(samples, _OVERSAMPLING, 1))
    peaks = fine[: len(samples) * _OVERSAMPLING].reshape(-1, _OVERSAMPLING).max(axis=1)
    if not len(peaks) or peaks.max() <= ceiling:
        return samples
    gain = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    width = 2 * round(_LOOKAHEAD * rate) + 1
    # A minimum twice as wide as the mean after it, so that the smooth gain never exceeds the need.
    smooth = uniform_filter1d(minimum_filter1d(gain, 2 * width - 1), width)
    return np.asarray(samples * smooth, np.float32)


def lift_treble(samples: FloatArray, rate: int, decibels: float) -> FloatArray:
    """Return `samples` with a high shelf of `decibels` from 2.5 kHz, for ears that lost treble."""
    if not decibels:
        return samples
    return np.asarray(sosfilt(_high_shelf(2500.0, decibels, rate), samples), np.float32)


def _high_shelf(corner: float, decibels: float, rate: int) -> NDArray[np.float64]:
    """Return a high shelf of slope 1 as one second-order section (Audio EQ Cookbook)."""
    amplitude = 10 ** (decibels / 40)
    omega = 2 * np.pi * corner / rate
    cosine = np.cos(omega)
    alpha = np.sin(omega) / np.sqrt(2)
    root = 2 * np.sqrt(amplitude) * alpha
    plus, minus = amplitude + 1, amplitude - 1
    b = amplitude * np.array(
        [plus + minus * cosine + root, -2 * (minus + plus * cosine), plus + minus * cosine - root]
    )
    a = np.array(
        [plus - minus * cosine + root, 2 * (minus - plus * cosine), plus - minus * cosine - root]
    )
    return np.asarray(np.concatenate([b, a])[None, :] / a[0])
