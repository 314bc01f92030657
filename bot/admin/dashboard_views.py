"""The dashboard, and the same figures as a spreadsheet or on paper, for a reason."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy.orm import Session

from bot.admin.access import needs, visitor
from bot.admin.desk import desk
from bot.admin.disclosure_views import reason
from bot.admin.figures import figures, unanswered
from bot.admin.names import CHANNELS, OUTCOMES
from bot.admin.pdf import Paper
from bot.admin.report import SHOWN_OUTCOMES, Report
from bot.admin.trail import record
from bot.conversation.accounts import Role
from bot.conversation.summaries import KST

PERIODS = {7: "7일", 30: "30일", 90: "90일", 365: "1년"}
DAYS = 30


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/dashboard", "dashboard", dashboard)
    console.add_url_rule("/dashboard/export", "dashboard_export", export, methods=["POST"])


@needs(Role.VIEWER)
def dashboard() -> str:
    """Show how the service is doing."""
    days = request.args.get("days", DAYS, type=int)
    days = days if days in PERIODS else DAYS
    with desk().writing() as session:
        report = _report(session, days)
        record(session, visitor(), "dashboard_viewed", subject=f"{days} days")
    return render_template(
        "admin/dashboard.html",
        report=report,
        days=days,
        periods=PERIODS,
        channels=CHANNELS,
        outcomes=OUTCOMES,
        shown_outcomes=SHOWN_OUTCOMES,
    )


@needs(Role.OPERATOR)
def export() -> Response:
    """Send the figures as CSV or PDF, once a reason is given."""
    why = reason()
    days = request.form.get("days", DAYS, type=int)
    form = request.form.get("form", "")
    if days not in PERIODS or form not in ("csv", "pdf"):
        abort(HTTPStatus.BAD_REQUEST)
    with desk().writing() as session:
        report = _report(session, days)
        record(session, visitor(), "exported", subject=f"dashboard {days} days {form}", why=why)
    if form == "csv":
        # The mark tells spreadsheets that it is UTF-8.
        made = Response("\ufeff" + report.as_csv(), content_type="text/csv; charset=utf-8")
    else:
        made = Response(on_paper(report), content_type="application/pdf")
    made.headers["Content-Disposition"] = f'attachment; filename="silverline-{report.until}.{form}"'
    return made


def on_paper(report: Report) -> bytes:
    """Return the report as a PDF."""
    paper = Paper("실버라인 운영 보고")
    paper.heading("실버라인 운영 보고", 18)
    paper.line(f"{report.since} – {report.until}")
    paper.table(("", ""), report.tiles)
    paper.heading("시간대별 질문")
    paper.plot(report.hours_plot(), [(name, CHANNELS.get(name, name)) for name in report.channels])
    paper.heading("날마다의 질문")
    paper.plot(report.days_plot(), [(name, OUTCOMES[name]) for name in SHOWN_OUTCOMES])
    paper.heading("답이 나가기까지 걸린 시간 (초)")
    paper.table(
        ("", "p50", "p95"),
        [(one.name, f"{one.p50:.1f}", f"{one.p95:.1f}") for one in report.response()],
    )
    for channel, steps in report.steps():
        paper.heading(f"단계별 시간 (초): {channel}")
        paper.table(
            ("", "p50", "p95"),
            [(one.name, f"{one.p50:.2f}", f"{one.p95:.2f}") for one in steps],
        )
    paper.heading("많이 물은 것")
    paper.table(("", ""), [(title, str(count)) for _, title, count in report.questions()])
    paper.heading("답하지 못한 질문")
    paper.table(("", ""), [(asked, count) for asked, count in report.unanswered])
    return paper.finish()


def _report(session: Session, days: int) -> Report:
    today = desk().clock().astimezone(KST).date()
    since = today - timedelta(days=days - 1)
    return Report(
        since,
        today,
        figures(session, since, today, today),
        desk().settings.costs,
        unanswered(session, since, today),
    )
