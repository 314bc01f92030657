"""The dashboard's figures as rows: for its page, for a spreadsheet, and for paper."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from bot.admin.figures import Figures, percentile
from bot.admin.names import CHANNELS, OUTCOMES, STEPS
from bot.admin.plots import Plot, stacked
from bot.sections import Costs

TOP = 10
HOURS = 24
SHOWN_OUTCOMES = ("answered", "clarified", "refused", "handed_over", "not_heard", "failed")


@dataclass(frozen=True, slots=True)
class Times:
    """Median and 95th percentile in seconds, of how many."""

    name: str
    count: int
    p50: float
    p95: float


@dataclass(frozen=True)
class Report:
    """What the dashboard shows of some days. Names are Korean; `t` has their English."""

    since: date
    until: date
    figures: Figures
    costs: Costs
    unanswered: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def tiles(self) -> list[tuple[str, str]]:
        """Return the figures that matter most, each with its name."""
        found = self.figures
        whole = found.turns or 1
        rated = found.ratings["good"] + found.ratings["bad"]
        return [
            ("질문", f"{found.turns:,}"),
            *(
                (OUTCOMES[name], f"{100 * found.outcome(name) / whole:.1f} %")
                for name in ("answered", "refused", "handed_over")
            ),
            ("도움이 됐어요", f"{100 * found.ratings['good'] / rated:.0f} %" if rated else "–"),
            ("질문 하나의 계산 시간", f"{sum(found.work.values()) / 1000 / whole:.1f} s"),
            ("질문 하나의 비용", self.cost),
        ]

    @property
    def cost(self) -> str:
        """Return what a question costs, by the prices in the settings; – where there are none."""
        found, prices = self.figures, self.costs
        if not prices.compute_hour and not prices.messages:
            return "–"
        hours = sum(found.work.values()) / 1000 / 3600
        sent = sum(prices.messages.get(name, 0.0) * n for name, n in found.messages.items())
        each = (hours * prices.compute_hour + sent) / (found.turns or 1)
        return f"{each:,.2f} {prices.currency}"

    @property
    def channels(self) -> list[str]:
        """Return the channels, the busiest first."""
        return self.figures.channels()

    @property
    def by_hour(self) -> list[tuple[str, Counter[str]]]:
        """Return how many questions each hour of the day had, by channel."""
        rows = [(f"{hour}", Counter[str]()) for hour in range(HOURS)]
        for (channel, hour), count in self.figures.hours.items():
            rows[int(hour)][1][channel] += count
        return rows

    @property
    def by_day(self) -> list[tuple[str, Counter[str]]]:
        """Return how the questions of each day came out."""
        return [(f"{day:%m-%d}", counts) for day, counts in sorted(self.figures.by_day.items())]

    def hours_plot(self) -> Plot:
        """Return questions by hour, stacked by channel."""
        return stacked(self.by_hour, self.channels)

    def days_plot(self) -> Plot:
        """Return questions by day, stacked by outcome."""
        return stacked(self.by_day, SHOWN_OUTCOMES)

    def response(self) -> list[Times]:
        """Return the times from a question until its reply had left, by channel."""
        return [
            _times(CHANNELS.get(name, name), self.figures.response.get((name,), Counter()))
            for name in self.channels
        ]

    def steps(self) -> list[tuple[str, list[Times]]]:
        """Return the times of each step, by channel."""
        return [
            (
                CHANNELS.get(channel, channel),
                [
                    _times(STEPS[step], self.figures.steps[(channel, step)])
                    for step in STEPS
                    if (channel, step) in self.figures.steps
                ],
            )
            for channel in self.channels
        ]

    def questions(self) -> list[tuple[str, str, int]]:
        """Return the articles most asked for: id, title and how often."""
        return [(*key, count) for key, count in self.figures.articles.most_common(TOP)]  # type: ignore[misc]

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return everything as lines of a table: what, of what, name, value."""
        found = [("period", "", "days", f"{self.since} – {self.until}")]
        found += [("total", "", name, value) for name, value in self.tiles]
        for hour, counts in self.by_hour:
            found += [("hour", channel, hour, str(n)) for channel, n in sorted(counts.items())]
        for day, by_outcome in sorted(self.figures.by_day.items()):
            found += [("day", str(day), name, str(n)) for name, n in sorted(by_outcome.items())]
        for one in self.response():
            found += [("response", one.name, "p50 s", f"{one.p50:.2f}")]
            found += [("response", one.name, "p95 s", f"{one.p95:.2f}")]
        for channel, steps in self.steps():
            for one in steps:
                found += [("step", f"{channel} {one.name}", "p50 s", f"{one.p50:.2f}")]
                found += [("step", f"{channel} {one.name}", "p95 s", f"{one.p95:.2f}")]
        found += [("article", id_, title, str(n)) for id_, title, n in self.questions()]
        found += [("unanswered", "", asked, count) for asked, count in self.unanswered]
        return found

    def as_csv(self) -> str:
        """Return the rows as CSV that spreadsheets read as text."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("what", "of", "name", "value"))
        writer.writerows([inert(cell) for cell in row] for row in self.rows())
        return text.getvalue()


def inert(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _times(name: str, buckets: Counter[int]) -> Times:
    return Times(name, sum(buckets.values()), percentile(buckets, 0.5), percentile(buckets, 0.95))
