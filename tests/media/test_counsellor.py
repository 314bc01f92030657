"""The drawn counsellor: lips where the sounds are, alive, repeatable, whole frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.drawing.mouth import LINE, shape
from media.face.motion import Pose
from media.face.sounding import shut_in_silence, sounding_phrases, track_sound
from media.face.viseme import REST, Mouth, track_phonemes
from media.types import FRAME_RATE, Audio, Frame, Phoneme, Speech

RATE = 16000
VOWELS = {
    "a": Mouth(jaw=1.0, spread=0.25, closure=0.0),
    "ʌ": Mouth(jaw=0.68, spread=0.1, rounding=0.15, closure=0.0),
    "ɯ": Mouth(jaw=0.22, spread=0.6, closure=0.0),
    "i": Mouth(jaw=0.2, spread=0.95, closure=0.0),
    "o": Mouth(jaw=0.42, rounding=0.85, closure=0.0),
    "u": Mouth(jaw=0.22, rounding=1.0, closure=0.0),
}


def speech(*symbols: str, each: float = 0.12, start: float = 0.4, text: str = "말") -> Speech:
    phonemes = tuple(
        Phoneme(s, start + i * each, start + (i + 1) * each, "말") for i, s in enumerate(symbols)
    )
    seconds = start + len(symbols) * each + 0.3
    return Speech(text, Audio(np.zeros(round(seconds * RATE), np.float32), RATE), phonemes)


@pytest.fixture(scope="module")
def sunny() -> Counsellor:
    return Counsellor()


@pytest.fixture(scope="module")
def small() -> Counsellor:
    return Counsellor(size=128)


def mouth_of(frame: Frame) -> np.ndarray:
    return frame[270:325, 206:306]


def darkness(frame: Frame) -> int:
    """Count the pixels of the open mouth's inside, which is much darker than lips and skin."""
    return int((mouth_of(frame).max(axis=2) < 105).sum())


def red_width(frame: Frame) -> int:
    """Return the widest run of lip-coloured columns."""
    lab = cv2.cvtColor(mouth_of(frame), cv2.COLOR_RGB2LAB)
    return int((lab[:, :, 1] > 158).any(axis=0).sum())


def test_a_frame_is_a_whole_picture(sunny: Counsellor) -> None:
    frame = sunny.picture()
    assert frame.shape == (512, 512, 3)
    assert frame.dtype == np.uint8
    assert sunny.size == (512, 512)
    assert "sunny" in sunny.version
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 5000


def test_vowels_open_the_mouth_in_order(sunny: Counsellor) -> None:
    dark = {v: darkness(sunny.picture(VOWELS[v])) for v in ("a", "ʌ", "ɯ")}
    assert dark["a"] > 1.3 * dark["ʌ"] > 2 * dark["ɯ"]
    area = {v: shape(VOWELS[v], 0.5).area for v in ("a", "ʌ", "ɯ")}
    assert area["a"] > area["ʌ"] > area["ɯ"] > 0


def test_rounding_narrows_and_spreading_widens(sunny: Counsellor) -> None:
    width = {v: red_width(sunny.picture(VOWELS[v])) for v in ("a", "i", "o", "u")}
    assert width["u"] < width["o"] < width["a"] < width["i"]
    half = {v: shape(VOWELS[v], 0.5).half for v in ("a", "i", "o", "u")}
    assert half["u"] < half["o"] < half["a"] < half["i"]


def test_the_chin_follows_the_jaw(sunny: Counsellor) -> None:
    def chin(mouth: Mouth) -> int:
        column = sunny.picture(mouth)[325:372, 256].astype(int).sum(axis=1)
        return int(np.argmax(-np.diff(column)))

    assert 8 <= chin(VOWELS["a"]) - chin(REST) <= 18


def test_lips_are_closed_in_bilabials_and_pauses(sunny: Counsellor) -> None:
    spoken = speech("a", "m", "a", "pʰ", "a", "k", "a", "p", each=0.09)
    frames = list(sunny.speaking(spoken))
    tracks = track_phonemes(spoken.phonemes, spoken.audio.seconds + 0.4)
    open_most = max(darkness(f) for f in frames)
    closed = darkness(sunny.picture())
    assert open_most > closed + 200
    for phoneme in (spoken.phonemes[1], spoken.phonemes[3], spoken.phonemes[7]):
        inside = range(int(phoneme.start * FRAME_RATE), int(phoneme.end * FRAME_RATE) + 1)
        best = max(inside, key=lambda f: tracks.closure[f])
        assert shape(tracks.at(best), 0.5).gap == 0
        assert darkness(frames[best]) <= closed + 12
    for pause in (2, len(frames) - 2):
        assert darkness(frames[pause]) <= closed + 12


