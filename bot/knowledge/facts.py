"""The hard facts in a text: numbers, amounts and dates as values, and names as written.

A sentence that a language model worded is said only where all its facts are in the article.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.knowledge.morphemes import analyser, squeeze

_DIGIT = dict(zip("영공일이삼사오육륙칠팔구", (0, 0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9), strict=True))
_SMALL = {"십": 10, "백": 100, "천": 1000}
_LARGE = {"만": 10**4, "억": 10**8, "조": 10**12}
_NATIVE = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "넷": 4, "네": 4, "다섯": 5, "여섯": 6,
    "일곱": 7, "여덟": 8, "아홉": 9, "열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40,
    "쉰": 50, "예순": 60, "일흔": 70, "여든": 80, "아흔": 90,
}  # fmt: skip
_ARABIC = re.compile(r"\d[\d,]*(?:\.\d+)?(?:\s*[십백천만억조](?:\s*\d[\d,]*)?)*")
_UNIT = (
    r"(?=\s*(?:원|퍼센트|프로|세|년|월|일|개월|명|번|시|분|주|배|회|급|층|평|미터|킬로"
    r"|등급|도|살|점|건|가지|종))"
)
_SINO = re.compile(
    r"[일이삼사오육륙칠팔구십백천만억조](?:\s?[일이삼사오육륙칠팔구십백천만억조영공])*" + _UNIT
)
_TENS = "열|스물|스무|서른|마흔|쉰|예순|일흔|여든|아흔"
_ONES = "하나|한|둘|두|셋|세|넷|네|다섯|여섯|일곱|여덟|아홉"
_COUNTED = re.compile(
    rf"(?:(?P<tens>{_TENS})\s?(?P<ones>{_ONES})?|(?P<one>{_ONES}))"
    r"(?=\s?(?:살|분|명|번|가지|달|시간|시(?!청|군)|개|곳|장|해|주(?!민)|배|차례))"
)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9.@/:_-]+")
_BODY = re.compile(
    r"[가-힣A-Za-z0-9]{2,}(?:공단|센터|재단|공사|은행|병원|복지관|구청|시청|군청|도청|보건소|지원단|위원회|협회|상담소|진흥원|복지부)"
)
_NAME_TAGS = frozenset({"NNP"})


def values(text: str) -> set[float]:
    """Return every number in `text`, in digits or in words, as a value: "34만 9700원" is 349700."""
    found: set[float] = set()
    rest = text
    for match in _ARABIC.finditer(text):
        found |= _arabic(match.group())
    rest = _ARABIC.sub(" ", rest)
    for match in _SINO.finditer(rest):
        found.add(float(_sino(match.group())))
    for match in _COUNTED.finditer(rest):
        tens = _NATIVE.get(match["tens"] or "", 0)
        ones = _NATIVE.get(match["ones"] or match["one"] or "", 0)
        found.add(float(tens + ones))
    return found


def _arabic(text: str) -> set[float]:
    parts = re.findall(r"\d[\d,]*(?:\.\d+)?|[십백천만억조]", text)
    if not any(part in _SMALL or part in _LARGE for part in parts):
        return {float(parts[0].replace(",", ""))}
    total = section = 0.0
    for part in parts:
        if part in _LARGE:
            total += (section or 1) * _LARGE[part]
            section = 0.0
        elif part in _SMALL:
            section = (section or 1) * _SMALL[part]
        else:
            section += float(part.replace(",", ""))
    return {total + section}


def _sino(text: str) -> int:
    total = section = digit = 0
    for character in text.replace(" ", ""):
        if character in _DIGIT:
            digit = digit * 10 + _DIGIT[character]
        elif character in _SMALL:
            section += (digit or 1) * _SMALL[character]
            digit = 0
        else:
            total += (section + digit or 1) * _LARGE[character]
            section = digit = 0
    return total + section + digit


def names(text: str) -> set[str]:
    """Return proper nouns, organisations and Latin words in `text`, without spaces."""
    found = {token.form for token in analyser().tokenize(text) if token.tag in _NAME_TAGS}
    found |= set(_LATIN.findall(text)) | set(_BODY.findall(text))
    return {squeeze(name) for name in found if len(squeeze(name)) > 1}


def invented(text: str, sources: Iterable[str]) -> list[str]:
    """Return the numbers and names in `text` that no source holds; empty where all are there."""
    given = "\n".join(sources)
    known = values(given)
    plain = squeeze(given)
    strange = [f"{value:g}" for value in sorted(values(text) - known)]
    return strange + sorted(name for name in names(text) if name not in plain)
