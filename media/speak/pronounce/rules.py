"""The sound rules of Standard Korean Pronunciation (표준발음법), letter against letter.

Each function is told two neighbouring syllables and changes them; which morphemes they belong to
is already marked on them (`syllable.Syllable`). Numbers in brackets are the standard's articles.
"""

from __future__ import annotations

from collections.abc import Sequence

from media.speak import hangul
from media.speak.pronounce.syllable import Join, Syllable

TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
_LEVEL = {
    **dict.fromkeys("ㄱㄲㅋㄳㄺ", "ㄱ"),
    **dict.fromkeys("ㄷㅅㅆㅈㅊㅌㅎ", "ㄷ"),
    **dict.fromkeys("ㅂㅍㅄㄿ", "ㅂ"),
    **dict.fromkeys("ㄴㄵㄶ", "ㄴ"),
    **dict.fromkeys("ㄹㄼㄽㄾㅀ", "ㄹ"),
    **dict.fromkeys("ㅁㄻ", "ㅁ"),
    "ㅇ": "ㅇ",
    "": "",
}
_PAIR = {
    "ㄳ": ("ㄱ", "ㅅ"),
    "ㄵ": ("ㄴ", "ㅈ"),
    "ㄶ": ("ㄴ", "ㅎ"),
    "ㄺ": ("ㄹ", "ㄱ"),
    "ㄻ": ("ㄹ", "ㅁ"),
    "ㄼ": ("ㄹ", "ㅂ"),
    "ㄽ": ("ㄹ", "ㅅ"),
    "ㄾ": ("ㄹ", "ㅌ"),
    "ㄿ": ("ㄹ", "ㅍ"),
    "ㅀ": ("ㄹ", "ㅎ"),
    "ㅄ": ("ㅂ", "ㅅ"),
}
_OBSTRUENTS = "ㄱㄷㅂ"
_LEVELLED_BEFORE_H = ("ㅅ", "ㅆ", "ㅊ", "ㅌ", "ㅍ", "ㅋ", "ㄲ", "ㅄ", "ㄳ")
_APART = (Join.COMPOUND, Join.WORD)


def sound(syllables: Sequence[Syllable]) -> None:
    """Change `syllables` from spelling to sound, in place."""
    for left, right in zip(syllables, syllables[1:], strict=False):
        if right.join is Join.PAUSE:
            left.coda = _LEVEL[left.coda]
            _tense_if_marked(right)
        else:
            _meet(left, right)
    if syllables:
        syllables[-1].coda = _LEVEL[syllables[-1].coda]
    for syllable in syllables:
        _vowel(syllable)


def _meet(left: Syllable, right: Syllable) -> None:
    if right.insert and (left.coda or left.saisiot):
        right.onset = "ㄴ"
    if left.coda in ("ㅎ", "ㄶ", "ㅀ"):
        _after_h(left, right)
    if right.onset == "ㅇ":
        _link(left, right)
    elif right.onset == "ㅎ" and left.coda:
        _before_h(left, right)
    _clash(left, right)


def _after_h(left: Syllable, right: Syllable) -> None:
    """ㅎ as a coda (12): it aspirates, tenses ㅅ, or falls silent."""
    rest = {"ㅎ": "", "ㄶ": "ㄴ", "ㅀ": "ㄹ"}[left.coda]
    if right.onset in _ASPIRATED and right.onset != "ㅂ":
        right.onset = _ASPIRATED[right.onset]
    elif right.onset == "ㅅ":
        right.onset = "ㅆ"
    elif right.onset != "ㅇ" and left.coda == "ㅎ":
        rest = "ㄷ"
    left.coda = rest


def _before_h(left: Syllable, right: Syllable) -> None:
    """ㅎ as an onset (12, note 1): it aspirates a stop before it."""
    apart = right.join in _APART or (left.coda == "ㅈ" and not left.verbal)
    if apart or left.coda in _LEVELLED_BEFORE_H:
        left.coda = _level(left, right)
    first, last = _PAIR.get(left.coda, ("", left.coda))
    if last not in _ASPIRATED:
        return
    palatal = last == "ㄷ" and right.join not in _APART and _palatalises(left, right)
    right.onset = "ㅊ" if palatal else _ASPIRATED[last]
    left.coda = first


