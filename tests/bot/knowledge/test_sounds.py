"""Words written as they sound are found again by sound; words that are none of ours stay."""

from __future__ import annotations

import pytest

from bot.knowledge.sounds import Sounds, spoken

NOUNS = ("치매", "등본", "기초연금", "연금", "가족관계", "전기세", "케이패스", "보험", "독립유공자")


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    """A few nouns of articles."""
    known = {"주민", "등록", "기초", "증명서", "검사"}
    return Sounds(NOUNS, lambda word: word in known)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("치매", "침에"), ("독립", "동닙"), ("같이", "가치"), ("좋다", "조타"), ("신라", "실라"),
        ("국물", "궁물"), ("입학", "이팍"), ("값이", "갑시"), ("앉아", "안자"),
        ("뭐예요", "뭐에요"),
    ],
)  # fmt: skip
def test_what_sounds_alike(one: str, other: str) -> None:
    assert spoken(one) == spoken(other)


@pytest.mark.parametrize(("one", "other"), [("보험", "모험"), ("연금", "현금"), ("산", "상")])
def test_what_does_not(one: str, other: str) -> None:
    assert spoken(one) != spoken(other)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("침에 검사는 어디서 해요", "치매 검사는 어디서 해요"),
        ("주민등록등보 떼 주세요", "주민등록등본 떼 주세요"),
        ("기초영금 얼마예요", "기초연금 얼마예요"),
        ("가족관개 증명서", "가족관계 증명서"),
        ("전깃세가 비싸요", "전기세가 비싸요"),
    ],
)
def test_repaired(sounds: Sounds, heard: str, meant: str) -> None:
    assert sounds.repaired(heard) == meant


@pytest.mark.parametrize(
    "question",
    [
        "", "침을 맞고 싶어요", "모험 이야기를 해 줘", "한자를 배우고 싶어요", "수수께끼 내 줘",
        "밥은 먹었어요", "hello 123",
    ],
)  # fmt: skip
def test_other_words_stay(sounds: Sounds, question: str) -> None:
    assert sounds.repaired(question) == question
