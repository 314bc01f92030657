"""Mouth movement from the sound alone, for speech that comes without phoneme timings.

Loudness opens the jaw, the balance of the spectrum tells open from close and spread from round,
and hiss shows the teeth. It is less exact than phonemes, and never wrong about pauses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from media.face.viseme import (
    STEP,
    Articulators,
    frame_count,
    frame_points,
    smoothed,
    take_frames,
    track_phonemes,
)
from media.types import FRAME_RATE, Audio, Speech

_WINDOW = 0.03
_RANGE_DB = 30.0
"""Between the loudest vowels and what counts as silence."""
_SILENT_DB = 38.0
"""How far below the loudest vowels a sound is silence."""
_SILENT_SECONDS = 0.2
"""Silence shorter than this is part of a sound: ㄲ and ㅋ hold their breath with open lips."""
_FLOOR_DB = -50.0
"""Sound below this level moves nothing, however quiet the rest is."""


def track_sound(audio: Audio, seconds: float) -> Articulators:
    """Return the mouth movement for `audio` over `seconds`, at 25 frames a second."""
    count = frame_count(seconds)
    points = round((seconds + 1.0) / STEP) + 1
    power = _spectra(audio, points)
    frequency = np.fft.rfftfreq(_window(audio.rate), 1 / audio.rate)

    def band(low: float, high: float) -> NDArray[np.float64]:
        inside = (frequency >= low) & (frequency < high)
        return np.asarray(power[:, inside].sum(axis=1) + 1e-12)

    level = 10 * np.log10(band(80, audio.rate / 2))
    loud = max(float(np.percentile(level, 97)), _FLOOR_DB + _RANGE_DB)
    strength = np.clip((level - loud + _RANGE_DB) / _RANGE_DB, 0, 1)
    hiss = np.clip(band(3500, audio.rate / 2) / band(80, 3500) - 0.6, 0, 1) * (strength > 0.15)
    openness = np.clip(0.5 + 0.12 * np.log(band(550, 1200) / band(150, 450)), 0.15, 1)
    front = np.clip(0.5 + 0.15 * np.log(band(1700, 3200) / band(600, 1400)), 0, 1)
    back = np.clip(-0.35 - 0.18 * np.log(band(1300, 3200) / band(150, 1000)) - 0.3, 0, 1)
    voiced = strength * (1 - hiss)
    quiet = smoothed((strength < 0.12).astype(float), 0.05 / STEP)
    fine = {
        "jaw": smoothed(1.35 * voiced**1.5 * openness + 0.12 * hiss, 0.03 / STEP),
        "spread": smoothed(front * voiced, 0.035 / STEP),
        "rounding": smoothed(0.75 * back * voiced, 0.04 / STEP),
        "teeth": smoothed(hiss, 0.015 / STEP),
        "tongue": np.zeros(points),
        "closure": np.clip((quiet - 0.35) / 0.5, 0, 1),
    }
    return take_frames(fine, count)


def mouths_for(speech: Speech, seconds: float) -> Articulators:
    """Return the mouth movement for `speech`, by its phonemes or, without any, by its sound."""
    if speech.phonemes:
        return shut_in_silence(track_phonemes(speech.phonemes, seconds), speech.audio)
    return track_sound(speech.audio, seconds)


def sounding_phrases(mouths: Articulators) -> list[tuple[float, float]]:
    """Return the stretches (start, end) in seconds in which the mouth is not at rest."""
    busy = np.concatenate([[False], mouths.closure < 0.9, [False]])
    edges = np.flatnonzero(np.diff(busy.astype(int))) / FRAME_RATE
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def shut_in_silence(mouths: Articulators, audio: Audio) -> Articulators:
    """Return `mouths` with the lips shut wherever `audio` is silent for a while.

    Timings that give a pause to the sound before it would leave the mouth open. Sound that is
    silent throughout says nothing and changes nothing.
    """
    points = round((len(mouths) / FRAME_RATE + 1.0) / STEP) + 1
    level = 10 * np.log10(_spectra(audio, points).sum(axis=1) + 1e-12)
    if level.max() < _FLOOR_DB:
        return mouths
    loud = max(float(np.percentile(level, 97)), _FLOOR_DB + _RANGE_DB)
    silent = np.concatenate([[False], level < loud - _SILENT_DB, [False]])
    edges = np.flatnonzero(np.diff(silent.astype(int)))
    quiet = np.zeros(points)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= _SILENT_SECONDS / STEP:
            inner = round(0.03 / STEP)
            quiet[start + inner * (start > 0) : end - inner] = 1.0
    shut = smoothed(quiet, 0.03 / STEP)[frame_points(len(mouths))].astype(np.float32)
    return replace(
        mouths,
        jaw=mouths.jaw * (1 - shut),
        rounding=mouths.rounding * (1 - shut),
        closure=np.maximum(mouths.closure, shut),
    )


def _window(rate: int) -> int:
    return max(64, round(_WINDOW * rate))


def _spectra(audio: Audio, points: int) -> NDArray[np.float64]:
    """Return the power spectrum (points, bins) around every `STEP`; silence after the sound."""
    window = _window(audio.rate)
    starts = (np.arange(points) * STEP * audio.rate).astype(int)
    padded = np.zeros(max(int(starts[-1]), len(audio.samples)) + 2 * window, np.float32)
    padded[window // 2 : window // 2 + len(audio.samples)] = np.nan_to_num(audio.samples)
    shape = np.hanning(window)
    frames = padded[starts[:, None] + np.arange(window)] * shape
    spectra = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / (shape.sum() ** 2)
    return np.asarray(spectra, np.float64)
