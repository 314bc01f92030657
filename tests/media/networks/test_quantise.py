"""Wav2Lip in int8: what it draws with trained weights, against float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="Wav2Lip needs torch; `make test` installs it")

import torch

from media.face.counsellor import Counsellor
from media.face.viseme import frame_count
from media.face.wav2lip import (
    SHOWN,
    SILENT,
    WINDOWS,
    at_mel_rate,
    framed_clip,
    network_input,
)
from media.networks import quantise, runtime
from media.networks.checkpoint import read_network
from media.networks.equalise import equalised
from media.networks.mel import wav2lip_mel, wav2lip_windows
from media.networks.quantise import can_quantise
from media.networks.runtime import MouthPainter
from media.networks.wav2lip import Generator
from media.openvino_core import core
from media.speak.jets import JetsVoice
from media.types import FloatArray

TRAINED = Path(__file__).parents[1] / "weights" / "wav2lip_grid.safetensors"


@pytest.fixture(scope="module")
def windows() -> FloatArray:
    with np.load(WINDOWS) as table:
        return table["windows"].astype(np.float32)


@pytest.fixture(scope="module")
def heard() -> FloatArray:
    """Windows (n, 80, 16) of a sentence that the ranges do not know."""
    audio = JetsVoice().speak("건강검진은 짝수 해에 태어나신 분이 올해 받으세요.").audio
    found = wav2lip_windows(wav2lip_mel(at_mel_rate(audio, 0)), frame_count(audio.seconds))
    return found[found.mean(axis=(1, 2)) > SILENT]


@pytest.fixture(scope="module")
def faces() -> FloatArray:
    """The drawn counsellor at rest, as the network takes it: (8, 6, 96, 96)."""
    frames = list(Counsellor(look="haneul", size=512).listening(3))[:: 75 // 8][:8]
    pairs = framed_clip(frames, 512)
    return network_input([frame for frame, _ in pairs], [box for _, box in pairs])


@pytest.mark.skipif(not can_quantise(), reason="this CPU does not add int8 products")
def test_it_draws_what_float32_draws(
    windows: FloatArray,
    heard: FloatArray,
    faces: FloatArray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SILVERLINE_CACHE", str(tmp_path))
    shown = faces[:1]

    def painter() -> MouthPainter:
        return MouthPainter(TRAINED, precision="int8", top=SHOWN, examples=lambda: (windows, shown))

    exact = MouthPainter(TRAINED, precision="f32", top=SHOWN).paint(heard, shown)
    drawn = painter().paint(heard, shown)
    apart = np.abs(drawn - exact)
    assert np.linalg.norm(apart) <= 1e-2 * np.linalg.norm(exact)
    # 0: float32 would have drawn.
    assert 0 < apart.max() <= quantise.FARTHEST * exact.max()
    # What was found for a face is kept, and taken from there.
    (kept,) = (tmp_path / "wav2lip").glob("*-decode-*-int8-*")
    assert quantise.is_quantised(core().read_model(kept / "model.xml"))
    monkeypatch.setattr(runtime, "quantised", None)
    monkeypatch.setattr(runtime, "equalised", None)
    assert np.abs(painter().paint(heard, shown) - drawn).max() < 1e-6


@pytest.mark.skipif(not can_quantise(), reason="this CPU does not add int8 products")
def test_over_a_clip_it_draws_what_float32_draws(
    windows: FloatArray, heard: FloatArray, faces: FloatArray
) -> None:
    network = read_network(Generator, TRAINED)
    eight = MouthPainter(
        None, precision="int8", network=network, top=SHOWN, examples=lambda: (windows, faces)
    )
    shown = faces[np.arange(len(heard)) % len(faces)]
    exact = MouthPainter(None, precision="f32", network=network, top=SHOWN).paint(heard, shown)
    apart = np.abs(eight.paint(heard, shown) - exact).max()
    assert 0 < apart <= quantise.FARTHEST * exact.max()


def test_evened_channels_draw_the_same(windows: FloatArray, faces: FloatArray) -> None:
    network = read_network(Generator, TRAINED).eval()
    made = equalised(network, [(windows[:8, None], faces)])
    with torch.inference_mode():
        given = torch.from_numpy(windows[:8, None]), torch.from_numpy(faces)
        assert (made(*given) - network(*given)).abs().max() <= 1e-5
        first = torch.from_numpy(faces)
        before, after = network.encode_face(first)[2], made.encode_face(first)[2]

    def unevenness(values: torch.Tensor) -> float:
        largest = values.amax((0, 2, 3))
        return float(largest[largest > 0].log().std())

    assert unevenness(after) < unevenness(before)
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in made.modules())


def test_fewer_examples_than_a_batch_leave_the_network_as_it_is(
    windows: FloatArray, faces: FloatArray
) -> None:
    painter = MouthPainter(TRAINED, precision="int8", examples=lambda: (windows[:3], faces))
    assert painter.paint(windows[:1], faces[:1]).shape == (1, 3, 96, 96)


@pytest.mark.skipif(not can_quantise(), reason="this CPU does not add int8 products")
def test_a_picture_that_would_be_too_far_off_is_drawn_in_bf16(
    windows: FloatArray, faces: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "FARTHEST", 1e-5)
    tried: list[int] = []
    real = quantise._quantised

    def counted(model: object, examples: list[list[FloatArray]], at_end: int) -> object:
        tried.append(at_end)
        return real(model, examples, at_end)

    monkeypatch.setattr(quantise, "_quantised", counted)
    network = read_network(Generator, TRAINED)
    given = windows[:16], faces[:1]
    painter = MouthPainter(None, precision="int8", network=network, examples=lambda: given)
    exact = MouthPainter(None, precision="f32", network=network).paint(*given)
    assert np.abs(painter.paint(*given) - exact).max() <= 1e-2
    assert tried == list(quantise._AT_END)
    assert not quantise.is_quantised(painter._made("decode"))


def test_a_cpu_without_int8_takes_another_way(
    windows: FloatArray, faces: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILVERLINE_CACHE", str(tmp_path))
    monkeypatch.setattr(runtime, "can_quantise", lambda: False)
    monkeypatch.setattr(runtime, "quantised", None)
    painter = MouthPainter(TRAINED, precision="int8", examples=lambda: (windows, faces[:1]))
    assert painter.paint(windows[:1], faces[1:2]).shape == (1, 3, 96, 96)
    assert not list((tmp_path / "wav2lip").glob("*int8*"))
