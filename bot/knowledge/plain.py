"""Official written Korean turned into short sentences in 해요체, for imported text."""

from __future__ import annotations

import re

from bot.knowledge.wording import MAX_SYLLABLES, sentences, syllables

_POLITE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"합니다$", "해요"),
        (r"됩니다$", "돼요"),
        (r"드립니다$", "드려요"),
        (r"줍니다$", "줘요"),
        (r"바랍니다$", "바라요"),
        (r"아닙니다$", "아니에요"),
        (r"입니다$", "이에요"),
        (r"받습니다$", "받아요"),
        (r"않습니다$", "않아요"),
        (r"([있없했였됐었았겠])습니다$", r"\1어요"),
        (r"돕습니다$", "도와요"),
        (r"([좋많찾같맞낮높])습니다$", r"\1아요"),
        (r"습니다$", "어요"),
        (r"있음$", "있어요"),
        (r"없음$", "없어요"),
        (r"함$", "해요"),
        (r"됨$", "돼요"),
        (r"(가능|필요)$", r"\1해요"),
        (
            r"(지원|제공|지급|감면|운영|실시|면제|할인|연계|설치|추진|보조|경감|대여|발급|상담|관리|보호"
            r"|교육|도모|기여|향상|강화|확대|개선|조성|육성|예방|증진|완화|해소)$",
            r"\1해요",
        ),
    )
)
_BRACKETS = re.compile(r"\s*[(\[〔「『][^()\[\]]*[)\]〕」』]")
_CLAUSE = re.compile(r"(?<=,)\s+|(?<=[고며서])\s+(?=\S{2,})")
_LEAD = re.compile(r"^(?:[-–•‣\d.)①-⑳]+\s*)+")
_LABEL = re.compile(r"^[가-힣_ ]{2,8}:\s*")


def polite(sentence: str) -> str:
    """Return `sentence` with its ending in 해요체; one that ends otherwise gets a plain close."""
    plain = sentence.strip().rstrip(".;,· ")
    for pattern, said in _POLITE:
        if pattern.search(plain):
            return pattern.sub(said, plain) + "."
    if re.search(r"[요죠]$", plain):
        return plain + "."
    return f"{plain}{copula(plain)}."


def copula(word: str) -> str:
    """Return 이에요 after a consonant, 예요 after a vowel."""
    last = word[-1:] or " "
    if not "가" <= last <= "힣":
        return "이에요"
    return "이에요" if (ord(last) - 0xAC00) % 28 else "예요"


def condense(text: str, count: int = 3, limit: int = MAX_SYLLABLES) -> str:
    """Return the first `count` sentences of official `text` that can be said in `limit` syllables.

    What is longer is cut at a clause; a sentence that cannot be cut is left out. May be empty.
    """
    said: list[str] = []
    for sentence in sentences(text):
        plain = _LABEL.sub("", _LEAD.sub("", _BRACKETS.sub("", sentence))).strip()
        short = _fit(plain, limit)
        if short and syllables(short) >= 6:
            said.append(polite(short))
        if len(said) == count:
            break
    return " ".join(said)


def _fit(sentence: str, limit: int) -> str:
    if syllables(sentence) <= limit - 2:
        return sentence
    kept = ""
    for clause in reversed(_CLAUSE.split(sentence)):
        joined = f"{clause} {kept}".strip()
        if syllables(joined) > limit - 2:
            break
        kept = joined
    return kept
