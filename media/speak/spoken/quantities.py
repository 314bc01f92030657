"""Numbers in running text: with counters, big units, measures, decimals and fractions."""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod
from re import Match

from media.speak import hangul
from media.speak.spoken.calendar import month
from media.speak.spoken.counters import counter, native_limit
from media.speak.spoken.numbers import NATIVE_LIMIT, cardinal, decimal, digits, native, sino
from media.speak.spoken.reading import Rule, after, before, fixed
from media.speak.spoken.words import longest_first, words

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_RANGE = r" ?[~∼～–-] ?"
_COUNTED_DIGITS = 3
_BIG_DIGITS = 15
_POWERS = {"십": 10, "백": 100, "천": 1000, "만": 10**4, "억": 10**8, "조": 10**12}
_EXTENSION = re.compile(r"\d-\d{4} ?[~∼] ?$")
_HOUSE = ("번지", "호", "번길")
_ORDINALS = (*"첫둘셋넷", "다섯", "여섯", "일곱", "여덟", "아홉", "열")


def count(number: str, unit: str) -> str:
    """Return `number` as it is read before the counter `unit`: 3 명 → 세, 3 층 → 삼."""
    if number.isdecimal() and len(number) <= _COUNTED_DIGITS:
        value = int(number)
        if value == 1 and unit == "번째":
            return "첫"
        if 0 < value <= native_limit(unit) and value < NATIVE_LIMIT:
            return native(value)
        if unit == "월":
            return month(value)
    return decimal(number)


def _counted(match: Match[str], number: str, ahead: str) -> str:
    """Return `number` before the text `ahead`, as the words around it ask for."""
    unit = counter(ahead)
    rest = ahead.lstrip(" ")[len(unit) :]
    behind = before(match)
    if behind.endswith("제") or not _counts(number, unit, rest, behind):
        return decimal(number)
    return count(number, unit)


def _counts(number: str, unit: str, rest: str, behind: str) -> bool:
    """Whether a native counter really counts here, and does not name (4대 보험, 1번 창구)."""
    context = words().context
    rest_word = rest.lstrip()
    if unit == "대":
        age = number.endswith("0")
        machine = any(name in behind for name in context["machines"])
        named = rest_word.startswith(context["sets"]) or rest[:1].isdigit()
        return machine or not (age or named)
    if unit == "장":
        # The heading of a chapter, not a sheet.
        return bool(behind.strip()) or not re.match(r"[. ] ?[가-힣]", rest)
    if unit == "번":
        chosen = rest_word.lstrip("을를이나 ").startswith(context["presses"])
        return not (chosen or rest_word.startswith(context["labels"]))
    return True


def _quantity(match: Match[str], spoken: str) -> str:
    number, ahead = match["number"], after(match)
    unit = counter(ahead)
    if number.isdecimal() and number.startswith("0") and len(number) > 1 and not unit:
        return digits(number)
    if before(match).rstrip().endswith("코로나") or _EXTENSION.search(before(match)):
        return digits(number)
    people = unit == "분" and before(match).rstrip().endswith(words().context["people"])
    if people and re.fullmatch(r"[1-9]\d?", number):
        return native(int(number)) + ("" if ahead.startswith(" ") else " ")
    said = _counted(match, number, ahead)
    glued = unit in ("월", "여") or ahead.startswith("분의")
    return _lead(match) + said + (" " if unit and not glued and not ahead.startswith(" ") else "")


def _lead(match: Match[str]) -> str:
    """A space where a counter or a word such as 월 or 최대 stands right before: 11월23일, 월3만."""
    behind = before(match)
    leads = words().context["leads"]
    word = re.split(r"[^가-힣]", behind)[-1]
    return " " if word in leads or re.search(r"\d[년월일시분조항동호층]$", behind) else ""


def _big(match: Match[str], spoken: str) -> str | None:
    """A number in big units: 2억 5천만 원, 1만 원."""
    number, power, ahead = match["number"], match["power"], after(match)
    if before(match).endswith("제"):
        return None
    said = _powered(number, power)
    attached = hangul.is_syllable(ahead[:1]) and counter(ahead) not in ("", "여")
    return _lead(match) + said + (" " if attached or ahead[:1].isdigit() else "")


def _powered(number: str, power: str) -> str:
    if "." in number or not power:
        return decimal(number) + power
    value = int(number.replace(",", "")[:_BIG_DIGITS]) * prod(_POWERS[char] for char in power)
    return cardinal(str(value))


def _money(match: Match[str], spoken: str) -> str:
    number, power = match["number"], match["power"]
    said = _powered(number, power)
    return f"{said} {words().currencies[match['sign']]}"


