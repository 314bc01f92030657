"""The Wav2Lip face: boxes, network input, paste-back, silence, checkpoints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.clip import pictures, sound
from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.wav2lip import SHOWN, Wav2LipFace, network_input, paste
from media.sync import OURS, by_correlation, by_expert, loudness, watch
from media.types import Audio, Frame, Speech

torch = pytest.importorskip("torch", reason="Wav2Lip needs the extra `neural`")

from media.networks.checkpoint import load_checkpoint  # noqa: E402
from media.networks.quantise import can_quantise  # noqa: E402
from media.networks.runtime import MouthPainter  # noqa: E402
from media.networks.wav2lip import Generator, SyncExpert  # noqa: E402

TRAINED = Path(__file__).with_name("weights") / "wav2lip_grid.safetensors"
"""Trained on one filmed speaker, as docs/training.md tells; 3/16 as wide as published."""


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Random weights are not kept in the user's own cache."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SILVERLINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        # To find the ranges of int8 takes half a minute; it has tests of its own.
        patched.setattr("media.networks.runtime.can_quantise", lambda: False)
        yield


@pytest.fixture(scope="module")
def drawn() -> Frame:
    return next(iter(Counsellor().listening(0.04)))


@pytest.fixture(scope="module")
def network() -> Generator:
    torch.manual_seed(3)
    return Generator().eval()


@pytest.fixture(scope="module")
def checkpoint(network: Generator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights as the published training writes them."""
    path = tmp_path_factory.mktemp("weights") / "wav2lip.pth"
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "global_step": 1}, path)
    return path


