"""The monthly look at the access trail: who did what how often, and every reason that was given."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from bot.admin.report import inert
from bot.conversation.accounts import Access
from bot.conversation.summaries import KST

HEAD = ("kind", "account", "what", "count", "people", "first", "last", "origins", "why")
NIGHT = (20, 7)
"""Hours in Korea outside which views are pointed out: from 20:00 until 07:00."""


class MonthError(ValueError):
    """A month that is none; the message says how one is written."""


def month_of(text: str | None, moment: datetime) -> tuple[datetime, datetime]:
    """Return the first moment of a month in Korea and of the next; the last one by default."""
    here = moment.astimezone(KST).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if text is None:
        begin = (here - timedelta(days=1)).replace(day=1)
    else:
        try:
            begin = datetime.strptime(text, "%Y-%m").replace(tzinfo=KST)
        except ValueError as error:
            raise MonthError(f"{text!r} is no month. Write it as 2026-03.") from error
    after = (begin + timedelta(days=32)).replace(day=1)
    return begin.astimezone(UTC), after.astimezone(UTC)


def rows(session: Session, begin: datetime, end: datetime) -> list[tuple[str, ...]]:
    """Return a line for each account and action, then one for each reason and each night view."""
    within = (Access.at >= begin, Access.at < end)
    found: list[tuple[str, ...]] = []
    counted = session.execute(
        select(
            Access.account,
            Access.what,
            func.count(),
            func.count(distinct(Access.person_id)),
            func.min(Access.at),
            func.max(Access.at),
            func.count(distinct(Access.origin)),
        )
        .where(*within)
        .group_by(Access.account, Access.what)
        .order_by(Access.account, Access.what)
    ).tuples()
    for account, what, count, people, first, last, origins in counted:
        found.append(
            (
                "total",
                account,
                what,
                str(count),
                str(people),
                _at(first),
                _at(last),
                str(origins),
                "",
            )
        )
    told = session.scalars(select(Access).where(*within).order_by(Access.number))
    for row in told:
        if row.why:
            found.append(_one("reason", row))
        hour = row.at.astimezone(KST).hour
        if row.person_id is not None and (hour >= NIGHT[0] or hour < NIGHT[1]):
            found.append(_one("night", row))
    return found


def written(found: Sequence[tuple[str, ...]]) -> str:
    """Return the rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows([inert(cell) for cell in row] for row in found)
    return text.getvalue()


def _one(kind: str, row: Access) -> tuple[str, ...]:
    people = "" if row.person_id is None else str(row.person_id)
    at = _at(row.at)
    return (kind, row.account, row.what, row.subject, people, at, at, row.origin, row.why)


def _at(moment: datetime) -> str:
    return moment.astimezone(KST).strftime("%Y-%m-%d %H:%M:%S")
