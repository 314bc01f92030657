"""The optimised runtime's cache: converted once a checkpoint, made anew where it is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino
import pytest

torch = pytest.importorskip("torch", reason="Wav2Lip needs the extra `neural`")

from media.networks.runtime import MouthPainter  # noqa: E402
from media.networks.wav2lip import Generator  # noqa: E402
from media.openvino_core import core  # noqa: E402
from media.types import FloatArray  # noqa: E402


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / "wav2lip.pth"
    torch.save(Generator().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SILVERLINE_CACHE", str(folder))
        yield folder / "wav2lip"


@pytest.fixture(scope="module")
def first(checkpoint: Path, cache: Path) -> FloatArray:
    """What the checkpoint draws when it is first used; the one conversion of this module."""
    return paint(MouthPainter(checkpoint))


@pytest.fixture
def conversions(cache: Path, first: FloatArray, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Counts conversions, which give again what the first one gave."""
    (kept,) = cache.glob("*-decode-0")
    saved = core().read_model(kept / "model.xml")
    counted: list[Path] = []

    def converted(painter: MouthPainter, part: str) -> openvino.Model:
        counted.append(kept)
        return saved

    monkeypatch.setattr(MouthPainter, "_converted", converted)
    return counted


def paint(painter: MouthPainter) -> FloatArray:
    draw = np.random.default_rng(2)
    windows = draw.uniform(-4, 4, (1, 80, 16)).astype(np.float32)
    return painter.paint(windows, draw.uniform(0, 1, (1, 6, 96, 96)).astype(np.float32))


def test_a_checkpoint_is_converted_once(
    checkpoint: Path, cache: Path, first: FloatArray, conversions: list[Path]
) -> None:
    # A single face: its encoder, and the decoder that takes what it says.
    assert len(list(cache.iterdir())) == 2
    for kept in cache.iterdir():
        assert {file.name for file in kept.iterdir()} == {"model.xml", "model.bin"}
    again = paint(MouthPainter(checkpoint))
    assert conversions == []
    assert np.abs(again - first).max() < 1e-6


def test_rows_that_are_not_shown_are_not_drawn() -> None:
    torch.manual_seed(6)
    network = Generator(1 / 16).eval()
    draw = np.random.default_rng(2)
    windows = draw.uniform(-4, 4, (3, 80, 16)).astype(np.float32)
    faces = draw.uniform(0, 1, (3, 6, 96, 96)).astype(np.float32)
    with torch.inference_mode():
        exact = network(torch.from_numpy(windows[:, None]), torch.from_numpy(faces)).numpy()
    for top in (0, 36, 50):
        painter = MouthPainter(None, precision="f32", network=network, top=top)
        for shown in (faces, faces[:1]):
            drawn = painter.paint(windows, shown)
            assert (drawn[:, :, :top] == shown[:, 3:, :top]).all()
            rows = 3 if len(shown) == 3 else 1
            assert np.abs(drawn - exact)[:rows, :, top:].max() < 1e-4


def test_a_damaged_cache_is_made_anew(
    checkpoint: Path, cache: Path, conversions: list[Path]
) -> None:
    (kept,) = cache.glob("*-decode-0")
    whole = (kept / "model.bin").stat().st_size
    # The saved model is mapped from the file, so the damage is done to another one in its place.
    (kept / "model.bin").unlink()
    (kept / "model.bin").write_bytes(b"cut short")
    assert MouthPainter(checkpoint)._model("decode") is not None
    assert len(conversions) == 1
    assert (kept / "model.bin").stat().st_size == whole > 50_000_000


def test_a_cache_that_cannot_be_written_stops_nothing(
    checkpoint: Path, conversions: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SILVERLINE_CACHE", str(tmp_path / "file"))
    assert MouthPainter(checkpoint)._model("decode") is not None
    assert len(conversions) == 1
