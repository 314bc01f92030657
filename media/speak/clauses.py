"""A text's units grouped into the stretches that the model says in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from media.speak.frontend import Unit
from media.speak.hangul import is_syllable

USUAL = (12, 44)
"""Syllables of a stretch, where they can be had (three to eleven seconds)."""
EARLY = (3, 7)
"""Syllables of a first stretch that is to be heard while the rest is made."""
SECOND = (8, 20)
"""Syllables of what follows it in a long sentence, so that it is made before the first is over."""
WHOLE = 9
"""A first sentence of so many syllables (two seconds) is said in one go all the same."""
_STRENGTH = {"none": 0, "phrase": 2, "clause": 3, "sentence": 4}
_PARTICLES = ("은", "는", "면", "고", "서", "도", "에", "니", "데", "로")
"""Endings after which a speaker may pause, where the front end names no break."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Units said in one go; `break_after` is the break of the last."""

    units: tuple[Unit, ...]

    @property
    def break_after(self) -> str:
        """The break that follows the stretch."""
        return self.units[-1].break_after


def stretches(units: Sequence[Unit], early: bool = False) -> list[Stretch]:
    """Return `units` as stretches: sentences, and parts of long ones cut at the best break.

    `early` keeps the first one short. A sentence said in one go sounds best, so it is cut only
    where it is longer than a stretch may be.
    """
    found: list[Stretch] = []
    rest = list(units)
    while rest:
        count = _cut(rest, *_limits(rest, found, early))
        found.append(Stretch(tuple(rest[:count])))
        del rest[:count]
    return found


def _limits(rest: list[Unit], found: list[Stretch], early: bool) -> tuple[int, int]:
    """Return the syllables that the next stretch should have."""
    if early and not found and _sentence(rest) > WHOLE:
        return EARLY
    if early and len(found) == 1 and _sentence(rest) > sum(SECOND):
        return SECOND
    return USUAL


def _sentence(units: list[Unit]) -> int:
    """Return the syllables of the first sentence of `units`."""
    total = 0
    for unit in units:
        total += sum(map(is_syllable, unit.sounds))
        if unit.break_after == "sentence":
            break
    return total


def _cut(units: list[Unit], least: int, most: int) -> int:
    """Return how many of `units` the next stretch takes: a sentence, or its best beginning."""
    total, best, strength = 0, 0, 0
    for count, unit in enumerate(units, 1):
        total += sum(map(is_syllable, unit.sounds))
        if total > most and best:
            return best
        if unit.break_after == "sentence" or total > 2 * most:
            return count
        here = _strength(units, count)
        if total >= least and here and here >= strength:
            best, strength = count, here
    return len(units)


def _strength(units: list[Unit], count: int) -> int:
    """Return how good a place to pause is after `count` of `units`, 0 where there is none."""
    unit = units[count - 1]
    # Never inside a written word, such as between a telephone number and its "번".
    if count < len(units) and units[count].written == unit.written:
        return 0
    return _STRENGTH[unit.break_after] or int(unit.spoken.endswith(_PARTICLES))
