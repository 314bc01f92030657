"""Brackets, quotes, signs and particles written in two forms."""

from __future__ import annotations

import re
from functools import lru_cache
from re import Match

from media.speak import hangul
from media.speak.spoken.reading import Rule, after, before, fixed
from media.speak.spoken.words import words

_TWO_FORMS = {
    # particle: (after a coda, after a vowel)
    **dict.fromkeys(("은", "는"), ("은", "는")),
    **dict.fromkeys(("이", "가"), ("이", "가")),
    **dict.fromkeys(("을", "를"), ("을", "를")),
    **dict.fromkeys(("과", "와"), ("과", "와")),
    **dict.fromkeys(("으로", "로"), ("으로", "로")),
    **dict.fromkeys(("이나", "나"), ("이나", "나")),
    **dict.fromkeys(("이랑", "랑"), ("이랑", "랑")),
    **dict.fromkeys(("이란", "란"), ("이란", "란")),
    **dict.fromkeys(("이라", "라"), ("이라", "라")),
}
_PARTICLES = "|".join(sorted(_TWO_FORMS, key=len, reverse=True))


def agree(particle: str, spoken: str) -> str:
    """Return the form of `particle` that fits the syllable `spoken` before it."""
    closed, open_ = _TWO_FORMS[particle]
    coda = hangul.coda(spoken)
    if not spoken:
        return particle
    return closed if coda and not (closed == "으로" and coda == "ㄹ") else open_


def _two_forms(match: Match[str], spoken: str) -> str:
    return agree(next(group for group in match.groups() if group), spoken)


def _optional(match: Match[str], spoken: str) -> str:
    """(으)로, (이)나: the bracket is said after a coda."""
    return agree(match[1] + match[2], spoken)


def _open(match: Match[str], spoken: str) -> str:
    behind = before(match).rstrip()
    return "" if not behind or behind[-1] in ",.?!:([" else ", "


def _close(match: Match[str], spoken: str) -> str:
    """Whatever follows a closing bracket directly is a particle of the phrase before it."""
    particle, ahead = match["particle"], after(match)
    if particle:
        return agree(particle, spoken)
    if not ahead.strip() or ahead.lstrip()[0] in ",.?!:)~∼-":
        return ""
    return "" if hangul.is_syllable(ahead[0]) else ", "


def _wave(match: Match[str], spoken: str) -> str:
    """~ between two things is a range, after one word only a drawn-out sound."""
    text = match[0]
    symmetric = text.startswith(" ") == text.endswith(" ")
    if not spoken or not after(match).strip() or after(match)[0] in ".,?!)":
        return ""
    return "에서 " if symmetric else " "


def _colon(match: Match[str], spoken: str) -> str:
    return ", " if after(match).strip() and spoken else ""


def _equals(match: Match[str], spoken: str) -> str:
    return agree("은", spoken) + " "


def _stop(match: Match[str], spoken: str) -> str:
    return "?" if "?" in match[0] else "!"


def _circles(match: Match[str], spoken: str) -> str:
    name = before(match)[-1:].strip() or after(match)[:1].strip()
    return "땡땡" if name else ""


def _slash(match: Match[str], spoken: str) -> str:
    return ", " if spoken and after(match).strip() else ""


@lru_cache(maxsize=1)
def marks() -> tuple[Rule, ...]:
    """Return the rules for marks, the most particular first."""
    signs = re.escape("".join(words().signs))
    pairs = "|".join(
        rf"(?:{one}\({other}\))"
        for one, other in (
            ("(은)", "는"),
            ("(는)", "은"),
            ("(이)", "가"),
            ("(가)", "이"),
            ("(을)", "를"),
            ("(를)", "을"),
            ("(과)", "와"),
            ("(와)", "과"),
        )
    )
    return (
        Rule(re.compile(rf"(?:{pairs})(?![가-힣])"), _two_forms),
        Rule(re.compile(r"\((으|이)\)(로|나|랑|란|라)"), _optional),
        Rule(
            re.compile(r"(?<=[가-힣])\((?:[A-Za-z][A-Za-z0-9 &-]*|[\u4e00-\u9fff ]+)\)"), fixed("")
        ),
        Rule(re.compile(r"\(주\)"), fixed("주식회사")),
        Rule(re.compile(r" ?\("), _open),
        Rule(re.compile(rf"\)(?:(?P<particle>{_PARTICLES})(?![가-힣]))?"), _close),
        Rule(re.compile(r"\s*[~∼～]\s*"), _wave),
        Rule(re.compile(r"\s*[-–—]\s*(?=\d{1,2}:\d\d)"), fixed("에서 ")),
        Rule(re.compile(r"\s*:(?!\d)\s*"), _colon),
        Rule(re.compile(r"\s*=\s*"), _equals),
        Rule(re.compile(r"(?<=\d),(?=\d)"), fixed(" ")),
        Rule(re.compile(r"\s*\+\s*"), fixed(" 플러스 ")),
        Rule(re.compile(r"…+|\.{2,}"), fixed(".")),
        Rule(re.compile(r"\.(?=[A-Za-z])"), fixed(" ")),
        Rule(re.compile(r"[?!]{2,}"), _stop),
        Rule(re.compile(r"[○◯〇]+(?=\s|$)|[○◯〇]{2,}"), _circles),
        Rule(re.compile(r"\*(?=표)"), fixed("별")),
        Rule(re.compile(r"\s*/\s*"), _slash),
        Rule(re.compile(r"(?<=\w)[-–—](?=\w)"), fixed(" ")),
        Rule(re.compile(r"(?<=\S)[\]】](?= \S)"), fixed(",")),
        Rule(re.compile(r"[\]】]"), fixed("")),
        Rule(re.compile(rf"\s*[{signs}]"), _sign),
    )


def _sign(match: Match[str], spoken: str) -> str:
    said = words().signs[match[0].strip()]
    lead = " " if match[0][0].isspace() and not said.startswith((" ", ",")) else ""
    return lead + said
