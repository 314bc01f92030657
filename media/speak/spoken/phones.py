"""Phone, registration and account numbers, read digit by digit in groups."""

from __future__ import annotations

import re
from re import Match

from media.speak.spoken.counters import counter
from media.speak.spoken.numbers import digits
from media.speak.spoken.reading import Rule, after, before
from media.speak.spoken.words import words

_END = r"(?![\d-]|[.,]\d)"


def _groups(match: Match[str], spoken: str) -> str:
    words_ = " ".join(digits(group) for group in re.findall(r"\d+", match[0]))
    return ("플러스 " if match[0].startswith("+") else "") + words_ + _space(match)


def _mobile(match: Match[str], spoken: str) -> str:
    return " ".join(digits(group) for group in match.groups()) + _space(match)


def _space(match: Match[str]) -> str:
    return " " if counter(after(match)) == "번" and not after(match).startswith(" ") else ""


def _short(match: Match[str], spoken: str) -> str | None:
    """A number of three or four digits that is dialled: 129, 1355."""
    number, ahead, behind = match[0], after(match), before(match).rstrip(" :(")
    known = number in words().short_phones
    called = behind.endswith(words().before_phones)
    alone = not ahead.strip(" .)!?") and (not behind or not behind[-1].isalnum())
    addressed = ahead.lstrip(" )").startswith(words().after_phones)
    if counter(ahead) not in ("", "번") or re.match(r"\s?[%℃:/~∼·]", ahead):
        return None
    if (known and (called or alone or addressed)) or (called and len(number) > 2):
        return digits(number) + _space(match)
    return None


def _postcode(match: Match[str], spoken: str) -> str | None:
    behind = before(match).rstrip(" :")
    return digits(match[0]) if behind.endswith(("우편번호", "(우)", "(우", "우)")) else None


PHONES = (
    Rule(re.compile(rf"\+\d{{1,3}}[- ]\d{{1,2}}[- ]\d{{3,4}}[- ]\d{{4}}{_END}"), _groups, True),
    Rule(re.compile(rf"\(0\d{{1,2}}\) ?\d{{3,4}}[- ]\d{{4}}{_END}"), _groups, True),
    Rule(re.compile(rf"0\d{{1,2}}[-). ] ?\d{{3,4}}[-. ]\d{{4}}{_END}"), _groups, True),
    Rule(re.compile(rf"(01\d)(\d{{3,4}})(\d{{4}}){_END}"), _mobile, True),
    Rule(re.compile(rf"(02|0[3-8]\d)(\d{{3,4}})(\d{{4}}){_END}"), _mobile, True),
    Rule(re.compile(rf"0\d{{1,2}}[-)] ?1\d{{2,3}}{_END}"), _groups, True),
    Rule(re.compile(rf"1[5-9]\d\d-\d{{4}}{_END}"), _groups, True),
    Rule(re.compile(rf"\d{{6}}-\d{{7}}{_END}"), _groups, True),
    Rule(re.compile(rf"\d{{3}}-\d{{2}}-\d{{5}}{_END}"), _groups, True),
    Rule(re.compile(rf"\d{{3,6}}(?:-\d{{2,8}}){{2,}}{_END}"), _groups, True),
    Rule(re.compile(r"(?<![\d.,-])1\d{2,3}(?![\d-]|[.,]\d|[A-Za-z])"), _short, True),
    Rule(re.compile(r"(?<!\d)\d{3,4}(?![\d-]|[.,]\d|[A-Za-z])"), _short, True),
    Rule(re.compile(r"(?<!\d)\d{5}(?!\d)"), _postcode, True),
)
