"""Sound and lips: every face keeps them together, and each measure finds a shift that was made."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.clip import pictures, sound
from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.face import Face
from media.face.makeittalk import MakeItTalkFace
from media.face.portrait import Portrait
from media.sync import (
    OURS,
    Lips,
    Sync,
    by_correlation,
    by_expert,
    by_syncnet,
    loudness,
    measure,
    watch,
)
from media.types import Audio, Frame, Phoneme, Speech
from media.video import encode

RATE = 24000
LOUD = {"a": 0.5, "ʌ": 0.4, "o": 0.3, "i": 0.2, "m": 0.02, "p": 0.003, "n": 0.05}
SAID = list("mapʌnamopa.paminamʌpa.nomapa")


@pytest.fixture(scope="module")
def speech() -> Speech:
    """A voice whose loudness follows its vowels, with known timings."""
    draw = np.random.default_rng(4)
    at, parts, phonemes = 0.2, [np.zeros(round(0.2 * RATE))], []
    for symbol in SAID:
        length = float(draw.uniform(0.08, 0.12) if symbol in "mpn" else draw.uniform(0.12, 0.2))
        time = np.arange(round(length * RATE)) / RATE
        wave = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 12))
        parts.append(LOUD.get(symbol, 0.0) * wave)
        if symbol != ".":
            phonemes.append(Phoneme(symbol, at, at + len(time) / RATE, "말"))
        at += len(time) / RATE
    return Speech("말", Audio(np.concatenate(parts).astype(np.float32), RATE), tuple(phonemes))


def photo(folder: Path) -> Path:
    path = folder / "photo.png"
    drawn = next(iter(Counsellor(look="haneul").listening(0.04)))
    cv2.imwrite(str(path), np.ascontiguousarray(drawn[:, :, ::-1]))
    return path


@pytest.fixture(scope="module", params=["counsellor", "portrait", "makeittalk"])
def face(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Face:
    """Every engine that comes with what it needs, with a drawn face."""
    if request.param == "counsellor":
        return Counsellor(size=256)
    if request.param == "portrait":
        return Portrait(photo(tmp_path_factory.mktemp("photo")), size=256)
    pytest.importorskip("torch", reason="MakeItTalk needs the extra `neural`")
    return MakeItTalkFace(look="sunny", size=256)


@pytest.fixture(scope="module")
def lips(face: Face, speech: Speech) -> Lips:
    return watch(face.speaking(speech, tail=0.4))


def delayed(audio: Audio, frames: int) -> Audio:
    shift = round(frames * audio.rate / 25)
    samples = np.roll(np.pad(audio.samples, (abs(shift), abs(shift))), shift)[abs(shift) :]
    return Audio(samples, audio.rate)


def test_every_face_keeps_lips_and_sound_together(lips: Lips, speech: Speech) -> None:
    found = by_correlation(lips.opening, speech.audio)
    assert abs(found.offset) <= 1
    assert found.distance < 0.5
    assert found.confidence > 0.2


def test_without_timings_the_sound_keeps_them_together(face: Face, speech: Speech) -> None:
    seen = watch(face.speaking(Speech("", speech.audio), tail=0.4))
    found = by_correlation(seen.opening, speech.audio)
    assert abs(found.offset) <= 1
    assert found.distance < 0.5


@pytest.mark.parametrize("frames", [-6, 5])
def test_a_shifted_sound_is_found_out(lips: Lips, speech: Speech, frames: int) -> None:
    straight = by_correlation(lips.opening, speech.audio).offset
    found = by_correlation(lips.opening, delayed(speech.audio, frames)).offset
    assert found - straight == frames


def test_a_file_is_measured_as_its_frames_are(speech: Speech, tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    face = Counsellor(size=256)
    encode(face.speaking(speech), speech.audio, video, size=face.size)
    assert abs(measure(video).offset) <= 1
    count = sum(1 for _ in pictures(video, seconds=1.0))
    assert count == 25
    assert sound(video, seconds=1.0).seconds == pytest.approx(1.0)
    ours = loudness(sound(video), 60)
    assert np.corrcoef(ours, loudness(speech.audio, 60))[0, 1] > 0.95


def test_people_are_in_sync_with_themselves(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By our expert, on clips that it never saw; by the correlation where torch is missing."""
    pytest.importorskip("torch")
    folder = shared / "data" / "talking_face" / "grid_s1"
    for name in ("pgwe6n", "swbo8n"):
        found = measure(folder / f"{name}.mpg")
        assert (found.measure, abs(found.offset) <= 1) == ("expert", True)
        seen, heard = watch(pictures(folder / f"{name}.mpg")), sound(folder / f"{name}.mpg")
        late = by_expert(seen.crops, delayed(heard, 7), OURS)
        assert late.offset - found.offset == 7
    monkeypatch.setitem(sys.modules, "torch", None)
    found = measure(sorted(folder.glob("*.mpg"))[6])
    assert (found.measure, abs(found.offset) <= 2) == ("correlation", True)


