"""The figures of the dashboard: days that are counted once and added up.

A day (in Korea) that is over is kept as a `DaySummary`, and a month that is over as the sum of its
days, a `MonthSummary`; today and yesterday are counted anew each time. Times are kept as counts of
buckets that are 8 % wide, so that the percentiles of any number of days come from adding; they are
right to within 4 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.admin.filters import CONSOLE, midnight
from bot.conversation.models import Conversation, Delivery, Sending, Turn, TurnStep
from bot.conversation.summaries import KST, DaySummary, MonthSummary
from bot.knowledge.morphemes import squeeze

SHORTEST = 0.01
"""Seconds; the first bucket ends here."""

WIDTH = math.log(1.08)
LIVE_DAYS = 2
"""Today and yesterday: their turns may still change."""

MOST_TOPICS = 200
"""Articles a day that are kept; the rest of a day's are too rare to be a top question."""

MOST_UNANSWERED = 3000
PART = 5000
"""Rows that are looked up at a time."""

DAYS_OF_MONTH = "days"
"""In a month's counts: the outcomes of each of its days."""

Buckets = Counter[int]
Key = tuple[str, ...]


@dataclass
class Figures:
    """Counts by what they are of. Outcomes and hours are by channel; times are buckets."""

    days: int = 1
    by_day: dict[date, Counter[str]] = field(default_factory=dict)
    hours: Counter[Key] = field(default_factory=Counter)
    """(channel, hour in Korea)"""
    outcomes: Counter[Key] = field(default_factory=Counter)
    """(channel, outcome)"""
    response: dict[Key, Buckets] = field(default_factory=dict)
    """(channel,): seconds from the question until the reply had left"""
    steps: dict[Key, Buckets] = field(default_factory=dict)
    """(channel, step)"""
    articles: Counter[Key] = field(default_factory=Counter)
    """(id, title)"""
    ratings: Counter[str] = field(default_factory=Counter)
    work: Counter[str] = field(default_factory=Counter)
    """Seconds of computing, by channel"""
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def turns(self) -> int:
        """Return how many questions there were."""
        return sum(self.outcomes.values())

    def channels(self) -> list[str]:
        """Return the channels that had questions, the busiest first."""
        busy: Counter[str] = Counter()
        for (channel, _), count in self.outcomes.items():
            busy[channel] += count
        return [channel for channel, _ in busy.most_common()]

    def outcome(self, name: str) -> int:
        """Return how many questions came out as `name`."""
        return sum(count for (_, outcome), count in self.outcomes.items() if outcome == name)


def bucket(seconds: float) -> int:
    """Return the bucket of a time."""
    return 0 if seconds <= SHORTEST else 1 + int(math.log(seconds / SHORTEST) / WIDTH)


def percentile(buckets: Mapping[int, int], share: float) -> float:
    """Return the time below which `share` of the times are, in seconds; 0 where there are none."""
    left = share * sum(buckets.values())
    for number in sorted(buckets):
        left -= buckets[number]
        if left <= 0:
            return SHORTEST * math.exp(WIDTH * (number - 0.5)) if number else SHORTEST
    return 0.0


def figures(session: Session, since: date, until: date, today: date) -> Figures:
    """Return the figures of the days from `since` to `until`, both included.

    Summaries of days that are missing are made in `session`'s transaction.
    """
    whole = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    months = _whole_months(session, since, until)
    days = [day for day in whole if day.replace(day=1) not in months]
    settled = [day for day in days if (today - day).days >= LIVE_DAYS]
    known = dict(
        session.execute(select(DaySummary.day, DaySummary.counts).where(DaySummary.day.in_(days)))
        .tuples()
        .all()
    )
    first = _first_day(session)
    for day in settled:
        if day not in known and first is not None and day >= first:
            known[day] = summarise(session, day)
            session.add(DaySummary(day=day, counts=known[day]))
    for day in days:
        if day not in settled and day <= today:
            known[day] = summarise(session, day)
    return _added({day: known.get(day, {}) for day in days}, months.values())


