import numpy as np
import pytest

from media.speak.loudness import lift_treble, limit, loudness, normalise, true_peak
from media.types import FloatArray

RATE = 24_000


def voiced(seconds: float, peakiness: float = 1.0) -> FloatArray:
    """Return a buzz of 150 Hz in syllables, the more `peakiness` the shorter its pulses."""
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = np.sign(np.sin(2 * np.pi * 150 * t)) * np.abs(np.sin(2 * np.pi * 150 * t)) ** peakiness
    return (0.05 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.25, 1.0, 6.0])
def test_any_length_comes_to_the_target(seconds: float) -> None:
    assert loudness(normalise(voiced(seconds), RATE), RATE) == pytest.approx(-16.0, abs=0.5)


def test_peaks_stay_under_the_ceiling() -> None:
    made = normalise(voiced(3.0, peakiness=40.0), RATE)
    assert true_peak(made) <= -1.0
    assert loudness(made, RATE) == pytest.approx(-16.0, abs=1.5)


def test_limiting_leaves_quiet_sound_alone() -> None:
    quiet = voiced(1.0)
    assert np.array_equal(limit(quiet, RATE), quiet)


def test_silence_stays_silence() -> None:
    silence = np.zeros(RATE, np.float32)
    assert np.array_equal(normalise(silence, RATE), silence)
    assert true_peak(silence) == -np.inf
    assert true_peak(silence[:0]) == -np.inf


def test_treble_is_lifted_and_bass_is_not() -> None:
    t = np.arange(RATE) / RATE
    for frequency, gain in ((200.0, 0.0), (8000.0, 6.0)):
        tone = (0.1 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)
        lifted = lift_treble(tone, RATE, 6.0)[RATE // 2 :]
        assert 20 * np.log10(np.std(lifted) / np.std(tone)) == pytest.approx(gain, abs=0.5)
    assert lift_treble(tone, RATE, 0.0) is tone
