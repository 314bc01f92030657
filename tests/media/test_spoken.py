from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from media.speak.spoken import readings, spoken
from media.speak.spoken.clean import clean
from media.speak.spoken.numbers import decimal, digits, native, sino

TABLE = Path(__file__).with_name("tables") / "spoken.tsv"
ONLY_SPOKEN = re.compile(r"[가-힣 .,?!]*")


def cases() -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
    return [(row[1], row[2] if len(row) > 2 else "") for row in rows]


def test_the_table_is_large_and_has_no_case_twice() -> None:
    written = [case[0] for case in cases()]
    assert len(written) >= 400
    assert len(set(written)) == len(written)


def test_every_case_of_the_table_is_read_right() -> None:
    wrong = [(text, want, spoken(text)) for text, want in cases() if spoken(text) != want]
    right = len(cases()) - len(wrong)
    assert not wrong, f"{right} of {len(cases())} right; wrong: {wrong}"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "영"),
        (10_000, "만"),
        (21_000, "이만 천"),
        (100_010_000, "일억 일만"),
        (10**12, "일조"),
        (10**16 + 1, "일경 일"),
    ],
)
def test_sino_numbers(number: int, words: str) -> None:
    assert sino(number) == words


def test_native_numbers_before_and_without_a_noun() -> None:
    assert [native(n) for n in (1, 4, 20, 21, 33, 99)] == [
        "한",
        "네",
        "스무",
        "스물한",
        "서른세",
        "아흔아홉",
    ]
    assert [native(n, counting=False) for n in (1, 20, 33)] == ["하나", "스물", "서른셋"]


def test_digits_and_decimals() -> None:
    assert digits("010-12") == "공일공일이"
    assert digits("10", zero="영") == "일영"
    assert decimal("1,234.50") == "천이백삼십사점오영"


def test_own_words_win_over_every_rule() -> None:
    extra = {"BIS": "버스 도착 안내", "129": "희망의 전화", "복지로": "복지 누리집"}
    text = "BIS는 129, 복지로에서"
    assert spoken(text, extra) == "버스 도착 안내는 희망의 전화, 복지 누리집에서"


def test_readings_cover_the_text_without_gaps() -> None:
    text = clean("2026년 3월 2일(월) 오전 10시, 02-123-4567 KTX 3~5명 ㎡ 😀")
    found = readings(text)
    assert found[0].start == 0
    assert found[-1].end == len(text)
    assert all(one.end == two.start for one, two in zip(found, found[1:], strict=False))
    assert [text[one.start : one.end] for one in found if one.grouped] == ["02-123-4567"]


PIECES = (
    *"가나다힣ㄱㅏㅋ0123456789abcXYZ .,?!~-–:;/()[]{}<>%&+*#@=→※○●①⑳·…\n\t\r\x00\x1b\u200b\u202e",
    "원", "명", "월", "일", "시", "번", "제", "조", "만", "억", "은(는)", "(으)로",
    "02-", "2026.", "老人", "龍鬱", "7" * 30, "1.1.1", "3-4", "9~8", "D-999",
    "㎡", "℃", "½", "😀", "👨‍👩‍👧", "あ", "漢",
    "ᄒᆞᆫ", "각", "１２", "Ａ", "é", "ß", "٣", "²", "③", "http://a.kr",
)  # fmt: skip


def test_whatever_is_written_only_words_and_stops_are_spoken() -> None:
    chance = random.Random(3)
    for _ in range(3000):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 24)))
        said = spoken(text)
        assert ONLY_SPOKEN.fullmatch(said), (text, said)
        assert "  " not in said and said == said.strip()


def test_a_spoken_text_is_spoken_as_it_is() -> None:
    for _, said in cases():
        assert spoken(said) == said


def test_decomposed_and_wide_letters_are_read_like_others() -> None:
    assert spoken("각각 ３명") == "각각 세 명"
