"""The dashboard, its exports, and the monthly look at the trail."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from bot.admin.figures import figures
from bot.admin.monthly import MonthError, month_of, rows, written
from bot.admin.plots import TICKS, stacked, tick
from bot.admin.report import Report
from bot.conversation.accounts import Role
from bot.conversation.models import Turn
from bot.sections import Costs
from tests.bot.admin.conftest import BEGIN, Office, send, talk


def some(office: Office) -> None:
    talk(office, seconds=4.0, helpful=True, article_title="기초연금")
    talk(office, "=1+1 달나라", seconds=9.0, channel="phone", outcome="refused", article_id="")
    with office.desk.writing() as session:
        session.execute(update(Turn).values(created_at=BEGIN))


def test_the_dashboard_shows_how_it_goes(office: Office) -> None:
    some(office)
    client = office.log_in()
    page = client.get("/admin/dashboard").text
    for told in ("50.0 %", "기초연금", "달나라", "100 %", "<svg", "카카오톡", "p95"):
        assert told in page, told
    assert page.count("<rect") == 2 + 2
    assert "style=" not in page
    assert "파일로 받기" not in page
    assert client.get("/admin/dashboard?days=8").status_code == 200
    assert office.trail()[-1].what == "dashboard_viewed"


@pytest.mark.parametrize("form", ["csv", "pdf"])
def test_figures_are_taken_out_for_a_reason(office: Office, form: str) -> None:
    some(office)
    client = office.log_in(Role.OPERATOR)
    assert send(client, "/admin/dashboard/export", form=form, days="7").status_code == 400
    why = {"why": "월간 보고에 필요해요", "days": "7"}
    assert send(client, "/admin/dashboard/export", form="doc", **why).status_code == 400
    answer = send(client, "/admin/dashboard/export", form=form, **why)
    assert "attachment" in answer.headers["Content-Disposition"]
    if form == "csv":
        found = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert ["total", "", "질문", "2"] in found
        assert ["unanswered", "", "'=1+1 달나라", "1"] in found
    else:
        assert answer.data.startswith(b"%PDF-") and len(answer.data) > 5000
    last = office.trail()[-1]
    assert (last.what, last.why) == ("exported", "월간 보고에 필요해요")


def test_a_price_makes_a_cost(office: Office) -> None:
    some(office)
    day = BEGIN.date()
    with office.desk.writing() as session:
        found = figures(session, day, day, day)
    assert Report(day, day, found, Costs()).cost == "–"
    prices = Costs(compute_hour=3600.0, messages={"kakao": 10.0})
    # Two questions of 1.5 s each, and one message that costs.
    assert Report(day, day, found, prices).cost == "6.50 KRW"


def test_ticks_are_round() -> None:
    assert [tick(most) for most in (0, 4, 5, 9, 41, 900)] == [1, 1, 2, 5, 20, 500]
    plot = stacked([("0", {"a": 3, "b": 1}), ("1", {})], ["a", "b"])
    assert [bar.series for bar in plot.bars] == ["a", "b"] and len(plot.up) == TICKS + 1
    assert stacked([], []).bars == ()


def test_a_month_is_one_of_korea() -> None:
    moment = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
    assert month_of(None, moment)[0] == datetime(2026, 2, 28, 15, tzinfo=UTC)
    assert month_of("2025-12", moment) == (
        datetime(2025, 11, 30, 15, tzinfo=UTC),
        datetime(2025, 12, 31, 15, tzinfo=UTC),
    )
    with pytest.raises(MonthError, match="2026-03"):
        month_of("March", moment)


def test_the_monthly_look_has_totals_reasons_and_nights(office: Office) -> None:
    number = talk(office)
    client = office.log_in(Role.OPERATOR)
    client.get(f"/admin/conversations/{number}")
    send(client, f"/admin/conversations/{number}/address", why="본인이 부탁했어요")
    office.clock.pass_by(hours=11)
    other = office.log_in(Role.VIEWER)
    other.get(f"/admin/conversations/{number}")
    with office.desk.sessions() as session:
        found = rows(session, BEGIN - timedelta(days=1), BEGIN + timedelta(days=1))
    kinds = [(row[0], row[1].partition("@")[0], row[2], row[8]) for row in found]
    assert ("total", "operator", "unmasked", "") in kinds
    assert ("reason", "operator", "unmasked", "본인이 부탁했어요") in kinds
    assert ("night", "viewer", "conversation_viewed", "") in kinds
    assert not any(kind == "night" and who == "operator" for kind, who, _, _ in kinds)
    assert written(found).startswith("kind,account,what")