@pytest.fixture(scope="module")
def photo(drawn: Frame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    cv2.imwrite(str(path), np.ascontiguousarray(drawn[:, :, ::-1]))
    return path


@pytest.fixture(scope="module")
def face(photo: Path, checkpoint: Path) -> Wav2LipFace:
    built = Wav2LipFace(photo, checkpoint, size=256, still=True)
    built.warm_up()
    return built


@pytest.fixture(scope="module")
def painter(face: Wav2LipFace) -> MouthPainter:
    """The face's own: converting the network takes seconds, so it is done once."""
    return face.painter


def speech(seconds: float, noise: float) -> Speech:
    samples = np.random.default_rng(0).standard_normal(round(seconds * 24000)) * noise
    return Speech("", Audio(samples.astype(np.float32), 24000))


def test_the_runtime_draws_what_torch_draws(network: Generator, painter: MouthPainter) -> None:
    draw = np.random.default_rng(1)
    windows = draw.uniform(-4, 4, (5, 80, 16)).astype(np.float32)
    faces = draw.uniform(0, 1, (5, 6, 96, 96)).astype(np.float32)
    with torch.inference_mode():
        exact = network(torch.from_numpy(windows[:, None]), torch.from_numpy(faces)).numpy()
    painted = painter.paint(windows, faces)
    assert painted.shape == (5, 3, 96, 96)
    assert (painted[:, :, :SHOWN] == faces[:, 3:, :SHOWN]).all()
    assert np.abs(painted - exact)[:, :, SHOWN:].max() / np.abs(exact).max() < 1e-2


def test_silence_shows_the_resting_frame_and_sound_does_not(face: Wav2LipFace) -> None:
    rest = next(face.listening(0.04))
    assert all((frame == rest).all() for frame in face.speaking(speech(0.4, 0.0)))
    loud = list(face.speaking(speech(0.8, 0.2), tail=1.0))
    assert len(loud) == 45
    assert (loud[5] != rest).any()
    assert (loud[-1] == rest).all()


def test_only_the_mouth_is_drawn(face: Wav2LipFace) -> None:
    rest = next(face.listening(0.04))
    frame = list(face.speaking(speech(0.6, 0.2)))[5]
    changed = np.argwhere((frame != rest).any(axis=2))
    eyes = face.portrait.mesh.points[[33, 263], 1].max()
    assert changed[:, 0].min() > eyes
    assert changed[:, 0].max() < 255


def test_the_lower_half_is_hidden_from_the_network(drawn: Frame) -> None:
    inputs = network_input([drawn], [(150, 100, 350, 350)])
    assert inputs.shape == (1, 6, 96, 96)
    assert (inputs[0, :3, 48:] == 0).all()
    assert (inputs[0, :3, :48] == inputs[0, 3:, :48]).all()
    blue = cv2.resize(drawn[100:350, 150:350], (96, 96), interpolation=cv2.INTER_AREA)[0, 0, 2]
    assert inputs[0, 3, 0, 0] == pytest.approx(blue / 255)


def test_a_pasted_mouth_fades_into_the_face(drawn: Frame) -> None:
    out = paste(drawn, np.ones((3, 96, 96), np.float32), (150, 100, 350, 350))
    assert (out[:100] == drawn[:100]).all()
    assert (out[275, 250] == 255).all()
    edge = out[275, 150:160].astype(int) - drawn[275, 150:160]
    assert np.abs(edge).max() < 20


def test_a_clip_is_played_forth_and_back(shared: Path, checkpoint: Path) -> None:
    clip = shared / "data" / "talking_face" / "grid_s1" / "pwic8n.mpg"
    face = Wav2LipFace(clip, checkpoint, size=128)
    frames = list(face.listening(6.2))
    assert len(frames) == 155
    assert (frames[0] == frames[2 * (75 - 1)]).all()
    assert "-pwic8n-" in face.version
    assert face.version.endswith("-128")


def test_a_photo_blinks_unless_it_is_to_stay_still(photo: Path, checkpoint: Path) -> None:
    frames = list(Wav2LipFace(photo, checkpoint, size=128).listening(4.0))
    assert len({frame.tobytes() for frame in frames}) > 10


def test_a_clip_without_pictures_is_refused(tmp_path: Path, checkpoint: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"nothing")
    with pytest.raises(MediaError) as caught:
        next(Wav2LipFace(clip, checkpoint).listening(1.0))
    assert caught.value.code == "not_clip"


def test_checkpoints_are_read_or_refused_with_a_reason(checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network = Generator()
    load_checkpoint(network, checkpoint)
    save_file(network.state_dict(), tmp_path / "bare.safetensors")
    load_checkpoint(Generator(), tmp_path / "bare.safetensors")
    with pytest.raises(MediaError) as caught:
        load_checkpoint(SyncExpert(), checkpoint)
    assert caught.value.code == "bad_checkpoint"
    with pytest.raises(MediaError) as caught:
        load_checkpoint(SyncExpert(), tmp_path / "absent.pth")
    assert caught.value.code == "no_checkpoint"


def test_without_torch_the_remedy_is_named(
    photo: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "media.networks.runtime", None)
    with pytest.raises(MediaError, match="silverline\\[neural\\]"):
        Wav2LipFace(photo, checkpoint).warm_up()


def test_a_mouth_is_shown_with_the_sound_of_its_window(photo: Path, checkpoint: Path) -> None:
    """The face's clock, with a network that paints each window as bright as it is loud."""

    class Loud:
        def paint(self, windows: np.ndarray, faces: np.ndarray) -> np.ndarray:
            level = (windows[:, :, :3].mean(axis=(1, 2)) + 4) / 8
            return np.broadcast_to(level[:, None, None, None], (len(windows), 3, 96, 96)).copy()

    draw = np.random.default_rng(7)
    level = np.repeat(draw.uniform(0.02, 0.6, 30), 3)
    samples = draw.standard_normal(len(level) * 960) * np.repeat(level, 960)
    said = Speech("", Audio(samples.astype(np.float32), 24000))
    still = Wav2LipFace(photo, checkpoint, size=128, still=True)
    moving = Wav2LipFace(photo, checkpoint, size=128)
    for face in (still, moving):
        face.painter = Loud()  # type: ignore[assignment]
        frames = np.stack(list(face.speaking(said, tail=0.0)))
        seen = frames[:, 78:84, 60:68].mean(axis=(1, 2, 3))
        loud = np.log(loudness(said.audio, len(frames)) + 0.05)
        fits = {shift: fit(seen, loud, shift) for shift in range(-6, 7)}
        best = max(fits, key=lambda shift: fits[shift])
        assert abs(best) <= 1
        assert fits[best] > 0.6


@pytest.mark.parametrize("still", [True, False])
def test_a_trained_network_keeps_lips_and_sound_together(
    shared: Path, tmp_path: Path, still: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portrait and a clip of a filmed speaker, moved by a sentence that training never saw.

    In int8 where the CPU is good at it, as in service.
    """
    monkeypatch.setattr("media.networks.runtime.can_quantise", can_quantise)
    folder = shared / "data" / "talking_face" / "grid_s1"
    source, said = folder / "swbo8n.mpg", sound(folder / "pgwe6n.mpg")
    if still:
        first = next(pictures(source))
        source = tmp_path / "photo.png"
        cv2.imwrite(str(source), np.ascontiguousarray(first[:, :, ::-1]))
    face = Wav2LipFace(source, TRAINED, size=256, still=still)
    lips = watch(face.speaking(Speech("", said), tail=0.0))
    found = by_expert(lips.crops, said, OURS)
    assert abs(found.offset) <= 1
    assert found.confidence > 0.1
    if still:
        return  # Its lips part too little for landmarks: the network was trained for minutes.
    assert abs(by_correlation(lips.opening, said).offset) <= 1
    late = Audio(np.pad(said.samples, (5 * said.rate // 25, 0)), said.rate)
    assert by_expert(lips.crops, late, OURS).offset - found.offset == 5


def fit(seen: np.ndarray, loud: np.ndarray, shift: int) -> float:
    n = len(loud) - abs(shift)
    a, b = max(0, -shift), max(0, shift)
    return float(np.corrcoef(seen[a : a + n], loud[b : b + n])[0, 1])
