"""What is looked for among conversations, as a form or a link names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute

from bot.conversation.models import Conversation, State, Turn
from bot.conversation.summaries import KST

EMERGENCY = "emergency"
CONSOLE = "console"
"""The channel of the console's own trials; they are no conversations with people."""

FLAGS = ("emergency", "failed", "unheard", "slow")
RATINGS = {"good": True, "bad": False}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; empty values do not narrow. Dates are whole days in Korea."""

    q: str = ""
    channel: str = ""
    outcome: str = ""
    article: str = ""
    flag: str = ""
    rating: str = ""
    person: int | None = None
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filters:
        """Return the filters that a form's fields name; what cannot be read does not narrow."""
        person = given.get("person", "")
        return cls(
            q=given.get("q", "").strip()[:100],
            channel=given.get("channel", "")[:30],
            outcome=given.get("outcome", "")[:20],
            article=given.get("article", "").strip()[:100],
            flag=given.get("flag", "") if given.get("flag") in FLAGS else "",
            rating=given.get("rating", "") if given.get("rating") in RATINGS else "",
            # Beyond nine digits no person's number fits its column.
            person=int(person)
            if person.isascii() and person.isdecimal() and len(person) < 10
            else None,
            since=as_day(given.get("since", "")),
            until=as_day(given.get("until", "")),
        )

    def fields(self) -> dict[str, str]:
        """Return the filters that narrow, as fields of a form."""
        return {key: str(value) for key, value in asdict(self).items() if value not in ("", None)}

    @property
    def pieces(self) -> list[str]:
        """Return the parts of words that must all be in one turn."""
        return self.q.split()

    def conversations(self) -> list[ColumnElement[bool]]:
        """Return the conditions on a conversation."""
        found: list[ColumnElement[bool]] = []
        if self.channel:
            found.append(Conversation.channel == self.channel)
        else:
            found.append(Conversation.channel != CONSOLE)
        if self.person is not None:
            found.append(Conversation.person_id == self.person)
        if self.since:
            found.append(Conversation.last_activity_at >= midnight(self.since))
        if self.until:
            end = midnight(self.until) + timedelta(days=1)
            found.append(Conversation.last_activity_at < end)
        return found

    def turns(self, slow_seconds: float) -> list[ColumnElement[bool]]:
        """Return the conditions on one turn of it, but for the words."""
        found: list[ColumnElement[bool]] = []
        if self.outcome:
            found.append(Turn.outcome == self.outcome)
        if self.article:
            found.append(Turn.article_id == self.article)
        if self.rating:
            found.append(Turn.helpful.is_(RATINGS[self.rating]))
        match self.flag:
            case "emergency":
                found.append(Turn.act == EMERGENCY)
            case "failed":
                # Whatever ends as failed has a word for why.
                found.append(Turn.failure > "")
            case "unheard":
                found.append(Turn.unheard > "")
            case "slow":
                found.append(Turn.seconds >= slow_seconds)
        return found

    def words(self) -> list[ColumnElement[bool]]:
        """Return the conditions on the words of one turn."""
        return [or_(_has(Turn.text, piece), _has(Turn.answer, piece)) for piece in self.pieces]


def flags_of(turn: Turn, slow_seconds: float) -> tuple[str, ...]:
    """Return what makes `turn` deserve a look at once."""
    found = []
    if turn.act == EMERGENCY:
        found.append("emergency")
    if turn.failure or turn.state is State.FAILED:
        found.append("failed")
    if turn.unheard:
        found.append("unheard")
    if turn.seconds is not None and turn.seconds >= slow_seconds:
        found.append("slow")
    return tuple(found)


def as_day(text: str) -> date | None:
    """Return the day that `text` names as YYYY-MM-DD, or None."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def midnight(day: date) -> datetime:
    """Return when `day` begins in Korea, in UTC."""
    return datetime.combine(day, time(), KST).astimezone(UTC)


def _has(column: InstrumentedAttribute[str], piece: str) -> ColumnElement[bool]:
    """Compare without regard to case only where there is case: Korean has none, and is quicker."""
    if piece.lower() == piece.upper():
        return column.contains(piece, autoescape=True)
    return column.icontains(piece, autoescape=True)
