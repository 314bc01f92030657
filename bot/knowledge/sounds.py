"""Words that a recogniser wrote as they sound, found again by sound: "침에 검사" is "치매 검사".

A word that no article holds is compared, syllable by syllable, with the articles' nouns as both are
spoken. Only sounds that are alike on a telephone may differ, and few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.morphemes import Words, analyser

Ints = NDArray[np.int64]
FIRST, LAST = 0xAC00, 0xD7A3
_NONE = 11
"""The place of the silent first consonant."""
# Places of jamo among first consonants (19), vowels (21) and final consonants (28) in Unicode.
_LINKED = {
    1: (0, 0), 2: (0, 1), 3: (1, 9), 4: (0, 2), 5: (4, 12), 6: (0, 2), 7: (0, 3), 8: (0, 5),
    9: (8, 0), 10: (8, 6), 11: (8, 7), 12: (8, 9), 13: (8, 16), 14: (8, 17), 15: (0, 5),
    16: (0, 6), 17: (0, 7), 18: (17, 9), 19: (0, 9), 20: (0, 10), 22: (0, 12), 23: (0, 14),
    24: (0, 15), 25: (0, 16), 26: (0, 17), 27: (0, _NONE),
}  # fmt: skip
"""A final consonant before a vowel: what stays, and what the next syllable begins with."""
_CLOSED = (
    0, 1, 1, 1, 4, 4, 4, 7, 8, 1, 16, 8, 8, 8, 17, 8, 16, 17, 17, 7, 7, 21, 7, 7, 1, 7, 17, 7,
)  # fmt: skip
"""A final consonant that is not carried over: one of seven."""
_NASAL = {1: 21, 7: 4, 17: 16}
_BREATHED = {(1, 18): 15, (7, 18): 16, (17, 18): 17, (22, 18): 14}
_AFTER_H = {0: 15, 3: 16, 12: 14}
_LAX = {1: 0, 4: 3, 8: 7, 10: 9, 13: 12}
_VOWELS = {1: 5, 3: 5, 7: 5, 10: 15, 11: 15, 19: 20}
"""Vowels that sound alike: ㅐㅒㅖ as ㅔ, ㅙㅚ as ㅞ, ㅢ as ㅣ."""
_NEAR_FIRSTS = "ㄱㅋ ㄷㅌ ㅂㅍ ㅈㅊ ㅎㅇ ㄴㄹ ㄴㅁ ㅅㅈ ㅊㅅ ㅎㅋ ㅎㅍ ㄹㅇ"
_NEAR_VOWELS = "ㅓㅗ ㅗㅜ ㅡㅜ ㅡㅓ ㅓㅕ ㅗㅛ ㅔㅣ ㅝㅓ ㅘㅏ ㅑㅏ ㅠㅜ ㅞㅔ ㅟㅣ ㅡㅣ"
_NEAR_LASTS = ((4, 16), (4, 21), (16, 21), (1, 7), (7, 17), (1, 17))
_FIRSTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MIDDLES = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
NEAR = 0.5
GONE = 0.7
"""A final consonant that was lost or added."""
FAR = 2.0
ALLOWED = 0.36
"""How much two words of one length may differ for each syllable."""
SHORTEST, LONGEST = 2, 8
_NOUNS = frozenset({"NNG", "NNP", "XR", "NR"})
_PARTS = _NOUNS | {"NNB", "XSN", "VV", "IC"}
"""What one syllable of a misheard noun may be taken for."""
_LINKS = frozenset("에의이을")
"""Particles that sound like the end of a noun."""
_KNOWN = 10
"""The analyser's ids of morphemes that stand in its dictionary begin here."""


def names(text: str, found: Words) -> set[str]:
    """Return the nouns of `text`, whose words are `found`, and those that it writes in one."""
    nouns = found.nouns
    made = set(nouns)
    for start in range(len(nouns)):
        for end in range(start + 2, len(nouns) + 1):
            whole = "".join(nouns[start:end])
            if len(whole) > LONGEST or whole not in text.lower():
                break
            made.add(whole)
    return made


