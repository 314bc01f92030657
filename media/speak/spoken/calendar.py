"""Dates and times of day."""

from __future__ import annotations

import re
from re import Match

from media.speak.spoken.counters import counter
from media.speak.spoken.numbers import digits, native, sino
from media.speak.spoken.reading import Rule, after
from media.speak.spoken.words import words

_MONTHS = {6: "유", 10: "시"}


def month(number: int) -> str:
    """Return the name of a month without 월: 6 → 유, 10 → 시, 11 → 십일."""
    return _MONTHS.get(number, sino(number))


def hour(number: int) -> str:
    """Return an hour without 시: native up to twelve, Sino-Korean beyond, 영 for zero."""
    return native(number) if 1 <= number <= 12 else sino(number)


def _is_day(month_: int, day: int) -> bool:
    return 1 <= month_ <= 12 and 1 <= day <= 31


def _date(match: Match[str], spoken: str) -> str | None:
    year, month_, day = (int(match[name]) for name in ("year", "month", "day"))
    if not _is_day(month_, day):
        return None
    return f"{sino(year)} 년 {month(month_)}월 {sino(day)} 일"


def _year_month(match: Match[str], spoken: str) -> str | None:
    year, month_ = int(match["year"]), int(match["month"])
    return f"{sino(year)} 년 {month(month_)}월" if _is_day(month_, 1) else None


def _month_day(match: Match[str], spoken: str) -> str | None:
    month_, day = int(match["month"]), int(match["day"])
    return f"{month(month_)}월 {sino(day)} 일" if _is_day(month_, day) else None


def _short_year(match: Match[str], spoken: str) -> str:
    return sino(int(match["year"])) + " 년"


def _weekday(match: Match[str], spoken: str) -> str:
    return f" {match['day']}요일"


def _event(match: Match[str], spoken: str) -> str | None:
    """6·25: a day that names an event is read digit by digit."""
    month_, day = int(match["month"]), int(match["day"])
    ahead = after(match).lstrip()
    named = ahead.startswith(words().context["events"])
    dotted = match["dot"] in "·ㆍ" and not counter(after(match)) and len(match["day"]) == 2
    return digits(match[0]) if _is_day(month_, day) and (named or dotted) else None


def _time(match: Match[str], spoken: str) -> str | None:
    hours, minutes, seconds = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if hours > 24 or minutes > 59 or seconds > 59:
        return None
    parts = [f"{hour(hours)} 시"]
    if minutes:
        parts.append(f"{sino(minutes)} 분")
    if seconds:
        parts.append(f"{sino(seconds)} 초")
    return " ".join(parts)


_YEAR = r"(?P<year>(?:19|20|21)\d\d)"
_MONTH = r"(?P<month>\d{1,2})"
_DAY = r"(?P<day>\d{1,2})"
CALENDAR = (
    Rule(re.compile(rf"(?<!\d){_YEAR}(?P<dot>[-./]) ?{_MONTH}(?P=dot) ?{_DAY}\.?(?!\d)"), _date),
    Rule(re.compile(rf"[’'‘`](?P<year>\d\d)\. ?{_MONTH}\. ?{_DAY}\.?(?!\d)"), _date),
    Rule(re.compile(rf"(?<!\d){_YEAR}\. ?{_MONTH}\.(?! ?\d)"), _year_month),
    Rule(re.compile(rf"(?<!\d){_YEAR}\. ?{_MONTH}월"), _year_month),
    Rule(re.compile(rf"(?<![\d.]){_MONTH}\. ?{_DAY}\.(?! ?\d)"), _month_day),
    Rule(re.compile(rf"(?<![\d/]){_MONTH}/{_DAY}(?= ?\([월화수목금토일](?:요일)?\))"), _month_day),
    Rule(re.compile(r"[’'‘`](?P<year>\d\d)(?:년|\.(?= ?\d))"), _short_year),
    Rule(re.compile(r"(?<=[\d일.]) ?\((?P<day>[월화수목금토일])(?:요일)?\)"), _weekday),
    Rule(re.compile(rf"(?<![\d.]){_MONTH}(?P<dot>[·ㆍ.]){_DAY}(?!\d)"), _event),
    Rule(
        re.compile(r"(?<![\d:])(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?![\d:])"),
        _time,
    ),
)
