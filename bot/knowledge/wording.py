"""How an answer sounds: plain sentences of at most 40 syllables, and three lines for the screen."""

from __future__ import annotations

import re

from bot.knowledge.types import Article

MAX_SYLLABLES = 40
MAX_LINE = 28
"""Letters of one line on the watch page at its large type."""

_END = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE = re.compile(r"(?<=,)\s+|(?<=고)\s|(?<=며)\s|(?<=서)\s|(?<=면)\s|(?<=데)\s")
_DIGITS = re.compile(r"\D")


def sentences(text: str) -> list[str]:
    """Split `text` at the ends of its sentences; a decimal point or a date's dot is no end."""
    return [part.strip() for part in _END.split(text.strip()) if part.strip()]


def syllables(text: str) -> int:
    """Return how many Hangul syllables and other spoken signs (digits, letters) `text` has."""
    return sum(character.isalnum() for character in text)


def spoken(article: Article) -> str:
    """Return what is said: the answer, the next step, and the number where neither names it."""
    parts = [article.answer, article.next_step]
    said = _DIGITS.sub("", " ".join(parts))
    if article.contact_number and _DIGITS.sub("", article.contact_number) not in said:
        parts.append(contact_sentence(article))
    return " ".join(part for part in parts if part)


def contact_sentence(article: Article) -> str:
    """Return the sentence that names whom to call, or an empty text without a number."""
    if not article.contact_number:
        return ""
    name = f"{article.contact_name} " if article.contact_name else ""
    return f"자세한 것은 {name}{article.contact_number}번으로 물어보세요."


def screen_lines(article: Article) -> tuple[str, ...]:
    """Return three short lines: the heart of the answer, what to do, whom to call."""
    call = f"☎ {article.contact_number} {article.contact_name}".strip()
    first = (sentences(article.answer) or [article.title])[0]
    step = (sentences(article.next_step) or [""])[0]
    lines = (first, step, call if article.contact_number else "")
    return tuple(shorten(line) for line in lines if line)


def shorten(text: str, limit: int = 2 * MAX_LINE) -> str:
    """Cut `text` to `limit` letters at a word's end, marked with an ellipsis where it was cut."""
    if len(text) <= limit:
        return text
    kept = text[:limit].rsplit(" ", 1)[0].rstrip(" ,·")
    return f"{kept}…"


def simpler(article: Article) -> str:
    """Return the article in as few words as it can be said: first sentence and the number."""
    first = sentences(article.answer)[:1]
    return " ".join([*first, contact_sentence(article)]).strip()
