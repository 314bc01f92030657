"""The live face: lips on the clock of the sound, barge-in, and never still in between."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest

from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.live import EASE, LiveFace, live_face
from media.face.live_motion import Bearing, LiveMotion
from media.face.motion import Pose
from media.face.portrait import Portrait
from media.face.viseme import REST, Mouth
from media.face.wav2lip import Wav2LipFace
from media.types import FRAME_RATE, Audio, Frame, Phoneme, Speech


def told(symbols: str, text: str = "말", start: float = 0.1, each: float = 0.12) -> Speech:
    """Return speech with one sound of `each` seconds after the other, loud throughout."""
    sounds = tuple(
        Phoneme(symbol, start + each * i, start + each * (i + 1), "말")
        for i, symbol in enumerate(symbols)
    )
    seconds = start + each * len(symbols) + 0.1
    noise = np.random.default_rng(1).normal(0, 0.1, round(seconds * 24000)).astype(np.float32)
    return Speech(text, Audio(noise, 24000), sounds)


class Seen:
    """Keeps what would have been drawn."""

    def __init__(self) -> None:
        self.shown: list[tuple[Mouth, Pose]] = []

    def __call__(self, mouth: Mouth, pose: Pose) -> Frame:
        self.shown.append((mouth, pose))
        return np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def face(seen: Seen) -> LiveFace:
    return LiveFace(seen, (4, 4), seed=3)


@pytest.mark.parametrize("at", [2.0, 2.013, 2.027, 2.039])
def test_lips_follow_the_clock_of_the_sound(face: LiveFace, at: float) -> None:
    face.say(told("aapaa", each=0.16), at)
    closed = [
        n for n in range(40, 100) if 2.25 < n / FRAME_RATE < 2.9
        and face.mouth_at(n / FRAME_RATE).closure > 0.99
    ]  # fmt: skip
    begin, end = at + 0.1 + 0.32, at + 0.1 + 0.48
    assert closed
    middles = [(n + 0.5) / FRAME_RATE for n in closed]
    assert all(begin - 0.045 < m < end + 0.045 for m in middles)
    assert face.mouth_at(at + 0.3).jaw > 0.6


def test_the_mouth_rests_before_and_after(face: LiveFace) -> None:
    speech = told("aaaa")
    face.say(speech, 1.0)
    assert face.mouth_at(0.9) == REST
    assert face.mouth_at(1.0 + speech.audio.seconds + 0.5) == REST


def test_clauses_follow_one_another(face: LiveFace) -> None:
    first, second = told("amam"), told("oaoa", "정말요?")
    face.say(first, 1.0)
    face.say(second, 1.0 + first.audio.seconds)
    later = 1.0 + first.audio.seconds
    assert face.mouth_at(later + 0.16).rounding > 0.3
    assert face.bearing_at(later) is Bearing.SPEAKING
    assert face.bearing_at(later + second.audio.seconds + 0.1) is Bearing.LISTENING


def test_a_short_pause_between_clauses_is_still_speaking(face: LiveFace) -> None:
    first = told("aa")
    face.say(first, 1.0)
    end = 1.0 + first.audio.seconds
    face.say(told("aa"), end + 0.4)
    face.attend(Bearing.THINKING)
    assert face.bearing_at(end + 0.05) is Bearing.SPEAKING
    assert face.bearing_at(end + 3.0) is Bearing.THINKING


def test_hush_stops_within_a_few_frames(face: LiveFace) -> None:
    face.say(told("a" * 20), 1.0)
    face.say(told("a" * 20), 4.0)
    before = face.mouth_at(1.96)
    face.hush(2.0)
    assert before.jaw > 0.5
    jaws = [face.mouth_at(2.0 + n / FRAME_RATE).jaw for n in range(EASE + 1)]
    assert all(a >= b for a, b in pairwise(jaws))
    assert face.mouth_at(2.0 + EASE / FRAME_RATE) == REST
    assert face.mouth_at(4.5) == REST
    assert face.bearing_at(2.1) is Bearing.LISTENING


def test_speech_without_phonemes_moves_by_its_sound(face: LiveFace) -> None:
    time = np.arange(24000) / 24000
    vowel = sum(np.sin(2 * np.pi * 150 * k * time) / (1 + abs(k - 5)) for k in range(1, 12))
    face.say(Speech("말", Audio((0.1 * vowel).astype(np.float32), 24000)), 0.5)
    assert max(face.mouth_at(0.5 + n / FRAME_RATE).jaw for n in range(30)) > 0.2


def test_what_is_over_is_forgotten(face: LiveFace, seen: Seen) -> None:
    for n in range(50):
        face.say(told("a"), 0.5 * n)
        face.frame(0.5 * n)
    assert len(seen.shown) == 50
    assert len(face._clauses) < 8


@pytest.mark.parametrize("bearing", [Bearing.LISTENING, Bearing.THINKING])
def test_it_is_never_still_and_never_jumps(bearing: Bearing) -> None:
    motion = LiveMotion(7)
    poses = [motion.pose(n / FRAME_RATE, bearing) for n in range(30 * FRAME_RATE)]
    tracks = np.array([[getattr(p, f.name) for f in fields(Pose)] for p in poses])
    names = [f.name for f in fields(Pose)]
    assert (np.abs(np.diff(tracks, axis=0)).sum(axis=1) > 1e-4).all()
    for name in ("yaw", "pitch", "roll"):
        track = tracks[:, names.index(name)]
        assert np.abs(np.diff(track)).max() < 0.2
        assert np.abs(track).max() > 0.05
    for name in ("blink", "smile", "breath"):
        track = tracks[:, names.index(name)]
        assert track.min() >= 0
        assert track.max() <= 1


def test_blinks_shut_the_eyes_every_few_seconds() -> None:
    motion = LiveMotion(5)
    lids = np.array(
        [motion.pose(n / FRAME_RATE, Bearing.LISTENING).blink for n in range(60 * FRAME_RATE)]
    )
    shut = np.flatnonzero((lids[1:] >= 0.99) & (lids[:-1] < 0.99))
    assert 10 <= len(shut) <= 30
    assert (lids > 0.5).mean() < 0.1


def test_thinking_looks_away_and_back() -> None:
    motion = LiveMotion(2)
    before = [motion.pose(n / FRAME_RATE, Bearing.LISTENING).gaze_y for n in range(50)]
    thinking = [motion.pose(n / FRAME_RATE, Bearing.THINKING).gaze_y for n in range(50, 150)]
    assert min(thinking) < -0.5 < min(before)
    assert max(thinking[-35:]) > -0.3


def test_the_same_call_moves_the_same_way() -> None:
    first, second, other = (
        [motion.pose(n / FRAME_RATE, Bearing.LISTENING) for n in range(100)]
        for motion in (LiveMotion(4), LiveMotion(4), LiveMotion(5))
    )
    assert first == second != other


def test_a_late_frame_costs_nothing_but_itself(face: LiveFace, seen: Seen) -> None:
    face.frame(0.0)
    face.frame(20.0)
    face.frame(20.04)
    (_, late), (_, after) = seen.shown[-2:]
    assert abs(late.yaw - after.yaw) < 0.2


def test_the_counsellor_is_drawn_live() -> None:
    counsellor = Counsellor(size=128)
    face = live_face(counsellor, seed=1)
    face.say(told("aaaaaa"), 0.2)
    rest, speaking = face.frame(0.0), face.frame(0.72)
    assert rest.shape == (128, 128, 3)
    mouth = np.s_[66:86, 52:76]
    assert np.abs(rest[mouth].astype(int) - speaking[mouth]).mean() > 5


def test_a_portrait_is_drawn_live() -> None:
    face = live_face(Portrait("nobody.jpg", size=64))
    assert face.size == (64, 64)


def test_a_photo_for_wav2lip_is_moved_by_visemes() -> None:
    face = live_face(Wav2LipFace("nobody.jpg", "weights.pth", size=64))
    assert face.size == (64, 64)
    with pytest.raises(MediaError, match="cannot be shown live"):
        live_face(Wav2LipFace(__file__[:-3] + ".mp4", "weights.pth"))


def test_other_faces_are_refused() -> None:
    class Clip:
        version = "clip-1"
        size = (64, 64)

    with pytest.raises(MediaError, match="cannot be shown live"):
        live_face(Clip())  # type: ignore[arg-type]