def roll_up(session: Session, today: date, most: int = 10) -> int:
    """Make up to `most` summaries of past days that have none; return how many were made.

    Months all of whose days have one are summed up, too.
    """
    first = _first_day(session)
    if first is None:
        return 0
    known = set(session.scalars(select(DaySummary.day)))
    last = today - timedelta(days=LIVE_DAYS)
    missing = [
        day
        for day in (last - timedelta(days=n) for n in range((last - first).days + 1))
        if day not in known
    ][:most]
    for day in missing:
        session.add(DaySummary(day=day, counts=summarise(session, day)))
    session.flush()
    _sum_months(session, known.union(missing))
    return len(missing)


def _sum_months(session: Session, days: Iterable[date]) -> None:
    """Make the summaries of months that have none and all of whose days are among `days`."""
    summed = set(session.scalars(select(MonthSummary.month)))
    counted = Counter(day.replace(day=1) for day in days)
    for month, count in counted.items():
        after = _next_month(month)
        if month in summed or count < (after - month).days:
            continue
        # Held, so that no day is forgotten before its month can be, and no other worker sums them.
        rows = session.execute(
            select(DaySummary.day, DaySummary.counts)
            .where(DaySummary.day >= month, DaySummary.day < after)
            .order_by(DaySummary.day)
            .with_for_update()
        )
        found: dict[date, dict[str, Any]] = dict(rows.tuples().all())
        if len(found) == count and session.get(MonthSummary, month) is None:
            outcomes = {day.isoformat(): one.get("outcomes", {}) for day, one in found.items()}
            sums: dict[str, Any] = {**_summed(found.values()), DAYS_OF_MONTH: outcomes}
            session.add(MonthSummary(month=month, counts=sums))


