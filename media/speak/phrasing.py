"""Where a long sentence is taken in breaths: phrase breaks from the morphemes."""

from __future__ import annotations

from collections.abc import Sequence

from media.speak.morphemes import Morpheme, morphemes

MAX_SYLLABLES = 18
"""No phrase is longer, unless one word is."""
_MIN_SYLLABLES = 5
_CLAUSE_SYLLABLES = 8
_NEVER = -9.0
_STRENGTH = {
    "EC": 4.0,
    "JX": 3.0,
    "JKB": 2.0,
    "JKS": 2.0,
    "JC": 1.5,
    "JKO": 1.0,
    "MAJ": 2.0,
    "EF": 4.0,
    "ETM": _NEVER,
    "MM": _NEVER,
    "NR": _NEVER,
    "JKG": -2.0,
}
_CLOSE = ("VX", "NNB")


def line(words: Sequence[str], closed: Sequence[bool]) -> str:
    """Return the spoken words of a sentence as one line, with a comma after every closed word."""
    marked = (word + "," * close for word, close in zip(words, closed, strict=True))
    return " ".join(marked).removesuffix(",") + "."


def phrase_breaks(words: Sequence[str], closed: Sequence[bool]) -> set[int]:
    """Return the indices of words that a phrase break follows.

    `words` are the spoken words of one sentence in Hangul; after those that are `closed` a break
    stands already. No stretch without a break has more than MAX_SYLLABLES syllables, if the
    words allow it.
    """
    strengths = _strengths(words, closed)
    breaks: set[int] = set()
    start = 0
    for index in range(len(words)):
        if index == len(words) - 1 or closed[index]:
            breaks |= _split(words, strengths, start, index + 1)
            start = index + 1
    return breaks


def _split(words: Sequence[str], strengths: Sequence[float], start: int, end: int) -> set[int]:
    """Break words[start:end] after its clauses, then wherever a part is still too long."""
    length = sum(map(len, words[start:end]))
    best, best_score = -1, 0.0
    before = 0
    for index in range(start, end - 1):
        before += len(words[index])
        side = min(before, length - before)
        enough = _CLAUSE_SYLLABLES if length <= MAX_SYLLABLES else _MIN_SYLLABLES
        if side < enough:
            continue
        score = strengths[index] + 3.0 * side / length
        if best < 0 or score > best_score:
            best, best_score = index, score
    needed = length > MAX_SYLLABLES
    if best < 0 and needed and end - start > 1:
        best = (start + end - 1) // 2
    if best < 0 or not (needed or strengths[best] >= _STRENGTH["EC"]):
        return set()
    left = _split(words, strengths, start, best + 1)
    return {best} | left | _split(words, strengths, best + 1, end)


def _strengths(words: Sequence[str], closed: Sequence[bool]) -> list[float]:
    """How well a break sits after each word."""
    firsts, lasts = _edges(words, closed)
    strengths: list[float] = []
    for index in range(len(words)):
        last = lasts[index]
        after = firsts[index + 1] if index + 1 < len(words) else None
        strength = _STRENGTH.get(last.tag, 0.0) if last else 0.0
        if after and (after.tag in _CLOSE):
            strength = _NEVER
        strengths.append(strength)
    return strengths


def _edges(
    words: Sequence[str], closed: Sequence[bool]
) -> tuple[list[Morpheme | None], list[Morpheme | None]]:
    """The first and the last morpheme of every word."""
    firsts: list[Morpheme | None] = [None] * len(words)
    lasts: list[Morpheme | None] = [None] * len(words)
    lengths = [len(word) + 1 + close for word, close in zip(words, closed, strict=True)]
    owners = [index for index, length in enumerate(lengths) for _ in range(length)]
    for token in morphemes(line(words, closed)):
        if token.tag.startswith("S"):
            continue
        index = owners[min(token.start, len(owners) - 1)]
        firsts[index] = firsts[index] or token
        lasts[index] = token
    return firsts, lasts
