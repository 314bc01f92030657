"""Numbers as words: Sino-Korean, native Korean and digit by digit."""

from __future__ import annotations

_DIGITS = "영일이삼사오육칠팔구"
_SMALL = ("", "십", "백", "천")
_LARGE = ("", "만", "억", "조", "경")
_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_BEFORE_NOUN = {"하나": "한", "둘": "두", "셋": "세", "넷": "네", "스물": "스무"}

_SINO_DIGITS = 4 * len(_LARGE)
NATIVE_LIMIT = 100
"""Native numbers are used below this."""


def sino(number: int) -> str:
    """Return `number` (0 ≤ number < 10²⁰) in Sino-Korean: 334810 → 삼십삼만 사천팔백십."""
    if number == 0:
        return "영"
    groups: list[str] = []
    power = 0
    while number:
        number, group = divmod(number, 10_000)
        if group:
            # 만 alone stands without 일; 억 and above keep it.
            words = "" if group == 1 and power == 1 and not number else _under_ten_thousand(group)
            groups.insert(0, words + _LARGE[power])
        power += 1
    return " ".join(groups)


def _under_ten_thousand(number: int) -> str:
    words = ""
    for power in (3, 2, 1, 0):
        digit = number // 10**power % 10
        if digit:
            words += ("" if digit == 1 and power else _DIGITS[digit]) + _SMALL[power]
    return words


def native(number: int, *, counting: bool = True) -> str:
    """Return `number` (1–99) in native words, in the form before a counter if `counting`.

    21 → 스물한 (개), or 스물하나 by itself.
    """
    tens, ones = divmod(number, 10)
    last = _ONES[ones] or _TENS[tens]
    first = _TENS[tens] if ones else ""
    return first + (_BEFORE_NOUN.get(last, last) if counting else last)


def digits(text: str, zero: str = "공") -> str:
    """Return every digit of `text` by its name and nothing else: 129 → 일이구."""
    names = zero + _DIGITS[1:]
    return "".join(names[int(char)] for char in text if char.isdecimal())


def cardinal(text: str) -> str:
    """Return a whole number given as digits; one too large for words digit by digit."""
    text = text.lstrip("0") or "0"
    return sino(int(text)) if len(text) <= _SINO_DIGITS else digits(text, "영")


def decimal(text: str) -> str:
    """Return a number written with digits, thousands commas and perhaps a decimal point."""
    whole, _, part = text.replace(",", "").partition(".")
    words = cardinal(whole)
    return f"{words}점{digits(part, '영')}" if part else words
