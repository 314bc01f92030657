"""Everyday and regional words put into the words of articles, for search only."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.knowledge.rules import table

_ENDINGS = tuple(
    (re.compile(said), meant) for said, meant in table("colloquial")["endings"].items()
)
_WORDS = tuple((re.compile(said), meant) for said, meant in table("colloquial")["words"].items())


@lru_cache(maxsize=1024)
def standard(question: str) -> str:
    """Return `question` with regional endings made standard and the articles' words added.

    A word is added behind, not put in its place: "폰요금" stays, and what articles call it follows.
    """
    plain = question
    for pattern, meant in _ENDINGS:
        plain = pattern.sub(meant, plain)
    added = [meant for pattern, meant in _WORDS if pattern.search(plain) and meant not in plain]
    return f"{plain} ({', '.join(added)})" if added else plain
