"""A turn as the conversation page shows it: words by how sure they are, seconds by step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.conversation.models import Turn
from media.captions import captions
from media.types import Audio, Phoneme, Speech

SURE = 0.8
DOUBTFUL = 0.5
PAUSE = 0.7
"""Seconds of silence that end a sentence, where the recogniser wrote no mark."""

ENDS_WITH = (".", "?", "!", "…")
_SENTENCE_END = re.compile(r"(?<=[.?!…])\s+")
BAR_UNITS = 1000
"""Width of the bar of seconds, in units of its drawing."""


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word; `level` is sure, unsure or doubtful."""

    text: str
    start: float
    percent: int
    level: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A step's part of the bar, from `x` on, `width` wide."""

    step: str
    seconds: float
    error: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that belong together, and the second at which they begin in the recording."""

    start: float
    words: tuple[ShownWord, ...]


@dataclass(frozen=True)
class ShownTurn:
    """`turn` with what its row does not say in one column.

    `lines` are the sentences of the spoken answer, each with the second at which it begins.
    """

    turn: Turn
    lines: tuple[tuple[float, str], ...] = ()

    @property
    def passages(self) -> list[Passage]:
        """Return the words in sentences: where one ends, or the person paused."""
        found: list[Passage] = []
        part: list[ShownWord] = []
        raw = self.turn.words
        for number, word in enumerate(self.words):
            part.append(word)
            end = float(raw[number].get("end", word.start))
            after = float(raw[number + 1].get("start", end)) if number + 1 < len(raw) else end
            if word.text.endswith(ENDS_WITH) or after - end > PAUSE:
                found.append(Passage(part[0].start, tuple(part)))
                part = []
        if part:
            found.append(Passage(part[0].start, tuple(part)))
        return found

    @property
    def words(self) -> list[ShownWord]:
        """Return the words; a masked one is shown as a bar."""
        return [
            ShownWord(
                str(word.get("text") or "▮▮").strip(),
                float(word.get("start", 0.0)),
                round(100 * float(word.get("confidence", 0.0))),
                _level(float(word.get("confidence", 0.0))),
            )
            for word in self.turn.words
        ]

    @property
    def seconds(self) -> float:
        """Return the seconds of all attempts at all steps."""
        return sum(step.seconds for step in self.turn.steps)

    @property
    def bar(self) -> list[Piece]:
        """Return the steps in order, each as wide as it took its share of the seconds."""
        whole = self.seconds or 1.0
        pieces, x = [], 0
        for step in self.turn.steps:
            width = round(BAR_UNITS * step.seconds / whole)
            pieces.append(Piece(step.step, step.seconds, step.error, x, width))
            x += width
        return pieces

    @property
    def runners_up(self) -> list[dict[str, object]]:
        """Return the articles that were found but not used."""
        return [found for found in self.turn.candidates if found.get("id") != self.turn.article_id]


def spoken_lines(timings: Mapping[str, Any]) -> tuple[tuple[float, str], ...]:
    """Return the sentences of a spoken answer and when each begins, from its timings."""
    try:
        text = str(timings["text"])
        phonemes = tuple(Phoneme(**one) for one in timings["phonemes"])
        silent = Audio(np.zeros(0, np.float32), 16000)
        found = captions(Speech(text, silent, phonemes))
    except (KeyError, TypeError, ValueError):
        return ()
    # Captions have the words without their marks: the first word of a sentence says when.
    begins = [caption.start for caption in found for _ in caption.text.split()]
    lines = []
    place = 0
    for sentence in _SENTENCE_END.split(text.strip()):
        if place < len(begins):
            lines.append((round(begins[place], 2), sentence))
        place += len(sentence.split())
    return tuple(lines)


def masked_address(address: str) -> str:
    """Return `address` with only its last four signs."""
    kept = address[-4:] if len(address) > 7 else ""
    return "•" * 4 + kept


def _level(confidence: float) -> str:
    if confidence >= SURE:
        return "sure"
    return "unsure" if confidence >= DOUBTFUL else "doubtful"
