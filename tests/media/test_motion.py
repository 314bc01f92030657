"""Blinks, breath, sway, nods: alive, bounded, and the same for the same seed."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from media.face.motion import (
    Motion,
    Pose,
    blinks,
    listening_motion,
    phrases,
    speaking_motion,
)
from media.types import FRAME_RATE, Phoneme

SPOKEN = [(0.3, 2.4), (2.9, 6.0), (6.6, 9.5)]


def values(motion: Motion) -> dict[str, np.ndarray]:
    return {f.name: getattr(motion, f.name) for f in fields(motion)}


def test_the_same_seed_moves_the_same_way() -> None:
    first, second = (values(speaking_motion(250, SPOKEN, True, 7)) for _ in range(2))
    other = values(speaking_motion(250, SPOKEN, True, 8))
    for name, track in first.items():
        assert np.array_equal(track, second[name])
    assert not np.array_equal(first["yaw"], other["yaw"])


@pytest.mark.parametrize("count", [0, 1, 5, 250])
def test_tracks_are_bounded(count: int) -> None:
    for motion in (
        speaking_motion(count, SPOKEN, True, 1),
        speaking_motion(count, [], False, 2),
        listening_motion(count, 3),
    ):
        assert len(motion) == count
        for name, track in values(motion).items():
            assert len(track) == count
            assert np.isfinite(track).all()
            low = 0 if name in ("blink", "smile", "breath") else -1
            assert ((track >= low) & (track <= 1)).all()


def test_blinks_come_every_few_seconds() -> None:
    lids = blinks(60 * FRAME_RATE, np.random.default_rng(4))
    shut = np.flatnonzero((lids[1:] >= 0.99) & (lids[:-1] < 0.99)) + 1
    gaps = np.diff(shut) / FRAME_RATE
    apart = gaps[gaps > 0.6]
    assert 12 <= len(apart) + 1 <= 25
    assert apart.min() > 2.0
    assert apart.max() < 5.5
    assert np.ptp(apart) > 0.5
    for at in shut:
        closed = (lids[at - 3 : at + 5] > 0.4).sum() / FRAME_RATE
        assert 0.04 <= closed <= 0.2 or gaps.min() < 0.6


def test_head_starts_and_ends_at_rest() -> None:
    motion = speaking_motion(260, SPOKEN, False, 5)
    for name in ("yaw", "pitch", "roll"):
        track = getattr(motion, name)
        assert track[0] == pytest.approx(0, abs=1e-6)
        assert track[-1] == pytest.approx(0, abs=1e-6)
        assert np.abs(track).max() > 0.05
    for name in ("smile", "breath"):
        assert getattr(motion, name)[0] == pytest.approx(getattr(motion, name)[-1], abs=0.02)


def test_head_moves_smoothly() -> None:
    motion = speaking_motion(260, SPOKEN, True, 6)
    for name in ("yaw", "pitch", "roll"):
        assert np.abs(np.diff(getattr(motion, name))).max() < 0.2


def test_a_question_raises_the_brows_at_its_end() -> None:
    asked = speaking_motion(260, SPOKEN, True, 9).brow
    told = speaking_motion(260, SPOKEN, False, 9).brow
    end = int(9.45 * FRAME_RATE)
    assert asked[end] > told[end] + 0.3


def test_listening_nods_and_never_freezes() -> None:
    motion = listening_motion(12 * FRAME_RATE, 1)
    assert motion.pitch.max() > 0.4
    assert motion.blink.max() == pytest.approx(1.0)
    moving = sum(np.abs(np.diff(track)) for track in values(motion).values())
    assert (moving > 1e-4).all()


def test_at_gives_one_pose() -> None:
    motion = listening_motion(10, 1)
    pose = motion.at(4)
    assert isinstance(pose, Pose)
    assert pose.smile == pytest.approx(float(motion.smile[4]))


def test_phrases_are_parted_by_pauses() -> None:
    spoken = [Phoneme("a", 0.5, 0.6, ""), Phoneme("n", 0.6, 0.7, ""), Phoneme("a", 1.0, 1.2, "")]
    assert phrases(spoken) == [(0.5, 0.7), (1.0, 1.2)]
    assert phrases([]) == []