def _whole_months(session: Session, since: date, until: date) -> dict[date, dict[str, Any]]:
    """Return the kept sums of the months that lie within `since` to `until`, by first day."""
    rows = session.execute(
        select(MonthSummary.month, MonthSummary.counts).where(
            MonthSummary.month >= since,
            # The month of the day after is not over by `until`.
            MonthSummary.month < (until + timedelta(days=1)).replace(day=1),
        )
    )
    return dict(rows.tuples().all())


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _summed(counts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Return the counts of each kind as one."""
    sums: dict[str, dict[str, int]] = {}
    for one in counts:
        for kind, found in one.items():
            total = sums.setdefault(kind, {})
            for name, count in found.items():
                total[name] = total.get(name, 0) + count
    return sums


def unanswered(session: Session, since: date, until: date, most: int = 10) -> list[Key]:
    """Return the questions most often left without an answer, each with how often.

    Where there are very many, the newest `MOST_UNANSWERED` of them are counted.
    """
    newest = (
        select(Turn.text)
        .join(Turn.conversation)
        .where(
            Turn.outcome.in_(("refused", "clarified")),
            Turn.act.in_(("", "clarify")),
            Turn.text > "",
            Turn.created_at >= midnight(since),
            Turn.created_at < midnight(until) + timedelta(days=1),
            Conversation.channel != CONSOLE,
        )
        .order_by(Turn.created_at.desc())
        .limit(MOST_UNANSWERED)
        .subquery()
    )
    found = session.execute(
        select(newest.c.text, func.count())
        .group_by(newest.c.text)
        .order_by(func.count().desc(), newest.c.text)
        .limit(20 * most)
    ).tuples()
    alike: dict[str, tuple[str, int]] = {}
    for asked, count in found:
        shown, before = alike.get(squeeze(asked), (asked, 0))
        alike[squeeze(asked)] = (shown, before + count)
    ordered = sorted(alike.values(), key=lambda one: -one[1])
    return [(asked, str(count)) for asked, count in ordered[:most]]


def summarise(session: Session, day: date) -> dict[str, Any]:
    """Count the turns that began on `day`."""
    begin, end = midnight(day), midnight(day) + timedelta(days=1)
    counts: dict[str, Counter[str]] = {
        name: Counter()
        for name in ("hours", "outcomes", "response", "steps", "articles", "ratings", "work")
    }
    turns = session.execute(
        select(
            Turn.id,
            Turn.conversation_id,
            Turn.created_at,
            Turn.outcome,
            Turn.article_id,
            Turn.article_title,
            Turn.seconds,
            Turn.helpful,
        ).where(Turn.created_at >= begin, Turn.created_at < end)
    ).all()
    # Three plain look-ups by id: joined, a database may read whole tables for one day.
    channels = dict(
        _of(
            session, Conversation.id, {turn.conversation_id for turn in turns}, Conversation.channel
        )
    )
    channel_of: dict[int, str] = {}
    for turn in turns:
        channel = channels[turn.conversation_id]
        if channel == CONSOLE:
            continue
        channel_of[turn.id] = channel
        counts["hours"][_name(channel, str(turn.created_at.astimezone(KST).hour))] += 1
        counts["outcomes"][_name(channel, turn.outcome or "waiting")] += 1
        if turn.seconds is not None:
            counts["response"][_name(channel, str(bucket(turn.seconds)))] += 1
        if turn.article_id and turn.outcome == "answered":
            counts["articles"][_name(turn.article_id, turn.article_title)] += 1
        if turn.helpful is not None:
            counts["ratings"]["good" if turn.helpful else "bad"] += 1
    shown = (TurnStep.step, TurnStep.seconds, TurnStep.error)
    steps: Counter[tuple[str, str, int]] = Counter()
    for turn_id, step, seconds, error in _of(session, TurnStep.turn_id, channel_of, *shown):
        if not error:
            steps[channel_of[turn_id], step, bucket(seconds)] += 1
            counts["work"][channel_of[turn_id]] += round(1000 * seconds)
    counts["steps"].update({_name(*of, str(number)): n for (*of, number), n in steps.items()})
    counts["articles"] = Counter(dict(counts["articles"].most_common(MOST_TOPICS)))
    sent = (Sending.SENT, Sending.DELIVERED)
    messages = Counter(
        channel_of[turn_id]
        for turn_id, state in _of(session, Delivery.turn_id, channel_of, Delivery.state)
        if state in sent
    )
    return {name: dict(found) for name, found in counts.items()} | {"messages": dict(messages)}


def _of(session: Session, key: Any, ids: Iterable[int], *columns: Any) -> Iterator[tuple[Any, ...]]:
    """Yield `key` and `columns` of the rows whose `key` is one of `ids`."""
    wanted = sorted(ids)
    if wanted and wanted[-1] - wanted[0] < 2 * len(wanted):
        # Close together: one range is read sooner than so many numbers.
        among = set(wanted)
        for row in session.execute(
            select(key, *columns).where(key.between(wanted[0], wanted[-1]))
        ).tuples():
            if row[0] in among:
                yield row
        return
    for start in range(0, len(wanted), PART):
        yield from session.execute(
            select(key, *columns).where(key.in_(wanted[start : start + PART]))
        ).tuples()


def _added(
    days: Mapping[date, Mapping[str, Mapping[str, int]]], months: Iterable[Mapping[str, Any]]
) -> Figures:
    """Return the counts as one; names are taken apart once, after adding."""
    outcomes = {day: counts.get("outcomes", {}) for day, counts in days.items()}
    parts: list[Mapping[str, Mapping[str, int]]] = []
    for month in months:
        outcomes.update((date.fromisoformat(day), one) for day, one in month[DAYS_OF_MONTH].items())
        parts.append({kind: found for kind, found in month.items() if kind != DAYS_OF_MONTH})
    sums = _summed([*parts, *days.values()])
    made = Figures(days=len(outcomes))
    for day in sorted(outcomes):
        whole = made.by_day.setdefault(day, Counter())
        for name, count in outcomes[day].items():
            whole[_parts(name)[1]] += count
    for target, kind in ((made.outcomes, "outcomes"), (made.hours, "hours")):
        target.update({_parts(name): count for name, count in sums.get(kind, {}).items()})
    made.articles.update({_parts(n): count for n, count in sums.get("articles", {}).items()})
    for times, kind in ((made.response, "response"), (made.steps, "steps")):
        for name, count in sums.get(kind, {}).items():
            *of, number = _parts(name)
            times.setdefault(tuple(of), Counter())[int(number)] += count
    made.ratings.update(sums.get("ratings", {}))
    made.messages.update(sums.get("messages", {}))
    made.work.update(sums.get("work", {}))
    return made


def _first_day(session: Session) -> date | None:
    moment = session.scalar(select(func.min(Turn.created_at)))
    return moment.astimezone(KST).date() if moment else None


def _name(*parts: str) -> str:
    return "\t".join(part.replace("\t", " ") for part in parts)


def _parts(name: str) -> Key:
    return tuple(name.split("\t"))
