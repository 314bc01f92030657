"""Text made even before it is read: one form of each letter, Hanja as sounds."""

from __future__ import annotations

import re
import unicodedata
from re import Match

from media.speak.spoken.words import words

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20}
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–−", "-"))
_HANJA = re.compile(r"[\u4e00-\u9fff]+")
_FIRST_SOUND = {
    # 두음 법칙: how a word begins (맞춤법 제10–12항)
    "녀": "여",
    "년": "연",
    "념": "염",
    "뇨": "요",
    "니": "이",
    "닉": "익",
    "랴": "야",
    "려": "여",
    "력": "역",
    "련": "연",
    "렬": "열",
    "령": "영",
    "례": "예",
    "료": "요",
    "류": "유",
    "륙": "육",
    "률": "율",
    "리": "이",
    "림": "임",
    "립": "입",
    "량": "양",
    "라": "나",
    "락": "낙",
    "란": "난",
    "랑": "낭",
    "래": "내",
    "랭": "냉",
    "로": "노",
    "록": "녹",
    "론": "논",
    "뢰": "뇌",
    "루": "누",
}


def clean(text: str) -> str:
    """Return `text` composed (NFC), at normal width, with known Hanja as Hangul.

    Apart from composing, every character keeps its place. A gloss in brackets stays in Hanja.
    """
    composed = unicodedata.normalize("NFC", text).translate(_FULL_WIDTH).translate(_DASHES)
    return _HANJA.sub(_sound, composed)


def _sound(match: Match[str]) -> str:
    text, begin, end = match.string, match.start(), match.end()
    glossed = text[begin - 1 : begin] == "(" and text[end : end + 1] == ")" and begin > 1
    if glossed and "가" <= text[begin - 2] <= "힣":
        return match[0]
    sounds = [words().hanja.get(char, char) for char in match[0]]
    starts_word = begin == 0 or not (text[begin - 1].isalnum())
    if starts_word:
        sounds[0] = _FIRST_SOUND.get(sounds[0], sounds[0])
    return "".join(sounds)
