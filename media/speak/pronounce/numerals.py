"""Numbers and the words they count: 십육 [심뉵], 열 살 [열 쌀], 삼십 일 [삼시 빌]."""

from __future__ import annotations

from collections.abc import Mapping

from media.speak.morphemes import Morpheme
from media.speak.pronounce.syllable import Join, Syllable
from media.speak.spoken.counters import is_counter

_DETERMINERS = (
    "한",
    "두",
    "세",
    "네",
    "다섯",
    "여섯",
    "일곱",
    "여덟",
    "아홉",
    "열",
    "스무",
    "몇",
    "첫",
)
_SINO_FLAP = ("일", "칠", "팔")
_NATIVE_FLAP = ("열", "덟")
_SINO_TENSED = ("ㄷ", "ㅅ", "ㅈ")
_INSERTING = ("육", "여")


def mark_numerals(
    text: str, tokens: tuple[Morpheme, ...], syllables: Mapping[int, Syllable]
) -> None:
    """Join the syllables of a number to each other and to the counter after it."""
    for index, token in enumerate(tokens):
        if not _is_number(token):
            continue
        for place in range(token.start + 1, token.end):
            _meet(place - 1, place, token.tag, syllables)
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if after is None or after.start not in syllables or token.end - 1 not in syllables:
            continue
        gap = text[token.end : after.start]
        if gap == "" and (_is_number(after) or _counts(after)):
            _meet(token.end - 1, after.start, token.tag, syllables)
        elif gap == " " and _counts(after) and not _is_number(after):
            _meet(token.end - 1, after.start, token.tag, syllables)
            syllables[after.start].join = Join.WORD


def _is_number(token: Morpheme) -> bool:
    return token.tag == "NR" or (token.tag == "MM" and token.form in _DETERMINERS)


def _counts(token: Morpheme) -> bool:
    return token.tag in ("NNB", "NNG") and (token.tag == "NNB" or is_counter(token.form))


def _meet(before: int, place: int, tag: str, syllables: Mapping[int, Syllable]) -> None:
    left, right = syllables.get(before), syllables.get(place)
    if left is None or right is None:
        return
    right.join = Join.INSIDE
    if right.written in _INSERTING and left.coda:
        right.insert = True
    if left.written in _SINO_FLAP and right.onset in _SINO_TENSED:
        right.tense = True
    # 열 and 여덟 tense a counter (열 개, 여덟 살), not the number after them (열두, 열다섯).
    if left.written in _NATIVE_FLAP and right.written not in ("두", "셋", "세", "다", "둘"):
        right.tense = True
