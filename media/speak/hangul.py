"""Hangul syllables and their letters (jamo)."""

from __future__ import annotations

ONSETS = tuple("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ")
VOWELS = tuple("ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ")
CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")

_FIRST = 0xAC00
_LAST = 0xD7A3
_PER_ONSET = len(VOWELS) * len(CODAS)


def is_syllable(char: str) -> bool:
    """Whether `char` is one composed Hangul syllable (가–힣)."""
    return len(char) == 1 and _FIRST <= ord(char) <= _LAST


def is_hangul(text: str) -> bool:
    """Whether `text` is one or more composed Hangul syllables and nothing else."""
    return bool(text) and all(_FIRST <= ord(char) <= _LAST for char in text)


def split(char: str) -> tuple[str, str, str]:
    """Return (onset, vowel, coda) of a syllable; the coda may be empty.

    ValueError where `char` is not a composed syllable.
    """
    if not is_syllable(char):
        raise ValueError(f"not a Hangul syllable: {char!r}")
    index = ord(char) - _FIRST
    onset, rest = divmod(index, _PER_ONSET)
    vowel, coda = divmod(rest, len(CODAS))
    return ONSETS[onset], VOWELS[vowel], CODAS[coda]


def join(onset: str, vowel: str, coda: str = "") -> str:
    """Return the syllable made of the three letters; ValueError for a letter out of place."""
    index = ONSETS.index(onset) * _PER_ONSET + VOWELS.index(vowel) * len(CODAS) + CODAS.index(coda)
    return chr(_FIRST + index)


def coda(char: str) -> str:
    """Return the final letter of a syllable, "" for an open one or for any other character."""
    return split(char)[2] if is_syllable(char) else ""
