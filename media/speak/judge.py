"""How well a voice is understood: a recogniser hears it, and what it wrote is compared.

Both sides are turned into spoken Hangul without spaces and marks, so that "65세" and "육십오 세"
are the same words. A recogniser may write one number in several ways ("1577 1000" for
"1577-1000"), so digits it wrote are also read one by one, and the reading closer to the truth
counts. Nothing else is forgiven.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from media.errors import MediaError
from media.speak.frontend import units
from media.speak.hangul import is_syllable

_DIGITS = dict(zip("0123456789", "공일이삼사오육칠팔구", strict=True))


@dataclass(frozen=True, slots=True)
class Score:
    """Edits and characters of one sentence, on the spoken Hangul of both sides."""

    edits: int
    characters: int


def spoken(text: str) -> str:
    """Return `text` as spoken Hangul syllables alone; empty where nothing can be read."""
    try:
        found = units(text)
    except MediaError:
        return ""
    return "".join(filter(is_syllable, "".join(unit.spoken for unit in found)))


def score(truth: str, heard: str) -> Score:
    """Return how far `heard` is from `truth`, both as written."""
    wanted = spoken(truth)
    digits = re.sub(r"(?<=\d)[\s,.\-]+(?=\d)", "", heard)
    one_by_one = re.sub(r"\d", lambda match: _DIGITS[match[0]], digits)
    readings = {spoken(heard), spoken(digits), spoken(one_by_one)}
    return Score(min(distance(wanted, reading) for reading in readings), len(wanted))


def distance(first: str, second: str) -> int:
    """Return the fewest insertions, deletions and replacements from `first` to `second`."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def error_rate(scores: Sequence[Score], draws: int = 2000) -> tuple[float, float, float]:
    """Return the character error rate with its 95 % interval, sentences drawn anew (bootstrap)."""
    edits = np.array([one.edits for one in scores], float)
    characters = np.array([one.characters for one in scores], float)
    random = np.random.default_rng(20260)
    drawn = random.integers(0, len(scores), (draws, len(scores)))
    rates = edits[drawn].sum(axis=1) / characters[drawn].sum(axis=1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(edits.sum() / characters.sum()), float(low), float(high)
