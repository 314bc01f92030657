"""Which words count, and with which numbers: 세 명, 삼 층."""

from __future__ import annotations

from functools import lru_cache

from media.speak.spoken.words import words

_PARTICLES = "이가은는을를의에로도만씩부까당째간쯤과와나며인임입예"


@lru_cache(maxsize=1)
def _counters() -> frozenset[str]:
    return words().sino | frozenset(words().native_limits)


def is_counter(word: str) -> bool:
    """Whether `word` counts or measures: 개, 층, 등급, 킬로그램."""
    return word in _counters()


def counter(text: str) -> str:
    """Return the counter that `text` begins with, the longest that fits; "" if none.

    After a space only a whole word counts: 3 명이, but not 3 명령.
    """
    apart = text.startswith(" ")
    rest = text[1:] if apart else text
    for length in range(min(6, len(rest)), 0, -1):
        word, after = rest[:length], rest[length : length + 1]
        if word not in _counters() or (word == "부" and after == "터"):
            continue
        if not apart or not "가" <= after <= "힣" or after in _PARTICLES:
            return word
    return ""


def native_limit(word: str) -> int:
    """Return the largest number that is native before this counter; 0 for Sino-Korean ones."""
    return words().native_limits.get(word, 0)
