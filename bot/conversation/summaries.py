"""What days and months came to, counted once: the dashboard adds up instead of reading turns."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Date, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.conversation.columns import Base, Document, UtcDateTime, now

KST = timezone(timedelta(hours=9))
"""The time of day in Korea; there is no summer time."""


class DaySummary(Base):
    """The counts of one day in Korea. They name nobody and stay when turns are deleted."""

    __tablename__ = "day_summaries"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    counts: Mapped[dict[str, Any]] = mapped_column(Document, comment="See bot.admin.figures")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class MonthSummary(Base):
    """The sums of a month's `DaySummary` rows. There is none while a day of it has none."""

    __tablename__ = "month_summaries"

    month: Mapped[date] = mapped_column(Date, primary_key=True, comment="Its first day")
    counts: Mapped[dict[str, Any]] = mapped_column(Document, comment="See bot.admin.figures")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def forget_day(session: Session, moment: datetime) -> None:
    """Have the day of `moment` counted anew: something in it has changed."""
    day = moment.astimezone(KST).date()
    # The day first: whoever sums its month holds the day's row until the sum can be seen.
    session.execute(delete(DaySummary).where(DaySummary.day == day))
    session.execute(delete(MonthSummary).where(MonthSummary.month == day.replace(day=1)))
