"""What days come to, added up."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update

from bot.admin.figures import bucket, figures, percentile, roll_up, unanswered
from bot.admin.filters import midnight
from bot.conversation.models import Conversation, Turn
from bot.conversation.summaries import DaySummary, MonthSummary, forget_day
from tests.bot.admin.conftest import BEGIN, Office, both, talk

DAY = date(2026, 3, 2)


def test_percentiles_are_right_to_a_twentieth() -> None:
    times = [0.005, *(0.1 * n for n in range(1, 100))]
    buckets: dict[int, int] = {}
    for one in times:
        buckets[bucket(one)] = buckets.get(bucket(one), 0) + 1
    assert percentile(buckets, 0.5) == pytest.approx(4.9, rel=0.05)
    assert percentile(buckets, 0.95) == pytest.approx(9.4, rel=0.05)
    assert percentile(buckets, 0.001) == 0.01
    assert percentile({}, 0.5) == 0.0


def test_a_day_is_counted(office: Office) -> None:
    talk(office, seconds=4.0, helpful=True, article_title="기초연금")
    talk(office, seconds=8.0, helpful=False, channel="phone", outcome="refused", article_id="")
    talk(office, at=BEGIN + timedelta(days=1))
    talk(office, channel="console")
    with office.desk.writing() as session:
        # A turn's day is that of its question.
        session.execute(update(Turn).values(created_at=BEGIN).where(Turn.id.in_((1, 2, 4))))
        session.execute(
            update(Turn).values(created_at=BEGIN + timedelta(days=1)).where(Turn.id == 3)
        )
        found = figures(session, DAY, DAY, today=DAY)
    assert found.turns == 2 and found.outcome("answered") == 1
    assert found.hours == {("kakao", "10"): 1, ("phone", "10"): 1}
    assert found.articles == {("basic-pension", "기초연금"): 1}
    assert found.ratings == {"good": 1, "bad": 1}
    assert percentile(found.response[("phone",)], 0.5) == pytest.approx(8.0, rel=0.05)
    assert percentile(found.steps[("kakao", "voice")], 0.5) == pytest.approx(0.75, rel=0.05)
    assert found.work["kakao"] == 1500 and found.messages == {"kakao": 1, "phone": 1}
    assert sorted(found.channels()) == ["kakao", "phone"]


def test_a_day_that_is_over_is_counted_once(office: Office) -> None:
    talk(office)
    today = DAY + timedelta(days=10)
    with office.desk.writing() as session:
        session.execute(update(Turn).values(created_at=BEGIN))
        assert figures(session, DAY, today, today).turns == 1
    with office.desk.writing() as session:
        assert session.scalars(select(DaySummary.day)).all() == [
            DAY + timedelta(days=n) for n in range(9)
        ]
        session.execute(update(Turn).values(outcome="refused"))
        assert figures(session, DAY, today, today).outcome("refused") == 0
        forget_day(session, BEGIN)
        assert figures(session, DAY, today, today).outcome("refused") == 1


def test_days_are_rolled_up_a_few_at_a_time(office: Office) -> None:
    today = DAY + timedelta(days=5)
    with office.desk.writing() as session:
        assert roll_up(session, today) == 0
    talk(office)
    with office.desk.writing() as session:
        session.execute(update(Turn).values(created_at=BEGIN))
        assert roll_up(session, today, most=3) == 3
        assert roll_up(session, today, most=3) == 1
        assert roll_up(session, today) == 0


@both
def test_a_month_that_is_over_is_added_up_once(office: Office) -> None:
    for n in range(4):
        talk(office, seconds=2.0 + n, outcome="answered" if n % 2 else "refused")
    moments = [BEGIN - timedelta(days=40), BEGIN, BEGIN + timedelta(days=3), BEGIN]
    today = date(2026, 4, 5)
    with office.desk.writing() as session:
        for number, moment in enumerate(moments, 1):
            session.execute(update(Turn).values(created_at=moment).where(Turn.id == number))
        by_days = figures(session, date(2026, 2, 20), today, today)
        assert session.scalars(select(MonthSummary)).all() == []
    with office.desk.writing() as session:
        roll_up(session, today, most=100)
    with office.desk.writing() as session:
        # January began before the first question, April is not over.
        assert sorted(session.scalars(select(MonthSummary.month))) == [
            date(2026, 2, 1),
            date(2026, 3, 1),
        ]
        assert figures(session, date(2026, 2, 20), today, today) == by_days
        assert by_days.turns == 3 and by_days.outcome("refused") == 1
        # What lies in the range whole is read from the months.
        session.execute(delete(DaySummary).where(DaySummary.day == DAY))
        session.execute(update(Turn).values(outcome="handed_over").where(Turn.id == 2))
        assert figures(session, date(2026, 2, 20), today, today) == by_days
        assert figures(session, DAY, DAY, today).outcome("handed_over") == 1


@both
def test_a_month_is_added_up_anew_when_a_day_of_it_changes(office: Office) -> None:
    talk(office)
    today = DAY + timedelta(days=45)
    since = DAY.replace(day=1)
    with office.desk.writing() as session:
        session.execute(update(Turn).values(created_at=midnight(since)))
        roll_up(session, today, most=100)
        session.execute(update(Turn).values(outcome="refused"))
        assert figures(session, since, today, today).outcome("refused") == 0
        forget_day(session, midnight(since))
        assert session.scalars(select(MonthSummary)).all() == []
        assert figures(session, since, today, today).outcome("refused") == 1
        roll_up(session, today)
        assert session.scalars(select(MonthSummary.month)).all() == [since]
        assert figures(session, since, today, today).outcome("refused") == 1


def test_questions_left_unanswered_are_counted_alike(office: Office) -> None:
    for asked in ("우주 여행은요?", "우주여행은요", "달나라", "우주 여행은요?"):
        talk(office, asked, outcome="refused", article_id="")
    talk(office, "사람 바꿔줘", outcome="clarified", act="human")
    with office.desk.writing() as session:
        session.execute(update(Turn).values(created_at=BEGIN))
        assert session.scalar(select(Conversation.id).limit(1))
        assert unanswered(session, DAY, DAY) == [("우주 여행은요?", "3"), ("달나라", "1")]