def _range(match: Match[str], spoken: str) -> str | None:
    """The first number of a range: it takes the form, and a native counter, of the second."""
    first, second = match["number"], match["second"]
    ahead = after(match, 40)[len(second) :]
    unit = counter(ahead)
    if "-" in match["between"]:
        rising = (len(first), first) < (len(second), second)
        if unit in _HOUSE or not rising or not (unit or re.match(r" ?(?:%|퍼센트)", ahead)):
            return None
    said = _counted(match, first, ahead)
    if unit == "월":
        return f"{said}월에서 "
    repeated = said != decimal(first)
    return f"{said} {unit}에서 " if repeated else f"{said}에서 "


def _measure(match: Match[str], spoken: str) -> str:
    name = _unit_name(match["unit"])
    said = decimal(match["number"])
    if match["unit"].lower() == "km/h":
        return f"시속 {said} 킬로미터"
    if match["sign"]:
        said = ("영하 " if name == "도" else "마이너스 ") + said
    return f"{said} {name}"


def _unit_name(unit: str) -> str:
    units = words().units
    return units.get(unit, units.get(unit.lower(), "킬로미터"))


def _fraction(match: Match[str], spoken: str) -> str | None:
    part, whole = int(match["part"]), int(match["whole"])
    return f"{sino(whole)}분의 {sino(part)}" if 0 < part < whole <= 100 else None


def _version(match: Match[str], spoken: str) -> str:
    return "점".join(cardinal(part) for part in match[0].split("."))


def _score(match: Match[str], spoken: str) -> str:
    return f"{sino(int(match[1]))} 대 {sino(int(match[2]))}"


def _house(match: Match[str], spoken: str) -> str:
    unit = counter(after(match))
    gap = " " if unit and not after(match).startswith(" ") else ""
    return f"{cardinal(match[1])} 다시 {cardinal(match[2])}{gap}"


def _item(match: Match[str], spoken: str) -> str | None:
    """A number that opens an item, at the beginning of a line or of a clause: 1. → 첫째."""
    line = match.string[: match.start()].rpartition("\n")[2].rstrip()
    inside = line and (line[-1].isdigit() or int(match["number"]) > len(_ORDINALS))
    return None if inside else _ordinal(int(match["number"]))


def _ordinal(number: int) -> str:
    return f"{_ORDINALS[number - 1]}째, " if 1 <= number <= 10 else f"{sino(number)} 번, "


def _circled(match: Match[str], spoken: str) -> str:
    number = ord(match[0][0]) - ord("①") + 1
    ahead = after(match).lstrip()
    named = before(match).rstrip().endswith(("~", "∼")) or ahead[:1] in ("~", "∼", "·", ",", "")
    if ahead.startswith(("번", "항")):
        return sino(number) + " "
    return sino(number) if named else _ordinal(number)


@lru_cache(maxsize=1)
def quantities() -> tuple[Rule, ...]:
    """Return the rules for numbers, the most particular first."""
    units = "|".join(re.escape(unit) for unit in longest_first([*words().units, "km/h"]))
    signs = "".join(words().currencies)
    number = rf"(?P<number>{NUMBER})"
    return (
        Rule(re.compile(r"(?<!\S)(?P<number>\d{1,2})[.)] *(?=[^\W\d])"), _item),
        Rule(re.compile(r"(?<![^\n])(?P<number>\d{1,2})[.)] +(?=\d)"), _item),
        Rule(re.compile(r"[①-⑳] ?"), _circled),
        Rule(re.compile(rf"(?P<sign>[{signs}]) ?{number}(?P<power>[십백천만억조]*)"), _money),
        Rule(
            re.compile(
                rf"(?:(?<![\w)])(?P<sign>[-−]))?{number} ?(?P<unit>(?i:{units}))(?![A-Za-z0-9])"
            ),
            _measure,
        ),
        Rule(re.compile(r"(?<![\d./])(?P<part>\d{1,3})/(?P<whole>\d{1,3})(?![\d/])"), _fraction),
        Rule(re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d.])"), _version),
        Rule(re.compile(r"(?<![\d:])(\d{1,3}):(\d{1,3})(?![\d:])"), _score),
        Rule(re.compile(r"(?<![\d대])(\d{1,3})대 ?(\d{1,3})(?!\d)"), _score),
        Rule(re.compile(rf"{number}(?P<between>{_RANGE})(?=(?P<second>{NUMBER}))"), _range),
        Rule(re.compile(r"(?<![\d-])(\d{1,6})-(\d{1,5})(?![\d-])"), _house),
        Rule(re.compile(rf"{number}(?P<power>[십백천만억조]+)(?![큼])"), _big),
        Rule(re.compile(rf"(?<![\w)])[-−](?={NUMBER})"), fixed("마이너스 ")),
        Rule(re.compile(rf"(?<![\w)])\+(?={NUMBER})"), fixed("플러스 ")),
        Rule(re.compile(r"(?<=\d) ?\+ ?(?=\d)"), fixed(" 더하기 ")),
        Rule(re.compile(r"(?<=[조항장절호])제(?=\d)"), fixed(" 제")),
        Rule(re.compile(number), _quantity),
    )
