from __future__ import annotations

import re

import pytest

from media.errors import MediaError
from media.speak.frontend import MAX_CHARACTERS, sentences, units
from media.speak.phrasing import MAX_SYLLABLES, phrase_breaks

HANGUL = re.compile(r"[가-힣]+")


def test_a_sentence_becomes_units() -> None:
    found = units("기초연금은 65세부터 받아요.")
    assert [unit.spoken for unit in found] == ["기초연금은", "육십오", "세부터", "받아요"]
    assert [unit.sounds for unit in found] == ["기초연그믄", "육씨보", "세부터", "바다요"]
    assert [unit.written for unit in found] == ["기초연금은", "65세부터", "65세부터", "받아요."]
    assert found[-1].break_after == "sentence"
    assert not any(unit.question for unit in found)


def test_a_question_is_marked_in_all_its_units_and_only_there() -> None:
    found = units("어디로 가나요? 주민센터예요.")
    assert [unit.question for unit in found] == [True, True, False]


def test_a_comma_ends_a_clause() -> None:
    assert [unit.break_after for unit in units("네, 맞아요.")] == ["clause", "sentence"]


def test_the_groups_of_a_phone_number_are_phrases_of_their_own() -> None:
    found = units("02-123-4567로 전화하세요.")
    assert [unit.spoken for unit in found] == ["공이", "일이삼", "사오육칠로", "전화하세요"]
    assert [unit.break_after for unit in found[:3]] == ["phrase", "phrase", "none"]
    assert {unit.written for unit in found[:3]} == {"02-123-4567로"}


def test_a_dialled_number_is_not_parted_from_its_counter() -> None:
    found = units("국번 없이 1355번으로 전화하세요.")
    assert [unit.break_after for unit in found if unit.written == "1355번으로"] == ["none", "none"]


def test_a_bracket_and_an_address_are_said_as_phrases() -> None:
    found = units("복지로(www.bokjiro.go.kr)에서")
    assert [unit.spoken for unit in found] == ["복지로", "화면의", "주소에서"]
    assert found[0].break_after == "clause"


def test_sentences_end_at_marks_and_lines_but_not_inside_dates_and_numbers() -> None:
    text = "2026. 11. 23. 까지예요. 1. 신분증\n2. 통장 정말요?! 네…  02-120."
    assert sentences(text) == [
        "2026. 11. 23. 까지예요.",
        "1. 신분증",
        "2. 통장 정말요?!",
        "네…",
        "02-120.",
    ]


LONG = (
    "국민연금공단 지사나 가까운 읍면동 주민센터를 방문하시거나 복지로 누리집에서 "
    "신청하실 수 있는데 몸이 불편하신 어르신께서는 찾아뵙는 서비스를 미리 요청하시면 "
    "담당 직원이 댁으로 찾아가서 도와드립니다."
)


def test_no_phrase_of_a_long_sentence_is_longer_than_a_breath() -> None:
    length = 0
    for unit in units(LONG):
        length += len(unit.spoken)
        assert length <= MAX_SYLLABLES
        length = 0 if unit.break_after != "none" else length


def test_phrases_do_not_part_what_belongs_together() -> None:
    words = [(unit.spoken, unit.break_after) for unit in units(LONG)]
    assert ("방문하시거나", "phrase") in words
    assert dict(words)["신청하실"] == "none"
    assert dict(words)["수"] == "none"


def test_a_short_sentence_is_one_phrase() -> None:
    assert phrase_breaks(["네", "알겠습니다"], [False, True]) == set()


def test_own_words_are_said_and_sounded() -> None:
    found = units("BIS 효과", {"BIS": "버스 안내", "효과": "효꽈"})
    assert [(unit.spoken, unit.sounds) for unit in found] == [
        ("버스", "버스"),
        ("안내", "안내"),
        ("효과", "효꽈"),
    ]
    with pytest.raises(MediaError) as caught:
        units("BIS", {"BIS": "bus"})
    assert caught.value.code == "bad_lexicon"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("가" * (MAX_CHARACTERS + 1), "too_long"),
        ("😀😀", "unreadable"),
        ("ㅋㅋㅋ ^^", "unreadable"),
        ("\x00\x1b\u200b", "unreadable"),
        ("龘", "unreadable"),
        ("あいう", "unreadable"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(text: str, code: str) -> None:
    with pytest.raises(MediaError) as caught:
        units(text)
    assert caught.value.code == code
    assert caught.value.cause
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        ("기초연금은 만 65세 이상 어르신께 드려요. " * 200)[:MAX_CHARACTERS],
        "가" * MAX_CHARACTERS,
        "1" * MAX_CHARACTERS,
        "A" * MAX_CHARACTERS,
        "(" * 2000 + "네" + ")" * 2000,
        '안녕😀하세요\x00 老人 Hello ㅋㅋ １２３ あ ~!@#$%^&*()_+{}|:"<>?',
    ],
)
def test_hard_input_up_to_the_limit_is_read(text: str) -> None:
    for unit in units(text):
        assert HANGUL.fullmatch(unit.spoken)
        assert HANGUL.fullmatch(unit.sounds)
        assert len(unit.spoken) <= 16
