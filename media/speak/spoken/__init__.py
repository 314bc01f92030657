"""Written Korean to spoken words: digits, Latin letters and signs as a Korean says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from media.speak import hangul
from media.speak.spoken.calendar import CALENDAR
from media.speak.spoken.clean import clean
from media.speak.spoken.latin import LATIN
from media.speak.spoken.marks import marks
from media.speak.spoken.phones import PHONES
from media.speak.spoken.quantities import quantities
from media.speak.spoken.reading import Reading, Rule, fixed
from media.speak.spoken.words import longest_first

_KEPT = ".,?!"
# Hangul that no rule begins with: 제3조 and 은(는) are read by rules.
_PLAIN = re.compile(r"(?:(?!제\d)[가-힣](?!\())+")


def spoken(text: str, extra: Mapping[str, str] | None = None) -> str:
    """Return the words that `text` is read as: Hangul, spaces and . , ? ! only.

    `extra` maps written words to what is said for them, in Hangul; it wins over every rule.
    """
    said = "".join(reading.words for reading in readings(clean(text), extra))
    return tidy(said)


def tidy(said: str) -> str:
    """Return spoken words with single spaces and no mark that stands alone."""
    said = re.sub(r"\s+", " ", said)
    said = re.sub(r" (?=[.,?!])", "", said)
    said = re.sub(r"[.,]*([.?!]),*|,+", lambda match: match[1] or ",", said)
    said = re.sub(r"(?<=[.,?!])(?=[가-힣])", " ", said)
    return said.strip(" ,").lstrip(" .,?!")


def readings(text: str, extra: Mapping[str, str] | None = None) -> list[Reading]:
    """Return what is read of a `clean` text, in order and without gaps between the stretches."""
    rules = (*_extra_rules(extra), *_rules())
    found: list[Reading] = []
    position, last = 0, ""
    while position < len(text):
        reading = _at(text, position, rules, last)
        found.append(reading)
        position = reading.end
        last = next((char for char in reversed(reading.words) if hangul.is_syllable(char)), last)
    return found


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    return (*LATIN[:3], *CALENDAR, *PHONES, *LATIN[3:], *quantities(), *marks())


def _extra_rules(extra: Mapping[str, str] | None) -> tuple[Rule, ...]:
    said = {word: words for word, words in (extra or {}).items() if word}
    return tuple(
        Rule(re.compile(re.escape(word)), fixed(said[word])) for word in longest_first(said)
    )


def _at(text: str, position: int, rules: tuple[Rule, ...], last: str) -> Reading:
    plain = _PLAIN.match(text, position)
    if plain and len(rules) == len(_rules()):
        return Reading(position, plain.end(), plain[0])
    for rule in rules:
        match = rule.pattern.match(text, position)
        if match and match.end() > position:
            words = rule.read(match, last)
            if words is not None:
                return Reading(position, match.end(), words, rule.grouped)
    char = text[position]
    if hangul.is_syllable(char) or char in _KEPT:
        return Reading(position, position + 1, char)
    return Reading(position, position + 1, " " if char.isspace() else "")
