"""Personal numbers and addresses are masked before anything is stored, logged or answered.

`ko-pii` finds what is written as it should be; two patterns of our own find what people say:
numbers without their dashes and digits spelled out as syllables.
"""

from __future__ import annotations

import re
from collections.abc import Collection

NAMES = {
    "RRN": "주민등록번호",
    "FRN": "외국인등록번호",
    "CARD": "카드번호",
    "ACCOUNT": "계좌번호",
    "ADDRESS": "주소",
    "PHONE": "전화번호",
    "EMAIL": "이메일",
    "PASSPORT": "여권번호",
    "DRIVER_LICENSE": "면허번호",
}
PUBLIC_LINE = re.compile(r"1[568]\d\d[- ]?\d{4}|080-?\d{3,4}-?\d{4}|0\d{1,2}-?1\d{2}")
"""Numbers such as 1577-1389 belong to offices, not to persons."""

LOOSE = (
    (re.compile(r"(?<!\d)\d{6}[\s.·-]{0,3}[1-8](?:[\s.·-]?\d){6}(?!\d)"), "주민등록번호"),
    (re.compile(r"(?<!\d)\d{4}(?:[\s.·-]{1,2}\d{4}){3}(?!\d)"), "카드번호"),
    (re.compile(r"(?<!\d)01[016789][\s.·-]*\d{3,4}[\s.·-]*\d{4}(?!\d)"), "전화번호"),
    (re.compile(r"(?<![\d-])\d{2,6}-\d{2,6}-\d{5,7}(?:-\d{1,3})?(?![\d-])"), "계좌번호"),
    (re.compile(r"(?<![\d-])\d{9,}(?![\d-])"), "번호"),
)
_DIGIT = r"(?:[영공일삼사오육륙칠팔구]|이(?!에요|예요|고|거든|라|야|요|구요))"
SPELLED = re.compile(rf"{_DIGIT}(?:(?:[\s,.-]|다시|에)*{_DIGIT}){{8,}}")
"""Nine digits or more, spoken one by one; the 이 of 이에요 is no digit."""


def mask(text: str, keep: Collection[str] = ()) -> str:
    """Return `text` with each personal number or address replaced by its name in brackets.

    Public lines (119, 129, 1577-1389, 02-120, …) and the numbers in `keep`, such as the articles'
    contacts, stay, since answers depend on them.
    """
    masked = SPELLED.sub(_spelled, text)
    for pattern, name in LOOSE:
        masked = pattern.sub(f"[{name}]", masked)
    return _detected(masked, keep)


def _spelled(found: re.Match[str]) -> str:
    """Name a spelled-out number by its count of digits: 13 resident, 16 card, else phone."""
    digits = len(re.findall("[영공일이삼사오육륙칠팔구]", found.group()))
    name = {13: "주민등록번호", 16: "카드번호", 10: "전화번호", 11: "전화번호"}.get(digits, "번호")
    return f"[{name}]"


def _detected(text: str, keep: Collection[str]) -> str:
    from ko_pii import detect_all

    for found in sorted(detect_all(text), key=lambda item: -item.start):
        name = NAMES.get(found.label)
        piece = text[found.start : found.end]
        if name and piece not in keep and not _is_public(found.label, piece):
            text = f"{text[: found.start]}[{name}]{text[found.end :]}"
    return text


def _is_public(label: str, piece: str) -> bool:
    """A city or district alone says where to ask, not where someone lives."""
    if label == "ADDRESS":
        return not any(sign.isdigit() for sign in piece)
    return label == "PHONE" and PUBLIC_LINE.fullmatch(piece) is not None
