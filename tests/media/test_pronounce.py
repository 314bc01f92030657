from __future__ import annotations

import random
from pathlib import Path

import pytest

from media.speak import hangul
from media.speak.pronounce import pronounce

TABLE = Path(__file__).with_name("tables") / "pronunciation.tsv"
SOUNDED_CODAS = ("", *"ㄱㄴㄷㄹㅁㅂㅇ")


def cases() -> list[tuple[str, str, str, str]]:
    """(group, written, sounds, context) of every row."""
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
    return [(row[0], row[1], row[2], row[3] if len(row) > 3 else "") for row in rows]


def sounded(group: str, written: str, context: str) -> str:
    if context:
        return pronounce(context).split()[context.split().index(written)]
    return pronounce(written, link=group == "link")


def wrong(chosen: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str]]:
    results = [(w, want, sounded(g, w, context)) for g, w, want, context in chosen]
    return [result for result in results if result[1] != result[2]]


def test_at_least_98_of_100_cases_outside_the_lexicon_are_right() -> None:
    ruled = [case for case in cases() if case[0] != "lexicon"]
    assert len(ruled) >= 400
    faults = wrong(ruled)
    share = 1 - len(faults) / len(ruled)
    assert share >= 0.98, f"{share:.4f} of {len(ruled)} right; wrong: {faults}"


def test_every_exception_of_the_lexicon_is_right() -> None:
    assert not wrong([case for case in cases() if case[0] == "lexicon"])


def test_the_table_has_no_case_twice() -> None:
    keys = [(case[1], case[3]) for case in cases()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("text", "apart", "linked"),
    [
        ("옷 한 벌", "옫 한 벌", "오 탄 벌"),
        ("밥 먹고", "밥 먹꼬", "밤 먹꼬"),
        ("옷, 한 벌", "옫, 한 벌", "옫, 한 벌"),
    ],
)
def test_words_are_linked_on_request(text: str, apart: str, linked: str) -> None:
    assert pronounce(text) == apart
    assert pronounce(text, link=True) == linked


def test_own_exceptions_win_and_unfit_ones_are_ignored() -> None:
    assert pronounce("효과가 있어요") == "효과가 이써요"
    assert pronounce("효과가 있어요", extra={"효과": "효꽈"}) == "효꽈가 이써요"
    assert pronounce("효과", extra={"효과": "효꽈아"}) == "효과"


def test_marks_and_spaces_stay_where_they_are() -> None:
    assert pronounce("  네, 좋아요!  ") == "  네, 조아요!  "
    assert pronounce("") == ""
    assert pronounce("...") == "..."


def test_any_syllables_at_all_give_sounds_of_speech() -> None:
    chance = random.Random(5)
    for _ in range(400):
        text = "".join(
            " " if chance.random() < 0.2 else chr(chance.randint(0xAC00, 0xD7A3))
            for _ in range(chance.randint(1, 20))
        )
        for char in pronounce(text, link=chance.random() < 0.5):
            assert hangul.coda(char) in SOUNDED_CODAS, (text, char)
