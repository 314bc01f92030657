"""A stretch of written text and the words it is read as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from re import Match, Pattern


@dataclass(frozen=True, slots=True)
class Reading:
    """`text[start:end]` is read as `words` (Hangul, spaces and . , ? ! only).

    `grouped` marks digits that are read one by one in groups, with a short break between them.
    """

    start: int
    end: int
    words: str
    grouped: bool = False


Read = Callable[[Match[str], str], str | None]
"""(match, syllable that was spoken last) → its words, or None where the rule does not apply."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `pattern` matches and `read` does not decline with None, its words are read."""

    pattern: Pattern[str]
    read: Read
    grouped: bool = False


def before(match: Match[str], length: int = 12) -> str:
    """Return the text before the match, at most `length` characters."""
    return match.string[max(0, match.start() - length) : match.start()]


def after(match: Match[str], length: int = 16) -> str:
    """Return the text after the match, at most `length` characters."""
    return match.string[match.end() : match.end() + length]


def fixed(words: str) -> Read:
    """Return a reader that always says `words`."""
    return lambda match, spoken: words
