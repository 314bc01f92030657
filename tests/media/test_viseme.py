"""Mouth movement from phonemes: closure, opening, rounding, pauses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from media.face.viseme import (
    Articulators,
    frame_count,
    segments,
    track_phonemes,
)
from media.types import FRAME_RATE, Phoneme


def said(*symbols: str, each: float = 0.12, start: float = 0.4) -> tuple[Phoneme, ...]:
    return tuple(
        Phoneme(s, start + i * each, start + (i + 1) * each, "말") for i, s in enumerate(symbols)
    )


def middle(tracks: Articulators, phoneme: Phoneme) -> int:
    return min(int((phoneme.start + phoneme.end) / 2 * FRAME_RATE), len(tracks) - 1)


@pytest.mark.parametrize("lips", ["p", "b", "m", "pʰ", "ʔp", "p̚"])
@pytest.mark.parametrize("length", [0.012, 0.03, 0.05, 0.08, 0.2])
@pytest.mark.parametrize("offset", [0.0, 0.013, 0.027])
def test_lips_close_however_short(lips: str, length: float, offset: float) -> None:
    at = 0.6 + offset
    spoken = (
        Phoneme("a", 0.4, at, "아"),
        Phoneme(lips, at, at + length, "마"),
        Phoneme("a", at + length, at + length + 0.25, "마"),
    )
    tracks = track_phonemes(spoken, 1.2)
    frames = range(math.floor(at * FRAME_RATE), math.floor((at + length) * FRAME_RATE) + 1)
    assert max(tracks.closure[f] for f in frames) == 1.0
    assert tracks.closure[middle(tracks, spoken[2])] < 0.1


def test_vowels_open_in_order() -> None:
    jaw = {}
    for vowel in ("a", "ʌ", "ɛ", "ɯ"):
        spoken = said("k", vowel, "k", each=0.2)
        tracks = track_phonemes(spoken, 1.4)
        jaw[vowel] = tracks.jaw[middle(tracks, spoken[1])]
    assert jaw["a"] > jaw["ʌ"] > jaw["ɛ"] > jaw["ɯ"] > 0.1


def test_rounding_reaches_into_neighbours() -> None:
    spoken = said("k", "i", "t", "u", "t", "i", each=0.14)
    tracks = track_phonemes(spoken, 2.0)
    u = spoken[3]
    assert tracks.rounding[middle(tracks, u)] > 0.9
    before = int((u.start - 0.08) * FRAME_RATE)
    assert tracks.rounding[before] > 0.1
    assert tracks.rounding[int((u.start - 0.24) * FRAME_RATE)] < 0.05


def test_open_consonants_take_the_vowel_that_follows() -> None:
    spoken = said("k", "o", each=0.16)
    tracks = track_phonemes(spoken, 1.2)
    assert tracks.rounding[middle(tracks, spoken[0])] > 0.7


def test_glides_teeth_and_tongue() -> None:
    spoken = said("wa", "s", "i", "n", "a", each=0.16)
    tracks = track_phonemes(spoken, 1.8)
    first = int((spoken[0].start + 0.03) * FRAME_RATE)
    assert tracks.rounding[first] > 0.6
    assert tracks.teeth[middle(tracks, spoken[1])] > 0.9
    assert tracks.tongue[middle(tracks, spoken[3])] > 0.9
    assert tracks.teeth[middle(tracks, spoken[4])] < 0.1


def test_closed_in_pauses_and_at_both_ends() -> None:
    spoken = said("a", "k", "a") + said("a", "k", "a", start=1.4)
    tracks = track_phonemes(spoken, 2.4)
    for second in (0.1, 1.05, 2.2):
        frame = int(second * FRAME_RATE)
        assert tracks.closure[frame] == pytest.approx(1.0, abs=0.02)
        assert tracks.jaw[frame] == pytest.approx(0.0, abs=0.02)


def test_picture_never_lags() -> None:
    """A jaw step in the middle of a frame is met on that frame, not on the next one."""
    spoken = said("ɯ", "a", each=0.4)
    tracks = track_phonemes(spoken, 1.6)
    crossing = int(np.argmax(tracks.jaw > 0.61)) / FRAME_RATE
    assert spoken[1].start - 0.045 <= crossing <= spoken[1].start + 0.02


@pytest.mark.parametrize(
    "spoken",
    [
        (),
        (Phoneme("", 0.1, 0.2, ""),),
        (Phoneme("☃", 0.1, 0.4, "?"),),
        (Phoneme("a", 0.3, 0.3, "아"), Phoneme("a", float("nan"), 0.4, "아")),
        (Phoneme("m", 0.0, 0.01, "음"), Phoneme("b", 5.0, 5.1, "늦")),
    ],
)
def test_odd_input_gives_finite_frames(spoken: tuple[Phoneme, ...]) -> None:
    tracks = track_phonemes(spoken, 0.5)
    assert len(tracks) == 13
    for name in ("jaw", "spread", "rounding", "teeth", "tongue", "closure"):
        values = getattr(tracks, name)
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1


def test_no_time_gives_no_frames() -> None:
    assert len(track_phonemes(said("m"), 0.0)) == 0


def test_segments_share_their_phoneme() -> None:
    parts = segments([Phoneme("ʔkwaː", 0.0, 0.26, "꽈")])
    assert [p.symbol for p in parts] == ["k", "w", "a"]
    assert parts[0].start == 0.0
    assert parts[-1].end == pytest.approx(0.26)
    assert parts[1].end - parts[1].start < parts[2].end - parts[2].start


def test_frame_count_rounds_up_but_forgives_float_errors() -> None:
    assert frame_count(1.0) == 25
    assert frame_count(1.0000000001) == 25
    assert frame_count(1.01) == 26
