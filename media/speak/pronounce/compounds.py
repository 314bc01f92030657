"""Where a noun is made of parts: ㄴ-insertion, linking ㅅ, tensing (제15, 20, 26–30항).

A run is a stretch of nouns and their affixes without a space. Its parts come from the morphemes
and, inside a morpheme, from the classes of parts in `elements.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from media.speak import hangul
from media.speak.morphemes import Morpheme, is_noun, noun_score
from media.speak.pronounce.elements import elements
from media.speak.pronounce.syllable import Join, Syllable

_NOMINAL = ("NNG", "NNP", "NNB", "XPN", "XSN", "XR", "MM", "MAG", "NP")
_SONORANTS = ("ㄴ", "ㄹ", "ㅁ", "ㅇ")
_GLIDES = ("ㅑ", "ㅕ", "ㅛ", "ㅠ", "ㅒ")
_BRIGHT = (*_GLIDES, "ㅣ", "ㅖ")

Run = tuple[Morpheme, ...]


def mark_compounds(tokens: tuple[Morpheme, ...], syllables: Mapping[int, Syllable]) -> None:
    """Mark what happens between the parts of every run of nouns."""
    for run in _runs(tokens):
        text = "".join(_written(token, syllables) for token in run)
        start = run[0].start
        if len(text) != run[-1].end - start:
            continue
        bounds = {token.start - start for token in run[1:]}
        for token in run:
            if token.tag not in ("MM", "MAG", "XPN"):
                _mark_last(text, token.start - start, token.end - start, token, start, syllables)
            _mark_sino(text, token.start - start, token.end - start, start, syllables)
        for place in range(1, len(text)):
            _mark_place(text, place, place in bounds, run, syllables)


def _runs(tokens: tuple[Morpheme, ...]) -> Iterator[Run]:
    run: list[Morpheme] = []
    for token in tokens:
        joined = bool(run) and run[-1].end == token.start
        if run and (not joined or token.tag not in _NOMINAL):
            yield tuple(run)
            run = []
        if token.tag in _NOMINAL and token.end > token.start:
            run.append(token)
    if run:
        yield tuple(run)


def _written(token: Morpheme, syllables: Mapping[int, Syllable]) -> str:
    places = range(token.start, token.end)
    return "".join(syllables[place].written for place in places if place in syllables)


def _mark_place(
    text: str, place: int, bound: bool, run: Run, syllables: Mapping[int, Syllable]
) -> None:
    start = run[0].start
    left, right = syllables[start + place - 1], syllables[start + place]
    if left.coda == "ㅅ" and not _own_siot(text, place):
        bright = right.onset == "ㅇ" and right.vowel in _BRIGHT
        left.saisiot = bright or right.onset not in ("ㅇ", "ㅎ", "ㄹ")
        right.insert = bright
        return
    if not left.coda or right.onset != "ㅇ":
        return
    following = next((token for token in run if token.start == start + place), None)
    if right.vowel in _BRIGHT and _inserts(text, place, following if bound else None):
        right.insert = True
    elif not bound and _levels(text, place):
        right.join = Join.COMPOUND


def _own_siot(text: str, place: int) -> bool:
    left, parts = text[:place], elements()
    if text in parts.siot_words:
        return False
    return left in parts.own_siot or (
        any(left.endswith(word) for word in parts.own_siot) and is_noun(left)
    )


def _inserts(text: str, place: int, token: Morpheme | None) -> bool:
    """Whether ㄴ comes in before text[place] (제29항); `token` begins there, if any does."""
    parts = elements()
    left, right = text[:place], text[place:]
    if token is not None and token.tag == "NNB":
        return False
    if right == "일" and len(left) > 1 and left not in parts.insert_work:
        return False
    if right in parts.insert_native and (token is not None or _is_part(left)):
        return True
    if any(right.startswith(word) for word in parts.insert_words):
        return len(left) > 1 or left in parts.insert_heads
    if right in parts.insert_suffixes:
        return left in parts.insert_heads or _is_stem_of(left, right)
    if token is not None:
        _, vowel, _ = hangul.split(right[0])
        return vowel in _GLIDES and token.end - token.start > 1
    half = len(text) // 2
    return place == half and left == right


def _is_part(left: str) -> bool:
    return left in elements().insert_heads or len(left) > 1 and is_noun(left)


def _levels(text: str, place: int) -> bool:
    parts = elements()
    left, right = text[:place], text[place:]
    if left not in parts.level_firsts:
        return False
    return right in parts.level_seconds or len(right) > 1 and is_noun(right)


def _is_stem_of(left: str, last: str) -> bool:
    """Whether left + last is a noun with a suffix: 식용 + 유, but 재 + 활용 and 상호 + 작용."""
    if len(left) < 2:
        return False
    tail = left[-1] + last
    if not is_noun(tail) or (len(left) > 2 and is_noun(left)):
        return True
    if len(left) == 2 and left[0] not in elements().prefixes:
        return True
    if len(left) == 3:
        return not is_noun(left[:2])
    return noun_score(left) > noun_score(tail)


def _mark_last(
    text: str, begin: int, end: int, token: Morpheme, start: int, syllables: Mapping[int, Syllable]
) -> None:
    """Mark a last part that is tensed (제28항) or that keeps its ㄴ (제20항)."""
    parts = elements()
    last, left = text[end - 1], text[: end - 1]
    syllable = syllables[start + end - 1]
    alone = end - begin == 1
    stem = left if alone else left[begin:]
    suffixed = len(stem) > 1 and (alone or _is_stem_of(stem, last))
    if text[end - 2 : end] in parts.tense_stems and end - begin > 2:
        syllable.tense = True
    if suffixed and last in parts.tense_suffixes:
        barred = parts.tense_suffixes[last]
        syllable.tense = not any(left.endswith(word) for word in barred)
    if suffixed and last in parts.flap_suffixes and (token.tag != "NNP" or last == "로"):
        syllable.nasal = True
    for size in (1, 2):
        place = end - size
        if place >= 1 and text[place:end] in parts.tense_seconds:
            before = syllables[start + place - 1]
            if before.coda in _SONORANTS and _tensing_first(text[:place], begin, text[place:end]):
                syllables[start + place].tense = True


def _tensing_first(left: str, begin: int, tail: str) -> bool:
    word = left[begin:] or left
    if word in elements().tense_heads:
        return True
    return len(word) > 1 and (len(tail) > 1 or tail in elements().tense_tails) and is_noun(word)


def _mark_sino(
    text: str, begin: int, end: int, start: int, syllables: Mapping[int, Syllable]
) -> None:
    """Tense ㄷ ㅅ ㅈ after ㄹ inside a Sino-Korean pair (제26항)."""
    parts = elements()
    for place in range(begin + 1, end):
        first, second = text[place - 1], text[place]
        if first not in parts.sino_first or second not in parts.sino_second or first == second:
            continue
        if _paired(text[begin:end], place - begin):
            syllables[start + place].tense = True


def _paired(word: str, place: int) -> bool:
    """Whether word[place - 1] and word[place] stand in one unit, of two syllables as a rule."""
    if len(word) == 2 or place % 2 == 1 and (len(word) != 3 or place == 1):
        return True
    if len(word) == 3:
        if place == 2 and word[2] in elements().sino_last:
            return True
        derived = word[0] in elements().prefixes or not is_noun(word[:2])
        return derived and is_noun(word[1:])
    return False
