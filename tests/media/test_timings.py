"""Alignment on sound whose boundaries are known, since the test made it."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from media.speak.acoustics import ACOUSTICS
from media.speak.phonemes import PHONEMES
from media.speak.timings import SILENCE, Piece, align, bands, envelope, parts_of, sounding
from media.types import FloatArray

RATE = 24_000


def silence(seconds: float) -> FloatArray:
    return np.zeros(round(seconds * RATE), np.float32)


def vowel(seconds: float) -> FloatArray:
    """Return a buzz with the formants of an [a]."""
    count = round(seconds * RATE)
    pulses = np.zeros(count)
    pulses[:: RATE // 180] = 1.0
    made = sum(
        sosfilt(butter(2, (centre * 0.8, centre * 1.2), "bandpass", fs=RATE, output="sos"), pulses)
        for centre in (300, 850, 1300)
    )
    return (0.3 * made / np.abs(made).max()).astype(np.float32)


def hiss(seconds: float) -> FloatArray:
    noise = np.random.default_rng(1).normal(size=round(seconds * RATE))
    high = sosfilt(butter(4, 5500, "highpass", fs=RATE, output="sos"), noise)
    return (0.2 * high / np.abs(high).max()).astype(np.float32)


def test_boundaries_follow_the_sound_and_not_the_clock() -> None:
    sound = np.concatenate([silence(0.3), vowel(0.15), hiss(0.1), vowel(0.12), silence(0.6)])
    # The clock gives the last vowel most of the silence after it, as the model does.
    clock = [
        Piece("", 0.25),
        Piece("a", 0.2),
        Piece("s", 0.12),
        Piece("a", 0.6),
        Piece("", 0.2),
    ]
    spans = align(sound, RATE, clock, ACOUSTICS)
    times = [spans[1].start, spans[2].start, spans[3].start, spans[3].end]
    assert times == pytest.approx([0.3, 0.45, 0.55, 0.67], abs=0.03)


def test_a_pause_between_words_belongs_to_neither() -> None:
    sound = np.concatenate([silence(0.2), vowel(0.2), silence(0.4), vowel(0.2), silence(0.3)])
    clock = [Piece("", 0.2), Piece("a", 0.4), Piece("", 0.2), Piece("a", 0.3), Piece("", 0.2)]
    spans = align(sound, RATE, clock, ACOUSTICS)
    assert spans[1].end == pytest.approx(0.4, abs=0.03)
    assert spans[3].start == pytest.approx(0.8, abs=0.03)


def test_a_stop_after_silence_begins_when_it_is_heard() -> None:
    sound = np.concatenate([silence(0.4), hiss(0.06), vowel(0.2), silence(0.2)])
    clock = [Piece("", 0.2), Piece("ʨ", 0.1), Piece("a", 0.2), Piece("", 0.2)]
    spans = align(sound, RATE, clock, ACOUSTICS)
    assert 0.38 <= spans[1].start < spans[1].end
    assert spans[1].end == pytest.approx(0.46, abs=0.03)


def test_spans_are_in_order_and_inside_the_sound() -> None:
    sound = vowel(0.5)
    pieces = [Piece("", 0.1), *[Piece("a", 0.1)] * 3, Piece("", 0.1)]
    spans = align(sound, RATE, pieces, ACOUSTICS)
    assert spans[0].start == 0.0
    assert spans[-1].end == pytest.approx(0.5, abs=0.006)
    for before, after in zip(spans, spans[1:], strict=False):
        assert before.end <= after.start + 1e-9


def test_table_knows_every_state_of_every_phoneme() -> None:
    states = {name for symbol in PHONEMES for name, _ in parts_of(symbol)}
    assert states | {SILENCE} <= set(ACOUSTICS)


def test_levels_do_not_depend_on_loudness() -> None:
    sound = np.concatenate([vowel(0.3), hiss(0.3)])
    assert np.allclose(bands(sound, RATE), bands(sound * 0.5, RATE), atol=0.5)


def test_sounding_finds_where_sound_is() -> None:
    sound = np.concatenate([silence(0.45), vowel(1.0), silence(0.65)])
    assert sounding(sound, RATE) == pytest.approx((0.45, 1.45), abs=0.03)
    assert sounding(silence(1.0), RATE) == (0.0, 0.0)
    assert len(envelope(sound, RATE)) == len(sound) // 120 + 1


def test_no_sound_at_all() -> None:
    spans = align(
        silence(0.2), RATE, [Piece("", 0.1), Piece("a", 0.05), Piece("", 0.05)], ACOUSTICS
    )
    assert len(spans) == 3