def test_teeth_show_in_sibilants(sunny: Counsellor) -> None:
    def white(mouth: Mouth) -> int:
        part = mouth_of(sunny.picture(mouth)).astype(int)
        return int(((part.min(axis=2) > 165) & (np.ptp(part, axis=2) < 45)).sum())

    assert white(Mouth(jaw=0.14, spread=0.45, teeth=1.0, closure=0.0)) > white(REST) + 25


def test_eyes_shut_and_look(sunny: Counsellor) -> None:
    def eyes(pose: Pose) -> np.ndarray:
        return sunny.picture(REST, pose)[196:230, 186:326].astype(int)

    dark = {blink: (eyes(Pose(blink=blink)).max(axis=2) < 60).sum() for blink in (0.0, 0.5, 1.0)}
    assert dark[0.0] > dark[0.5] > dark[1.0]
    assert np.abs(eyes(Pose(gaze_x=1.0)) - eyes(Pose(gaze_x=-1.0))).max() > 80


@pytest.mark.parametrize("move", ["yaw", "pitch", "roll", "brow", "smile", "breath"])
def test_every_movement_is_seen(sunny: Counsellor, move: str) -> None:
    still = sunny.picture(REST, Pose(smile=0.0))
    moved = sunny.picture(REST, Pose(**({"smile": 0.0} | {move: 1.0})))
    assert np.abs(still.astype(int) - moved).mean() > 0.02


@pytest.mark.parametrize(("seconds", "tail"), [(1.0, 0.4), (1.013, 0.4), (0.5, 0.0), (0.02, 0.0)])
def test_frame_count(small: Counsellor, seconds: float, tail: float) -> None:
    audio = Audio(np.zeros(round(seconds * RATE), np.float32), RATE)
    spoken = Speech("네", audio, (Phoneme("n", 0.0, 0.01, "네"),))
    expected = math.ceil(round((audio.seconds + tail) * 25, 6))
    assert len(list(small.speaking(spoken, tail))) == expected


def test_two_runs_are_equal_bit_for_bit(small: Counsellor) -> None:
    spoken = speech("a", "n", "ɲ", "ʌ", "ŋ", text="안녕?")
    first = list(small.speaking(spoken))
    again = list(Counsellor(size=128).speaking(spoken))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("look", ["sunny", "haneul"])
def test_a_frame_leaves_nothing_behind(look: str) -> None:
    face = Counsellor(size=256, look=look)
    first = face.picture()
    for mouth in VOWELS.values():
        face.picture(mouth, Pose(blink=0.5, gaze_x=1.0, yaw=1.0, brow=1.0))
    assert np.array_equal(face.picture(), first)


def test_two_clips_can_be_drawn_at_once(small: Counsellor) -> None:
    spoken = [speech("a", "m", "o", text=text) for text in ("하나", "둘", "셋")]
    alone = [list(small.speaking(s)) for s in spoken]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda s: list(small.speaking(s)), spoken))
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_frames_are_not_overwritten(small: Counsellor) -> None:
    frames = small.speaking(speech("a", "m", "a"))
    first = next(frames)
    kept = first.copy()
    list(frames)
    assert np.array_equal(first, kept)


def test_a_blink_comes_while_speaking(sunny: Counsellor) -> None:
    spoken = speech(*["k", "a", "n", "i"] * 8, each=0.12)
    dark = [int((f[196:232, 186:326].max(axis=2) < 60).sum()) for f in sunny.speaking(spoken)]
    assert min(dark) < 0.55 * float(np.median(dark))


def test_listening_is_never_frozen(small: Counsellor) -> None:
    frames: Iterator[Frame] = small.listening(3.0)
    shown = [f.astype(int) for f in frames]
    assert len(shown) == 75
    assert all(np.any(a != b) for a, b in zip(shown[3:-3], shown[4:-2], strict=True))


