"""What a JETS model reads, and which phonemes its tokens are.

Three kinds of model are known by their token lists: one of ours, whose tokens are the phonemes of
`media.speak.phonemes`; one that reads jamo as they are spelt (`korean_jaso`); one that reads jamo
as they sound (`g2pk`). All get what our own front end read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from media.speak.frontend import Unit
from media.speak.hangul import is_syllable
from media.speak.phonemes import Sound, sounds

Reading = Literal["phonemes", "sounded", "spelt"]

_LEAD, _VOWEL, _TAIL = 0x1100, 0x1161, 0x11A7
"""Where the conjoining jamo begin; the tail of number 0 is none."""
_GLIDE_SHARE = 0.35
"""Of a diphthong's length."""
_CODA_SHARE = 0.3
"""Of a vowel's length, for a coda that has no token of its own."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token's `text`; the `unit` and the `syllable` in it that it belongs to, -1 for marks."""

    text: str
    unit: int = -1
    syllable: int = -1


@dataclass(frozen=True, slots=True)
class Heard:
    """A phoneme `symbol` of the unit `unit`, from `start` to `end` in frames."""

    symbol: str
    start: float
    end: float
    unit: int


def reading_of(known: Sequence[str], g2p: str) -> Reading:
    """Return how a model with the token list `known` and the ESPnet setting `g2p` reads."""
    if "ʌ" in known:
        return "phonemes"
    return "sounded" if g2p.startswith("g2pk") else "spelt"


def tokens_of(units: Sequence[Unit], reading: Reading, known: frozenset[str]) -> list[Token]:
    """Return the tokens of `units`, with the marks and gaps that the model knows."""
    gap = next((mark for mark in (" ", "<space>") if mark in known), "")
    found: list[Token] = []
    for number, unit in enumerate(units):
        if number and gap:
            found.append(Token(gap))
        found += _word(unit, number, reading)
        mark = _mark(unit, number == len(units) - 1)
        if mark in known:
            found.append(Token(mark))
    return [token for token in found if token.text in known]


def heard(
    tokens: Sequence[Token], lengths: Sequence[int], units: Sequence[Unit], reading: Reading
) -> list[Heard]:
    """Return the phonemes of `tokens` that last `lengths` frames each."""
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + int(length))
    if reading == "phonemes":
        return [
            Heard(token.text, starts[i], starts[i + 1], token.unit)
            for i, token in enumerate(tokens)
            if token.unit >= 0 and starts[i + 1] > starts[i]
        ]
    places: dict[tuple[int, int], list[tuple[str, int, int]]] = {}
    for i, token in enumerate(tokens):
        if token.unit >= 0:
            key = (token.unit, token.syllable)
            places.setdefault(key, []).append((token.text, starts[i], starts[i + 1]))
    found: list[Heard] = []
    for number, unit in enumerate(units):
        spoken = list(_syllables(sounds(unit.sounds)))
        spans = [places.get((number, syllable), []) for syllable in range(len(spoken))]
        found += _placed(spoken, spans, number)
    return [one for one in found if one.end > one.start]


def _word(unit: Unit, number: int, reading: Reading) -> Iterator[Token]:
    if reading == "phonemes":
        yield from (Token(sound.symbol, number) for sound in sounds(unit.sounds))
        return
    text = unit.sounds if reading == "sounded" else unit.spoken
    for place, letter in enumerate(filter(is_syllable, text)):
        yield from (Token(jamo, number, place) for jamo in _jamo(letter))


def _jamo(syllable: str) -> list[str]:
    rest, tail = divmod(ord(syllable) - 0xAC00, 28)
    lead, vowel = divmod(rest, 21)
    found = [chr(_LEAD + lead), chr(_VOWEL + vowel)]
    return [*found, chr(_TAIL + tail)] if tail else found


def _mark(unit: Unit, last: bool) -> str:
    if unit.break_after == "sentence":
        return "?" if unit.question else "."
    return "," if last or unit.break_after == "clause" else ""


def _syllables(found: list[Sound]) -> Iterator[list[Sound]]:
    """Yield the phonemes syllable by syllable."""
    current: list[Sound] = []
    for sound in found:
        complete = any(part.kind == "vowel" for part in current)
        if complete and sound.kind != "coda":
            yield current
            current = []
        current.append(sound)
    if current:
        yield current


def _placed(
    spoken: list[list[Sound]], spans: list[list[tuple[str, int, int]]], unit: int
) -> Iterator[Heard]:
    """Yield a word's phonemes: each where the jamo that stands for it lasts.

    A spelt coda that is heard as the next syllable's onset (옷이 is said 오시) is given to that
    onset; one that is not heard at all (않아) lengthens its vowel.
    """
    carried: int | None = None
    for place, (parts, jamo) in enumerate(zip(spoken, spans, strict=True)):
        if not jamo:
            continue
        lead = [span for span in jamo if ord(span[0]) < _VOWEL]
        tail = [span for span in jamo if ord(span[0]) > _TAIL]
        onset = [sound for sound in parts if sound.kind == "consonant"]
        coda = [sound for sound in parts if sound.kind == "coda"]
        begin = jamo[0][1] if carried is None else carried
        middle = float(lead[0][2] if lead else begin)
        carried = None
        if onset:
            yield Heard(onset[0].symbol, begin, middle, unit)
        else:
            middle = float(begin)
        close = float(tail[0][1] if tail else jamo[-1][2])
        if coda and not tail:
            close -= _CODA_SHARE * (close - middle)
        elif tail and not coda:
            following = spoken[place + 1] if place + 1 < len(spoken) else []
            if following and following[0].kind == "consonant":
                carried = tail[0][1]
            else:
                close = float(tail[0][2])
        yield from _nucleus(parts, middle, close, unit)
        if coda:
            yield Heard(coda[0].symbol, close, float(jamo[-1][2]), unit)


def _nucleus(parts: list[Sound], start: float, end: float, unit: int) -> Iterator[Heard]:
    for sound in parts:
        if sound.kind == "glide":
            middle = start + _GLIDE_SHARE * (end - start)
            yield Heard(sound.symbol, start, middle, unit)
            start = middle
        elif sound.kind == "vowel":
            yield Heard(sound.symbol, start, end, unit)