def spoken(word: str) -> tuple[tuple[int, int, int], ...]:
    """Return the syllables of `word` as spoken: places of first consonant, vowel and final one.

    Tense consonants count as their lax ones, and vowels that sound alike as one. Letters other than
    Hangul syllables are left out.
    """
    codes = [ord(letter) - FIRST for letter in word if FIRST <= ord(letter) <= LAST]
    parts = [[code // 588, code % 588 // 28, code % 28] for code in codes]
    for here, after in zip(parts, parts[1:], strict=False):
        _join(here, after)
    if parts:
        parts[-1][2] = _CLOSED[parts[-1][2]]
    return tuple((_LAX.get(a, a), _VOWELS.get(b, b), c) for a, b, c in parts)


def _join(here: list[int], after: list[int]) -> None:
    last, first = here[2], after[0]
    if first == _NONE and last in _LINKED:
        here[2], after[0] = _LINKED[last]
        here[2] = _CLOSED[here[2]]
        if after[1] == 20 and last in {7, 25}:
            after[0] = 12 if last == 7 else 14
        return
    if last in {6, 15, 27} and first in _AFTER_H:
        here[2], after[0] = {6: 4, 15: 8, 27: 0}[last], _AFTER_H[first]
        return
    closed = 22 if last == 22 and first == 18 else _CLOSED[last]
    if (closed, first) in _BREATHED:
        here[2], after[0] = 0, _BREATHED[closed, first]
        return
    closed = _CLOSED[last]
    if first == 5 and closed in {1, 4, 7, 16, 17, 21}:
        after[0] = 5 if closed == 4 else 2
        closed = 8 if closed == 4 else closed
    elif first == 2 and closed == 8:
        after[0] = 5
    here[2] = _NASAL.get(closed, closed) if after[0] in {2, 6} else closed


def _costs(size: int, alike: Iterable[tuple[int, int]]) -> NDArray[np.float32]:
    table = np.full((size, size), FAR, np.float32)
    np.fill_diagonal(table, 0)
    for one, two in alike:
        table[one, two] = table[two, one] = NEAR
    return table


def _pairs(letters: str, alike: str) -> list[tuple[int, int]]:
    """Return the places in `letters` of each two letters of `alike`."""
    return [(letters.index(pair[0]), letters.index(pair[1])) for pair in alike.split()]


_FIRST_COSTS = _costs(19, _pairs(_FIRSTS, _NEAR_FIRSTS))
_VOWEL_COSTS = _costs(21, _pairs(_MIDDLES, _NEAR_VOWELS))
_LAST_COSTS = _costs(28, _NEAR_LASTS)
_LAST_COSTS[0, 1:] = _LAST_COSTS[1:, 0] = GONE


class Sounds:
    """The nouns of articles by their sound; safe to share between threads."""

    def __init__(self, nouns: Iterable[str], knows: Callable[[str], bool]):
        """Look for `nouns`; a word of which `knows` says that articles hold it stays as it is."""
        self._knows = knows
        by_size: dict[int, dict[tuple[tuple[int, int, int], ...], str]] = {}
        for noun in sorted(set(nouns)):
            if SHORTEST <= len(noun) <= LONGEST and all(FIRST <= ord(c) <= LAST for c in noun):
                by_size.setdefault(len(noun), {}).setdefault(spoken(noun), noun)
        self._names = {size: list(found.values()) for size, found in by_size.items()}
        self._codes = {size: np.array(list(found), np.int64) for size, found in by_size.items()}

    def repaired(self, question: str) -> str:
        """Return `question` with what is no word but sounds like an article's noun replaced."""
        for start, end, allowed in sorted(_doubted(question, self._knows), reverse=True):
            question = question[:start] + self._named(question[start:end], allowed) + question[end:]
        return question

    def _named(self, word: str, allowed: float) -> str:
        best, name, end = allowed, "", 0
        for size, codes in sorted(self._codes.items()):
            heard = spoken(word[:size])
            if len(heard) != size:
                continue
            cost = self._cost(np.array(heard, np.int64), codes) / size
            place = int(cost.argmin())
            # Of two that are as near the longer one explains more.
            if cost[place] <= best:
                best, name, end = float(cost[place]), self._names[size][place], size
        return name + word[end:]

    def _cost(self, heard: Ints, codes: Ints) -> NDArray[np.float32]:
        cost: NDArray[np.float32] = (
            _FIRST_COSTS[codes[:, :, 0], heard[:, 0]]
            + _VOWEL_COSTS[codes[:, :, 1], heard[:, 1]]
            + _LAST_COSTS[codes[:, :, 2], heard[:, 2]]
        ).sum(1)
        return cost


def _doubted(question: str, knows: Callable[[str], bool]) -> list[tuple[int, int, float]]:
    """Return (start, end of the written word, how much may differ) of what may be misheard.

    That is a noun of no dictionary, two nouns of one syllable in a row ("등보", "영금"), and, where
    it sounds just like another word, a noun of one syllable with a particle ("침에").
    """
    found: list[tuple[int, int, float]] = []
    end = -1
    made = analyser().tokenize(question)
    for token, after in zip_longest(made, made[1:]):
        if token.tag not in _NOUNS or token.start < end:
            continue
        begins = token.start == 0 or question[token.start - 1].isspace()
        stop = question.find(" ", token.start)
        stop = len(question) if stop < 0 else stop
        beside = after is not None and after.start == token.start + token.len
        single = len(token.form) == 1
        strange = not single and token.id < _KNOWN and not knows(token.form.lower())
        broken = single and beside and after.tag in _PARTS and len(after.form) == 1
        if strange or broken:
            found.append((token.start, stop, ALLOWED))
        elif single and begins and beside and after.form in _LINKS:
            found.append((token.start, stop, 0.0))
        else:
            continue
        end = stop
    return found
