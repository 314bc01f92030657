"""Spoken words to sounds: Hangul as it is spelt → Hangul as it is pronounced."""

from __future__ import annotations

from collections.abc import Mapping

from media.speak import hangul, lexicon
from media.speak.morphemes import Morpheme, morphemes
from media.speak.pronounce.compounds import mark_compounds
from media.speak.pronounce.morphology import mark, mark_links
from media.speak.pronounce.numerals import mark_numerals
from media.speak.pronounce.rules import sound
from media.speak.pronounce.syllable import Join, Syllable


def pronounce(text: str, *, link: bool = False, extra: Mapping[str, str] | None = None) -> str:
    """Return `text` as it is pronounced, in Hangul; spaces and marks stay where they are.

    Sounds pass over a space only after -(으)ㄹ, between a number and what it counts and after 못;
    with `link` they do between all words (옷 한 벌 → 오 탄 벌). `extra` are exceptions in the form
    of `lexicon.toml`, which win over it; those with another number of syllables are ignored.
    """
    syllables = _syllables(text, link)
    if not syllables:
        return text
    tokens = morphemes(text)
    mark(text, tokens, syllables)
    mark_compounds(tokens, syllables)
    mark_numerals(text, tokens, syllables)
    mark_links(text, tokens, syllables)
    _respell(text, tokens, syllables, {**lexicon.standard(), **(extra or {})})
    sound(list(syllables.values()))
    return "".join(
        str(syllables[position]) if position in syllables else char
        for position, char in enumerate(text)
    )


def _syllables(text: str, link: bool) -> dict[int, Syllable]:
    found: dict[int, Syllable] = {}
    gap = ""
    for position, char in enumerate(text):
        if not hangul.is_syllable(char):
            gap += char
            continue
        syllable = Syllable.of(char)
        syllable.initial = bool(gap) or not found
        if gap:
            syllable.join = Join.WORD if link and gap == " " else Join.PAUSE
        found[position] = syllable
        gap = ""
    return found


def _respell(
    text: str,
    tokens: tuple[Morpheme, ...],
    syllables: Mapping[int, Syllable],
    words: Mapping[str, str],
) -> None:
    """Give the words of the lexicon their letters, where they begin and end with morphemes."""
    begins = {token.start for token in tokens}
    for token in tokens:
        for begin in range(max(0, token.end - 8), token.end):
            sounds = words.get(text[begin : token.end])
            inner = begin not in begins and begin - token.start < 2
            if sounds is None or len(sounds) != token.end - begin or inner:
                continue
            for place, char in enumerate(sounds, begin):
                onset, vowel, coda = hangul.split(char)
                syllables[place].onset, syllables[place].vowel = onset, vowel
                syllables[place].coda = coda
