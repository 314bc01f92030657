"""Written text to units: each spoken word with its sounds and the break after it."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from media.errors import MediaError
from media.speak import hangul, lexicon
from media.speak.phrasing import line, phrase_breaks
from media.speak.pronounce import pronounce
from media.speak.spoken import readings
from media.speak.spoken.clean import clean

MAX_CHARACTERS = 5_000
LONGEST = 2000
"""Characters of a text that is spoken at once, at most: about eight minutes of speech."""
"""Longer texts are refused."""
_MAX_WORD = 16
"""A longer word (no language has one) is taken in pieces of this many syllables."""

Break = Literal["none", "phrase", "clause", "sentence"]

_END = re.compile(
    r"(?:(?<=[?!…。])|(?<=[^\d\W]\.)|(?<=[)\]\"'”’%℃]\.)|(?<=\.\.))[\"'”’)\]]*\s+|\n+"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One spoken word.

    `written` is the word of the text that it belongs to (several units may share one), `spoken`
    the word as it is spelt, `sounds` as it is pronounced, both in Hangul alone. `question` is
    true for every unit of a sentence that asks.
    """

    written: str
    spoken: str
    sounds: str
    break_after: Break
    question: bool


@dataclass(slots=True)
class _Word:
    written: str
    spoken: str = ""
    after: Break = "none"


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`, each with its closing mark; a line end closes one too."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def units(text: str, extra: Mapping[str, str] | None = None) -> list[Unit]:
    """Return the units of `text`.

    `extra` holds an installation's own words: a Hangul word with a respelling of the same number
    of syllables (인기 → 인끼) goes to the sound rules, anything else is what is said for a written
    word (BIS → 버스 도착 안내). MediaError `empty`, `too_long` (more than MAX_CHARACTERS),
    `unreadable` (nothing in it can be said) or `bad_lexicon`.
    """
    _check(text)
    sounds, said = _divide(extra or {})
    found = [unit for part in sentences(text) for unit in _sentence(part, sounds, said)]
    if not found:
        raise MediaError(
            "unreadable",
            "The text holds nothing that can be read aloud.",
            "Write it in Hangul, digits or Latin letters.",
        )
    return found


def readable(text: str, words: Iterable[tuple[str, str]] = ()) -> list[Unit]:
    """Return the units of a `text` that is to be spoken at once, with an installation's `words`.

    MediaError as `units` raises, and `too_long` for more than LONGEST characters.
    """
    if len(text) > LONGEST:
        raise MediaError(
            "too_long",
            f"The text has {len(text)} characters; at most {LONGEST} are spoken at once.",
            "Shorten it or send it in parts.",
        )
    return units(text, dict(words))


def _check(text: str) -> None:
    if not text.strip():
        raise MediaError("empty", "There is no text to read.", "Give at least one word.")
    if len(text) > MAX_CHARACTERS:
        raise MediaError(
            "too_long",
            f"The text has {len(text)} characters; at most {MAX_CHARACTERS} are read at once.",
            "Shorten it or send it in parts.",
        )


def _divide(extra: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return (respellings, spoken words) of an installation's own words."""
    for word, words in extra.items():
        if not word or not hangul.is_hangul(words.replace(" ", "")):
            raise MediaError(
                "bad_lexicon",
                f"The reading of {word!r} is {words!r}, which is not Hangul.",
                "Write what is said in Hangul syllables and spaces.",
            )
    sounds = {word: words for word, words in extra.items() if lexicon.fits(word, words)}
    return sounds, {word: words for word, words in extra.items() if word not in sounds}


def _sentence(sentence: str, respelt: Mapping[str, str], said: Mapping[str, str]) -> list[Unit]:
    words = _words(sentence, said)
    if not words:
        return []
    words[-1].after = "sentence"
    spoken, closed = [word.spoken for word in words], [word.after != "none" for word in words]
    sounded = re.findall("[가-힣]+", pronounce(line(spoken, closed), extra=respelt))
    breaks = phrase_breaks(spoken, closed)
    question = sentence.rstrip("\"'”’)] ").endswith(("?", "？"))
    return [
        Unit(
            word.written,
            word.spoken,
            sounds,
            "phrase" if index in breaks and word.after == "none" else word.after,
            question,
        )
        for index, (word, sounds) in enumerate(zip(words, sounded, strict=True))
    ]


def _words(sentence: str, said: Mapping[str, str]) -> list[_Word]:
    """Return the spoken words of a sentence, with the breaks that its marks and groups make."""
    original = unicodedata.normalize("NFC", sentence)
    spans = [match.span() for match in re.finditer(r"\S+", original)]
    starts = [start for start, _ in spans]
    found: list[_Word] = []
    fresh = True
    for reading in readings(clean(sentence), said):
        for place, char in enumerate(reading.words):
            if hangul.is_syllable(char):
                if fresh or len(found[-1].spoken) >= _MAX_WORD:
                    letter = _first_letter(original, reading.start, reading.end)
                    start, stop = spans[max(0, bisect_right(starts, letter) - 1)]
                    found.append(_Word(original[start:stop]))
                found[-1].spoken += char
                fresh = False
                continue
            fresh = True
            if not found:
                continue
            within = reading.grouped and reading.words[place:].strip()
            if char == " " and within and found[-1].after == "none":
                found[-1].after = "phrase"
            elif char == ",":
                found[-1].after = "clause"
            elif char in ".?!":
                found[-1].after = "sentence"
    return found


def _first_letter(text: str, begin: int, end: int) -> int:
    """Where the first letter or digit of text[begin:end] stands; its end if it has none."""
    return next((place for place in range(begin, end) if text[place].isalnum()), end - 1)
