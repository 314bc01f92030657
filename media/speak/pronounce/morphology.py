"""What the morphemes of a text say about how its syllables are joined."""

from __future__ import annotations

from collections.abc import Mapping

from media.speak.morphemes import Morpheme
from media.speak.pronounce.elements import elements
from media.speak.pronounce.syllable import Join, Syllable

_VERBAL = ("VV", "VA", "VX", "VCN", "XSV", "XSA")
_SUFFIX = ("J", "E", "VCP", "XS")
_ADNOMINAL = ("ᆯ", "을")
_STEM_TENSES = ("ㄴ", "ㅁ")
_LETTERS = {"디귿", "지읒", "치읓", "키읔", "티읕", "피읖", "히읗"}
_LETTER_CODAS = {"ㅋ": "ㄱ", "ㅍ": "ㅂ"}
_BRIGHT = ("ㅣ", "ㅑ", "ㅕ", "ㅛ", "ㅠ")


def mark(text: str, tokens: tuple[Morpheme, ...], syllables: Mapping[int, Syllable]) -> None:
    """Mark the joins, stems and adnominal endings of `text` on its `syllables` (by position)."""
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        _mark_join(token, before, syllables)
        _mark_stem(token, tokens[index + 1] if index + 1 < len(tokens) else None, syllables)
        _mark_adnominal(text, token, syllables)
        _mark_verb(token, syllables)
        if token.tag == "JKG" and token.start in syllables:
            syllables[token.start].particle = True
        if token.form in _LETTERS and index + 1 < len(tokens) and token.end - 1 in syllables:
            last = syllables[token.end - 1]
            last.coda = _LETTER_CODAS.get(last.coda, "ㅅ")


def mark_links(text: str, tokens: tuple[Morpheme, ...], syllables: Mapping[int, Syllable]) -> None:
    """Join 못 to its verb, and let ㄴ in where words are linked (제29항, note 2)."""
    for before, token in zip(tokens, tokens[1:], strict=False):
        first = syllables.get(token.start)
        if first is None or text[before.end : token.start] != " ":
            continue
        refused = before.form == "못" and before.tag == "MAG" and token.tag in _VERBAL
        future = before.tag == "ETM" and before.form in _ADNOMINAL
        if refused or (future and _draws(before, token)):
            first.join = Join.WORD
        if first.join is Join.WORD and first.onset == "ㅇ" and first.vowel in _BRIGHT:
            first.insert = first.insert or _draws(before, token)


def _draws(before: Morpheme, token: Morpheme) -> bool:
    parts = elements()
    if before.tag == "NR":
        return False
    if token.tag in _VERBAL:
        return token.form in parts.insert_verbs
    return token.form in parts.insert_native or token.form in parts.insert_words


def _mark_verb(token: Morpheme, syllables: Mapping[int, Syllable]) -> None:
    """A verb that is made of two words: 설익다 (29), 맛없다 (15)."""
    if token.tag not in ("VV", "VA"):
        return
    parts = elements()
    for place in range(1, len(token.form)):
        first = syllables.get(token.start + place)
        if first is None or first.onset != "ㅇ":
            continue
        if token.form[place:] in parts.insert_verbs:
            first.insert = True
        elif token.form[place:] in ("없", "있") and token.form[:place] in parts.level_firsts:
            first.join = Join.COMPOUND


def _own_syllable(token: Morpheme) -> bool:
    """Whether the morpheme begins with a syllable of its own, not with a shared coda."""
    return bool(token.form) and not "\u11a8" <= token.form[0] <= "\u11c2"


def _mark_join(token: Morpheme, before: Morpheme | None, syllables: Mapping[int, Syllable]) -> None:
    first = syllables.get(token.start)
    if first is None or before is None or not _own_syllable(token):
        return
    if first.join is not Join.INSIDE or before.end > token.start or token.end == token.start:
        return
    first.join = Join.ENDING if token.tag.startswith(_SUFFIX) else Join.COMPOUND


def _mark_stem(token: Morpheme, after: Morpheme | None, syllables: Mapping[int, Syllable]) -> None:
    if token.tag not in _VERBAL:
        return
    for position in range(token.start, token.end):
        if position in syllables:
            syllables[position].verbal = True
    last, following = syllables.get(token.end - 1), syllables.get(token.end)
    if last is None or following is None or after is None or after.start != token.end:
        return
    if last.coda in _STEM_TENSES and after.tag.startswith("E") and _own_syllable(after):
        same = token.form.endswith(last.written)
        following.tense = following.tense or (same and following.onset != "ㅂ")


def _mark_adnominal(text: str, token: Morpheme, syllables: Mapping[int, Syllable]) -> None:
    """-(으)ㄹ and the endings that begin with it tense what follows (27)."""
    if not token.tag.startswith("E") or not token.form.startswith(_ADNOMINAL):
        return
    if token.tag == "ETM" and len(token.form) == 1:
        following = token.end
        while following < len(text) and text[following] == " ":
            following += 1
    else:
        following = token.start + 1
    if following in syllables:
        syllables[following].tense = True
