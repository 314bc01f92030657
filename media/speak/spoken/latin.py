"""Addresses of the web, Latin words, abbreviations and names with digits in them."""

from __future__ import annotations

import re
from functools import lru_cache
from re import Match

from media.speak.spoken.numbers import cardinal, digits
from media.speak.spoken.reading import Rule, before, fixed
from media.speak.spoken.words import longest_first, words

ADDRESS = "화면의 주소"
"""What a web or mail address is read as: nobody can follow one by ear."""

_HOST = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:kr|com|net|org|go|io|me|app|info|shop|site|page)"


@lru_cache(maxsize=1)
def _named() -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in longest_first(words().latin))
    return re.compile(rf"({names})(?![A-Za-z])", re.IGNORECASE)


def _word(match: Match[str], spoken: str) -> str:
    text, position = match.string, match.start()
    named = _named().match(text, position)
    if named and named.end() == match.end():
        return words().latin[named[0].lower()]
    return spell(match[0])


def spell(text: str) -> str:
    """Return the names of the Latin letters of `text`: KTX → 케이티엑스."""
    return "".join(words().letters.get(char.upper(), "") for char in text)


def _dictionary(match: Match[str], spoken: str) -> str | None:
    named = _named().match(match.string, match.start())
    return words().latin[named[0].lower()] if named and named.end() == match.end() else None


def _basement(match: Match[str], spoken: str) -> str | None:
    if before(match).rstrip().endswith("비타민"):
        return None
    return f"지하 {cardinal(match['floor'])} 층"


def _hyphen(match: Match[str], spoken: str) -> str:
    letters, number = match["letters"], match["number"]
    if letters == "D":
        return f"디 마이너스 {cardinal(number)}"
    return f"{spell(letters)} {digits(number, '영')}"


LATIN = (
    Rule(
        re.compile(r"(?:https?://|www\.)[A-Za-z0-9._~:/?#@!$&*+=%-]*[A-Za-z0-9/]"), fixed(ADDRESS)
    ),
    Rule(re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), fixed(ADDRESS)),
    Rule(
        re.compile(
            rf"(?<![A-Za-z0-9.]){_HOST}(?:\.[a-z]+)*(?:/[A-Za-z0-9._~/?=&%-]*)?(?![A-Za-z])"
        ),
        fixed(ADDRESS),
    ),
    Rule(re.compile(r"(?<![A-Za-z])B(?P<floor>\d)(?:층|F)?(?![A-Za-z0-9])"), _basement),
    Rule(re.compile(r"(?<![A-Za-z])[vV](?:er)?\.? ?(?=\d)"), fixed("버전 ")),
    Rule(re.compile(r"[0-9A-Za-z]+(?:[-&'’][0-9A-Za-z]+)*\.?(?![A-Za-z])"), _dictionary),
    Rule(re.compile(r"[0-9A-Za-z]+(?:[-&'’][0-9A-Za-z]+)*(?![A-Za-z])"), _dictionary),
    Rule(re.compile(r"(?<![A-Za-z])(?P<letters>[A-Z]+)-(?P<number>\d+)(?!\d)"), _hyphen),
    Rule(re.compile(r"[A-Za-z]+"), _word),
)
