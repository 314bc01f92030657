"""How well a transcript agrees with what was said: character errors, and keywords found."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NATIVE = {
    "한": 1,
    "두": 2,
    "세": 3,
    "네": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
    "아홉": 9,
    "열": 10,
}
_COUNTERS = "명|개|분|살|시|번|장|대|곳|가지|달|잔|병|마리|군데|사람"
_COUNTED = re.compile(rf"({'|'.join(_NATIVE)})\s*(?={_COUNTERS})")
_GAP = 2
"""Syllables that may stand between the words of a keyword: "몇 시" … "쯤" … "수령"."""


def plain(text: str) -> str:
    """Return `text` without spaces and marks, and counted numbers as digits ("네 명" → "4명")."""
    digits = _COUNTED.sub(lambda found: str(_NATIVE[found[1]]), text)
    return re.sub(r"[^\w]|_", "", digits).lower()


def character_error_rate(reference: str, heard: str) -> float:
    """Return the edits that turn `heard` into `reference`, a share of the reference's length.

    Spaces and marks do not count: Korean is written with either spacing.
    """
    wanted, given = plain(reference), plain(heard)
    if not wanted:
        return float(bool(given))
    row = list(range(len(given) + 1))
    for i, char in enumerate(wanted, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(given, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (char != other))
    return row[-1] / len(wanted)


def keywords_found(keywords: Sequence[str], heard: str) -> list[str]:
    """Return those of `keywords` that are in `heard`.

    Spacing and the way a number is written do not matter; the words of a keyword must follow each
    other, at most two syllables apart.
    """
    text = plain(heard)
    return [keyword for keyword in keywords if _pattern(keyword).search(text)]


def _pattern(keyword: str) -> re.Pattern[str]:
    counted = _COUNTED.sub(lambda found: str(_NATIVE[found[1]]), keyword)
    parts = [re.escape(plain(word)) for word in counted.split()]
    return re.compile(rf".{{0,{_GAP}}}".join(parts))