def test_what_cannot_be_measured_is_said(speech: Speech, tmp_path: Path) -> None:
    def code(opening: np.ndarray, audio: Audio) -> str:
        with pytest.raises(MediaError) as caught:
            by_correlation(opening, audio)
        return caught.value.code

    moving = np.sin(np.arange(50.0))
    assert code(np.zeros(50), speech.audio) == "no_movement"
    assert code(moving, Audio(np.zeros(48000, np.float32), RATE)) == "no_sound"
    with pytest.raises(MediaError, match="shows no face"):
        watch([np.zeros((64, 64, 3), np.uint8)] * 3)
    (tmp_path / "v.mp4").write_bytes(b"nothing")
    for read in (lambda path: list(pictures(path)), sound):
        with pytest.raises(MediaError, match="no video that can be read"):
            read(tmp_path / "v.mp4")


def test_a_face_that_comes_late_keeps_its_place() -> None:
    face: Frame = Counsellor(size=256).picture()
    seen = watch([np.zeros_like(face), face, face, np.zeros_like(face), face])
    assert len(seen.opening) == len(seen.crops) == 5


def test_a_file_without_sound_or_pictures_is_refused(tmp_path: Path) -> None:
    import av

    silent, blind = tmp_path / "silent.mp4", tmp_path / "blind.mp4"
    with av.open(str(silent), "w") as box:
        stream = box.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    assert sum(1 for _ in pictures(silent)) in (23, 24, 25)
    with pytest.raises(MediaError, match="no sound"):
        sound(silent)
    with av.open(str(blind), "w") as box:
        stream = box.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    with pytest.raises(MediaError, match="no pictures"):
        list(pictures(blind))


def test_the_expert_measures_distances_of_unit_vectors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from media.networks.wav2lip import SyncExpert

    checkpoint = tmp_path / "expert.pth"
    torch.save({"state_dict": SyncExpert().state_dict()}, checkpoint)
    draw = np.random.default_rng(3)
    crops = draw.integers(0, 255, (20, 96, 96, 3), np.uint8)
    audio = Audio(draw.normal(0, 0.1, 16000).astype(np.float32), 16000)
    found = by_expert(crops, audio, checkpoint)
    assert found.measure == "expert"
    assert 0 <= found.distance <= 2
    assert found.confidence >= 0
    with pytest.raises(MediaError, match="too short"):
        by_expert(crops[:5], audio, checkpoint)


def test_syncnet_is_asked_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipeline:
        """Answers as syncnet-python does, for two face tracks."""

        def __init__(self, files: dict[str, str], device: str) -> None:
            assert all(Path(file).is_file() for file in files.values())

        def inference(self, video_path: str, audio_path: None) -> tuple[object, ...]:
            return [3, -2], [1.5, 6.5], [11.0, 7.5], 6.5, 7.5, "", True

    monkeypatch.setitem(sys.modules, "syncnet_python", None)
    with pytest.raises(MediaError, match="pip install syncnet-python"):
        by_syncnet(tmp_path / "v.mp4", tmp_path)
    module = types.ModuleType("syncnet_python")
    module.SyncNetPipeline = Pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "syncnet_python", module)
    with pytest.raises(MediaError, match="holds no sfd_face.pth"):
        by_syncnet(tmp_path / "v.mp4", tmp_path)
    for name in ("sfd_face.pth", "syncnet_v2.model"):
        (tmp_path / name).touch()
    found = measure(tmp_path / "v.mp4", syncnet=tmp_path)
    assert found == Sync("syncnet", offset=2, confidence=6.5, distance=7.5)
    monkeypatch.setattr(Pipeline, "inference", lambda *_, **__: ([], [], [], 0.0, 0.0, "", False))
    with pytest.raises(MediaError, match="found no face"):
        by_syncnet(tmp_path / "v.mp4", tmp_path)
