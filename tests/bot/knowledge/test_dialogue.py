"""Dialogue acts, by voice and by key."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bot.knowledge.answer import Answerer
from bot.knowledge.dialogue import CHOICES, KEYS, WORDS, Act, act_of, by_key
from bot.knowledge.types import Context, Outcome

SETS = Path(__file__).parents[2] / "knowledge_sets"


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("다시 말해 주세요", Act.REPEAT), ("천천히 말해 줘요", Act.SLOWER),
        ("더 크게 말해 주세요", Act.LOUDER), ("쉽게 설명해 주세요", Act.SIMPLER),
        ("문자로 보내 주세요", Act.BY_TEXT), ("처음부터 다시 할게요", Act.START_OVER),
        ("상담원 연결해 주세요", Act.HUMAN), ("안녕히 계세요", Act.GOODBYE),
        ("안녕하세요", Act.GREETING), ("고맙습니다", Act.THANKS), ("하나요", Act.ONE),
        ("두 번째요", Act.TWO), ("네 맞아요", Act.YES), ("아니요", Act.NO),
    ],
)  # fmt: skip
def test_act(text: str, act: Act) -> None:
    assert act_of(text) is act


@pytest.mark.parametrize(
    "text", ["천천히 걷기 운동 교실이 있나요", "", "문자 사기를 당하면 어디로 전화해요"]
)
def test_question_is_no_act(text: str) -> None:
    assert act_of(text) is None


def test_keys() -> None:
    assert by_key("1") is Act.REPEAT and by_key("1", choosing=True) is Act.ONE
    assert by_key("2") is Act.SLOWER and by_key("2", choosing=True) is Act.TWO
    assert by_key("0") is by_key("0", choosing=True) is Act.HUMAN
    assert by_key("9") is Act.BY_TEXT
    assert by_key("5") is None


def test_what_a_key_says_is_its_act() -> None:
    assert {act: act_of(words) for act, words in WORDS.items()} == {act: act for act in WORDS}
    assert {*KEYS.values(), *CHOICES.values()} == set(WORDS)


def test_held_out_acts(answerer: Answerer) -> None:
    with (SETS / "dialogue_acts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[1::2]
    right = [answerer.answer(row["question"]).act == row["act"] for row in rows]
    assert sum(right) / len(right) >= 0.8


def test_acts_speak_about_the_last_article(answerer: Answerer) -> None:
    context = Context(article_ids=("basic-pension",), last_answer="기초연금 이야기예요.")
    again = answerer.answer("다시 말해 주세요", context)
    assert (again.text, again.act) == ("기초연금 이야기예요.", "repeat")
    simpler = answerer.answer("쉽게 말해 주세요", context)
    assert simpler.article is not None
    assert len(simpler.text) < len(answerer.answer("기초연금 얼마예요?").text)
    assert "글자로" in answerer.answer("문자로 보내 주세요", context).text
    human = answerer.answer("상담원 바꿔 주세요", context)
    assert (human.outcome, human.contact_number) == (Outcome.HANDED_OVER, "1355")
    assert answerer.answer("사람 바꿔 주세요").contact_number == "110"
    assert answerer.answer("안녕히 계세요", context).end


def test_without_a_last_answer(answerer: Answerer) -> None:
    assert answerer.answer("다시 말해 주세요").outcome is Outcome.CLARIFIED
    only_text = Context(last_answer="네.")
    assert answerer.answer("다시 말해 주세요", only_text).text == "네."


def test_choices_are_taken_by_number(answerer: Answerer) -> None:
    context = Context(choices=("energy-voucher", "resident-copy"))
    two = answerer.answer("둘이요", context)
    assert two.article is not None and two.article.id == "resident-copy"
    yes = answerer.answer("네", context)
    assert yes.article is not None and yes.article.id == "energy-voucher"
    assert answerer.answer("아니요", context).outcome is Outcome.CLARIFIED
