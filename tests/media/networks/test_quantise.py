"""Wav2Lip in int8: what it draws with trained weights, against float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="Wav2Lip needs torch; `make test` installs it")

from media.face.wav2lip import SHOWN, WINDOWS
from media.networks import runtime
from media.networks.quantise import can_quantise
from media.networks.runtime import MouthPainter
from media.types import FloatArray

TRAINED = Path(__file__).parents[1] / "weights" / "wav2lip_grid.safetensors"


@pytest.fixture(scope="module")
def windows() -> FloatArray:
    with np.load(WINDOWS) as table:
        return table["windows"].astype(np.float32)


def face(seed: int) -> FloatArray:
    """Return (1, 6, 96, 96): a smooth picture with its lower half blanked, and the whole."""
    coarse = np.random.default_rng(seed).uniform(0.2, 0.8, (1, 3, 6, 6))
    whole = np.kron(coarse, np.ones((16, 16))).astype(np.float32)
    masked = whole.copy()
    masked[:, :, 48:] = 0
    return np.concatenate([masked, whole], axis=1)


@pytest.mark.skipif(not can_quantise(), reason="this CPU does not add int8 products")
def test_it_draws_what_float32_draws(
    windows: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILVERLINE_CACHE", str(tmp_path))
    shown = face(1)
    eight = MouthPainter(
        TRAINED, precision="int8", top=SHOWN, examples=lambda: (windows[::2], shown)
    )
    exact = MouthPainter(TRAINED, precision="f32", top=SHOWN).paint(windows[1::2], shown)
    drawn = eight.paint(windows[1::2], shown)
    apart = np.abs(drawn - exact)
    assert np.linalg.norm(apart) <= 1e-2 * np.linalg.norm(exact)
    assert np.quantile(apart, 0.99) <= 1e-2
    assert apart.max() > 0  # it is not float32 that drew
    # What was found for a face is kept, and taken from there.
    assert len(list((tmp_path / "wav2lip").glob("*-decode-*-int8-*"))) == 1
    monkeypatch.setattr(runtime, "quantised", None)
    again = MouthPainter(
        TRAINED, precision="int8", top=SHOWN, examples=lambda: (windows[::2], shown)
    )
    assert np.abs(again.paint(windows[1::2], shown) - drawn).max() < 1e-6


def test_a_cpu_without_int8_takes_another_way(
    windows: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILVERLINE_CACHE", str(tmp_path))
    monkeypatch.setattr(runtime, "can_quantise", lambda: False)
    monkeypatch.setattr(runtime, "quantised", None)
    painter = MouthPainter(TRAINED, precision="int8", examples=lambda: (windows, face(1)))
    assert painter.paint(windows[:1], face(2)).shape == (1, 3, 96, 96)
    assert not list((tmp_path / "wav2lip").glob("*int8*"))
