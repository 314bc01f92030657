"""The way of a question through safety, dialogue, retrieval and judgement."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.knowledge.answer import Answerer
from bot.knowledge.types import Context, Outcome


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("기초연금 나이가 어떻게 돼요?", "basic-pension"),
        ("치매 검사 받으려면 어디로 가야 해?", "dementia-center"),
        ("등본 떼려면 어데로 가야 됩니꺼", "resident-copy"),
    ],
)
def test_question_is_answered_from_its_article(
    answerer: Answerer, question: str, expected: str
) -> None:
    answer = answerer.answer(question)
    assert answer.outcome is Outcome.ANSWERED
    assert answer.article is not None
    assert answer.article.id == expected
    assert answer.contact_number
    assert 1 <= len(answer.lines) <= 3


def test_unknown_is_refused_with_a_human_number(answerer: Answerer) -> None:
    answer = answerer.answer("떡볶이 맛있게 만드는 법 알려줘")
    assert answer.outcome is Outcome.REFUSED
    assert "110" in answer.text
    assert answer.article is None


def test_emergency_is_first(answerer: Answerer) -> None:
    answer = answerer.answer("할머니가 쓰러졌어요", Context())
    assert answer.act == "emergency"
    assert answer.contact_number == "119"


def test_from_folder_keeps_vectors(tmp_path: Path) -> None:
    folder = Path(__file__).parent / "articles"
    found = Answerer.from_folder(folder, data_dir=tmp_path, human_name="콜센터", human_number="110")
    assert found.answer("에너지바우처 신청은 어디서 해요?").outcome is Outcome.ANSWERED
    assert (tmp_path / "knowledge" / "texts.db").exists()