def _palatalises(left: Syllable, right: Syllable) -> bool:
    return right.vowel == "ㅣ" or (right.vowel == "ㅕ" and left.verbal)


def _link(left: Syllable, right: Syllable) -> None:
    """A vowel follows (13–15, 17): the coda becomes its onset."""
    if left.coda in ("", "ㅇ"):
        return
    if right.join in _APART:
        left.coda = _level(left, right)
        left.coda, right.onset = "", left.coda
        if right.onset == "ㅇ":
            left.coda = "ㅇ"
        return
    first, last = _PAIR.get(left.coda, ("", left.coda))
    if last in ("ㄷ", "ㅌ") and _palatalises(left, right):
        last = {"ㄷ": "ㅈ", "ㅌ": "ㅊ"}[last]
    elif last == "ㅅ" and first:
        last = "ㅆ"
    left.coda, right.onset = first, last


def _level(left: Syllable, right: Syllable) -> str:
    """The one of seven sounds that a coda has before a consonant (8–11)."""
    if left.coda == "ㄺ" and left.verbal and right.onset == "ㄱ":
        return "ㄹ"
    if left.coda == "ㄼ":
        broad = left.written == "넓" and right.written in ("죽", "둥", "적")
        if left.written == "밟" or broad:
            return "ㅂ"
    return _LEVEL[left.coda]


def _clash(left: Syllable, right: Syllable) -> None:
    """Two consonants meet: levelling, tensing (23–28), nasals (18, 19), ㄹ (20)."""
    ending = left.verbal and right.join is Join.ENDING
    stem_tenses = ending and left.coda in ("ㄵ", "ㄼ", "ㄾ", "ㄻ")
    coda = _level(left, right)
    if left.saisiot and right.onset in TENSE:
        coda, right.tense = "", True
    stops = bool(coda) and coda in _OBSTRUENTS or left.coda == "ㄺ"
    if stops or (stem_tenses and right.onset != "ㅂ"):
        right.onset = TENSE.get(right.onset, right.onset)
    _tense_if_marked(right)
    if right.onset == "ㄹ" and coda in ("ㄱ", "ㄷ", "ㅂ", "ㅁ", "ㅇ"):
        right.onset = "ㄴ"
    if coda in _NASAL and right.onset in ("ㄴ", "ㅁ"):
        coda = _NASAL[coda]
    if coda == "ㄴ" and right.onset == "ㄹ":
        if right.nasal:
            right.onset = "ㄴ"
        else:
            coda = "ㄹ"
    if coda == "ㄹ" and right.onset == "ㄴ":
        right.onset = "ㄹ"
    left.coda = coda


def _tense_if_marked(syllable: Syllable) -> None:
    if syllable.tense:
        syllable.onset = TENSE.get(syllable.onset, syllable.onset)


def _vowel(syllable: Syllable) -> None:
    """ㅢ, ㅖ and the glides after ㅈ ㅉ ㅊ (5)."""
    if syllable.onset in ("ㅈ", "ㅉ", "ㅊ"):
        syllable.vowel = {
            "ㅑ": "ㅏ",
            "ㅕ": "ㅓ",
            "ㅛ": "ㅗ",
            "ㅠ": "ㅜ",
            "ㅖ": "ㅔ",
            "ㅒ": "ㅐ",
        }.get(syllable.vowel, syllable.vowel)
    spelt_onset = hangul.split(syllable.written)[0]
    if syllable.vowel == "ㅖ" and syllable.onset != "ㅇ" and spelt_onset not in ("ㅇ", "ㄹ"):
        syllable.vowel = "ㅔ"
    if syllable.vowel == "ㅢ":
        if syllable.particle:
            syllable.vowel = "ㅔ"
        elif syllable.onset != "ㅇ" or not syllable.initial:
            syllable.vowel = "ㅣ"
