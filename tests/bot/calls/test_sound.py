"""What is heard: pieces end to end on the clock, stopped in the middle, told when over."""

from __future__ import annotations

import numpy as np
import pytest

from bot.calls.sound import FRAME, LEAD, MOST_SECONDS, ON_THE_WAY, RATE, Outgoing, pcm
from bot.live.transport import Piece
from media.types import Audio, Speech


def piece(mark: str, seconds: float, level: float = 0.5, rate: int = RATE) -> Piece:
    sound = np.full(round(seconds * rate), level, np.float32)
    return Piece(mark, Speech("말", Audio(sound, rate)))


@pytest.fixture
def over() -> list[str]:
    return []


@pytest.fixture
def sound(over: list[str]) -> Outgoing:
    return Outgoing(over.append)


def take(sound: Outgoing, seconds: float) -> np.ndarray:
    return np.concatenate([sound.take() for _ in range(round(seconds * 50))])


def test_silence_moves_the_clock(sound: Outgoing) -> None:
    assert not take(sound, 1.0).any()
    assert sound.seconds == pytest.approx(1.0)


def test_a_piece_is_heard_where_it_was_said_to_begin(sound: Outgoing, over: list[str]) -> None:
    take(sound, 0.4)
    begin = sound.play(piece("a", 0.31))
    assert begin == pytest.approx(0.4 + LEAD / RATE)
    heard = take(sound, 0.6)
    loud = np.flatnonzero(heard)
    assert loud[0] == LEAD
    assert len(loud) == round(0.31 * RATE)
    assert over == ["a"]


def test_pieces_follow_without_a_gap(sound: Outgoing, over: list[str]) -> None:
    first = sound.play(piece("a", 0.333))
    second = sound.play(piece("b", 0.25, 0.25))
    assert second == pytest.approx((first or 0) + 0.333, abs=1e-4)
    heard = take(sound, 0.8)
    assert np.count_nonzero(heard) == round(0.333 * RATE) + round(0.25 * RATE)
    assert over == ["a", "b"]
    assert not sound.sounding


def test_clear_stops_at_once_and_says_where(sound: Outgoing, over: list[str]) -> None:
    sound.play(piece("a", 0.5))
    sound.play(piece("b", 2.0))
    take(sound, 1.5)
    cut = sound.clear()
    assert cut is not None
    assert cut.mark == "b"
    assert cut.seconds == pytest.approx(1.5 - 0.5 - LEAD / RATE - ON_THE_WAY, abs=0.021)
    after = take(sound, 0.5)
    assert np.count_nonzero(after) < FRAME
    assert (np.diff(after[:FRAME].astype(int)) <= 0).all()
    assert over == ["a"]
    assert sound.clears == 1


def test_clear_in_silence_says_nothing(sound: Outgoing) -> None:
    assert sound.clear() is None


def test_what_has_not_begun_has_not_been_heard(sound: Outgoing) -> None:
    sound.play(piece("a", 0.5))
    cut = sound.clear()
    assert cut is not None
    assert cut.seconds == 0


def test_more_than_can_be_heard_is_not_taken(sound: Outgoing) -> None:
    long = piece("a", MOST_SECONDS + 1, rate=8000)
    assert sound.play(long) is not None
    assert sound.play(piece("b", 1.0)) is None


def test_sound_of_other_rates_is_resampled_and_bounded() -> None:
    samples = np.array([0.0, 2.0, np.nan, -2.0] * 600, np.float32)
    assert len(pcm(Audio(samples, 24000))) == 4800
    assert len(pcm(Audio(samples[:0], 24000))) == 0
    assert np.abs(pcm(Audio(samples, RATE)).astype(int)).max() == 32767
