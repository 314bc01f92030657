"""Sounds in which nobody speaks, made by arithmetic: (n,) float32 at 16 kHz, seeded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Sound = NDArray[np.float32]


def silence(seconds: float = 5.0) -> Sound:
    return np.zeros(int(seconds * RATE), np.float32)


def _time(seconds: float) -> NDArray[np.float64]:
    return np.arange(int(seconds * RATE)) / RATE


def white(seconds: float = 6.0, level: float = 0.1) -> Sound:
    return (level * np.random.default_rng(1).standard_normal(int(seconds * RATE))).astype(
        np.float32
    )


def coloured(slope: float, seconds: float = 6.0, level: float = 0.1) -> Sound:
    """Noise whose power falls with frequency: slope 1 pink, 2 brown."""
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(int(seconds * RATE)))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1.0) ** (slope / 2)
    wave = np.fft.irfft(spectrum)
    return (level * wave / wave.std()).astype(np.float32)


def hum(seconds: float = 6.0) -> Sound:
    """Mains hum and its overtones."""
    t = _time(seconds)
    wave = sum(np.sin(2 * np.pi * 60 * k * t) / k for k in range(1, 8))
    return (0.15 * wave).astype(np.float32)


def tones(seconds: float = 6.0) -> Sound:
    """A ringing tone: 440 + 480 Hz, one second on, two off."""
    t = _time(seconds)
    wave = np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 480 * t)
    return (0.2 * wave * (t % 3 < 1)).astype(np.float32)


def dtmf(digits: str = "1105598020") -> Sound:
    """Keys pressed on a telephone."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    parts = []
    t = _time(0.18)
    for digit in digits:
        at = "123456789*0#".index(digit)
        wave = np.sin(2 * np.pi * rows[at // 3] * t) + np.sin(2 * np.pi * columns[at % 3] * t)
        parts += [0.25 * wave, np.zeros(int(0.12 * RATE))]
    return np.concatenate(parts).astype(np.float32)


def claps(count: int = 12) -> Sound:
    """Short bursts of noise that die away."""
    rng = np.random.default_rng(3)
    t = _time(0.4)
    burst = [rng.standard_normal(len(t)) * np.exp(-t * 60) * 0.6 for _ in range(count)]
    return np.concatenate(burst).clip(-1, 1).astype(np.float32)


def music(seconds: float = 10.0) -> Sound:
    """A melody of struck strings over chords."""
    t = _time(0.4)
    notes = [60, 64, 67, 72, 69, 65, 62, 67, 71, 74, 72, 67]
    parts = []
    for i in range(int(seconds / 0.4)):
        wave = np.zeros_like(t)
        for note in (notes[i % 12], notes[i % 12] + 4, notes[i % 12] - 12):
            f = 440 * 2 ** ((note - 69) / 12)
            for k in range(1, 7):
                wave += np.sin(2 * np.pi * f * k * t) * np.exp(-t * (3 + k)) / k
        parts.append(wave)
    joined = np.concatenate(parts)
    return (0.4 * joined / np.abs(joined).max()).astype(np.float32)


def singing(seconds: float = 8.0) -> Sound:
    """A voiced, vibrating tone through vowel-like resonances, with no words in it."""
    t = _time(seconds)
    pitch = 180 * 2 ** (np.floor(t * 2) % 5 / 12) * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    wave = np.zeros_like(t)
    for k in range(1, 20):
        gain = sum(np.exp(-(((pitch * k - f) / 120) ** 2)) for f in (700, 1200, 2600))
        wave += np.sin(k * phase) * (gain + 0.02)
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


def babble(seconds: float = 6.0, talkers: int = 24) -> Sound:
    """A far crowd: noise bursts shaped like syllables, many at once."""
    rng = np.random.default_rng(4)
    t = _time(seconds)
    out = np.zeros_like(t)
    for _ in range(talkers):
        envelope = np.abs(np.sin(2 * np.pi * rng.uniform(2, 5) * t + rng.uniform(0, 6)))
        carrier = np.sin(
            np.cumsum(2 * np.pi * (rng.uniform(100, 230) + 20 * np.sin(t * rng.uniform(1, 4))))
            / RATE
        )
        out += envelope * np.sign(carrier) * rng.uniform(0.2, 1)
    out = np.convolve(out, np.hanning(9) / np.hanning(9).sum(), "same")
    return (0.12 * out / out.std()).clip(-1, 1).astype(np.float32)


def breathing(seconds: float = 8.0) -> Sound:
    """Breath on a close microphone."""
    t = _time(seconds)
    envelope = np.clip(np.sin(2 * np.pi * 0.3 * t), 0, 1) ** 2
    return (0.3 * coloured(0.7, seconds, 1.0) * envelope).clip(-1, 1).astype(np.float32)


NOBODY: dict[str, Callable[[], Sound]] = {
    "silence": silence,
    "white noise": white,
    "loud white noise": lambda: white(6.0, 0.5).clip(-1, 1),
    "pink noise": lambda: coloured(1.0),
    "brown noise": lambda: coloured(2.0),
    "hum": hum,
    "ringing": tones,
    "keys": dtmf,
    "claps": claps,
    "music": music,
    "singing": singing,
    "babble": babble,
    "breathing": breathing,
    "half a minute of noise": lambda: coloured(1.0, 31.0, 0.05),
    "a blink of noise": lambda: white(0.2),
    "a quiet room": lambda: coloured(1.0, 6.0, 0.001),
}