def test_clips_follow_each_other_without_a_jump(sunny: Counsellor) -> None:
    first = list(sunny.speaking(speech("a", "n", text="하나")))
    second = next(sunny.speaking(speech("o", "i", text="둘")))
    waiting = next(sunny.listening(1.0))
    for frame in (second, waiting):
        assert np.abs(first[-1].astype(int) - frame).mean() < 0.6


def test_sound_alone_moves_the_mouth(small: Counsellor) -> None:
    time = np.arange(RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 25)) * 0.2
    quiet = np.zeros(RATE // 2)
    samples = np.concatenate([quiet, voice, quiet]).astype(np.float32)
    spoken = Speech("", Audio(samples, RATE))
    tracks = track_sound(spoken.audio, 2.4)
    assert tracks.closure[25] < 0.1
    assert tracks.jaw[25] > 0.25
    assert tracks.closure[4] == pytest.approx(1.0)
    assert tracks.closure[-3] == pytest.approx(1.0)
    phrases = sounding_phrases(tracks)
    assert len(phrases) == 1
    assert phrases[0][0] == pytest.approx(0.5, abs=0.12)
    assert len(list(small.speaking(spoken))) == 60


def test_hiss_shows_the_teeth() -> None:
    rng = np.random.default_rng(0)
    hiss = np.diff(rng.normal(0, 0.2, RATE + 1)).astype(np.float32)
    tracks = track_sound(Audio(hiss, RATE), 1.0)
    assert tracks.teeth[12] > 0.5
    assert tracks.jaw[12] < 0.4


def bursts(times: list[float], length: float = 0.16) -> Speech:
    """Vowels at `times`, with phonemes that say so, and silence between."""
    time = np.arange(round(6.0 * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 20)) * 0.2
    gate = sum(((time >= t) & (time < t + length)).astype(float) for t in times)
    phonemes = tuple(Phoneme("a", t, t + length, "아") for t in times)
    return Speech("아", Audio((voice * gate).astype(np.float32), RATE), phonemes)


def test_mouth_and_sound_go_together() -> None:
    spoken = bursts([0.413, 0.98, 1.37, 2.011, 2.66, 3.133, 3.507, 4.44, 4.81, 5.39])
    sound = spoken.audio.samples.reshape(-1, RATE // FRAME_RATE)
    loud = np.sqrt((sound**2).mean(axis=1))
    tracks = track_phonemes(spoken.phonemes, 6.0)
    gap = np.array([shape(tracks.at(i), 0.5).gap for i in range(len(tracks))])
    fit = {lag: np.corrcoef(np.roll(gap, -lag), loud)[0, 1] for lag in range(-4, 5)}
    assert max(fit, key=fit.__getitem__) == 0
    assert fit[0] > 0.85


def test_late_timings_do_not_keep_the_mouth_open_in_silence() -> None:
    spoken = bursts([0.4, 2.0])
    late = (Phoneme("a", 0.4, 1.9, "아"), spoken.phonemes[1])
    tracks = track_phonemes(late, 6.0)
    shut = shut_in_silence(tracks, spoken.audio)
    assert tracks.closure[30] < 0.1
    assert shut.closure[30] == pytest.approx(1.0, abs=0.01)
    assert shut.jaw[30] == pytest.approx(0.0, abs=0.01)
    assert np.allclose(shut.closure[11:13], tracks.closure[11:13], atol=0.01)
    silent = Audio(np.zeros(RATE, np.float32), RATE)
    assert shut_in_silence(tracks, silent) is tracks


@pytest.mark.parametrize("level", [0.0, 1e-5, np.nan])
def test_silence_moves_nothing(level: float) -> None:
    tracks = track_sound(Audio(np.full(RATE, level, np.float32), RATE), 1.2)
    assert np.isfinite(tracks.jaw).all()
    assert tracks.closure.min() > 0.95


def test_the_second_persona_is_another_face(small: Counsellor) -> None:
    haneul = Counsellor(size=128, look="haneul")
    assert haneul.version != small.version
    assert np.abs(haneul.picture().astype(int) - small.picture()).mean() > 3


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(MediaError, match="sunny"):
        Counsellor(look="nobody")
    with pytest.raises(MediaError, match="even"):
        Counsellor(size=13)


def test_corners_lift_in_a_smile() -> None:
    assert shape(REST, 1.0).corner < shape(REST, 0.0).corner - 3
    assert shape(REST, 0.0).corner == pytest.approx(LINE)
