"""What reviewers found right, as a test set that grows, and what a changed article does to it."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.conversation.reviews import Review, Verdict
from bot.knowledge.answer import Answerer
from bot.knowledge.evaluate import Case
from bot.knowledge.morphemes import squeeze
from bot.knowledge.types import Answer, Article, Outcome

MOST_CASES = 200
"""The newest ones that are measured while somebody waits."""

_JUDGED = ("answered", "refused", "clarified")
"""Outcomes of questions; greetings, emergencies and the like are no test of articles."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that is answered otherwise than before; ids of articles, or empty."""

    question: str
    expected: str
    before: str
    after: str
    right_before: bool
    right_after: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many of the `cases` were right before and are after, and what changed."""

    cases: int
    before: int
    after: int
    changed: tuple[Changed, ...]


def cases(session: Session, most: int | None = None) -> list[Case]:
    """Return the questions that were judged, the newest first, each with what is right for it.

    The newest judgement of a question counts. An answer that was wrong is a case once somebody
    has said which article is right.
    """
    query = select(Review).options(joinedload(Review.turn)).order_by(Review.id.desc())
    seen: set[int] = set()
    found: dict[str, Case] = {}
    for review in session.scalars(query):
        if review.turn_id in seen or review.turn.outcome not in _JUDGED:
            continue
        seen.add(review.turn_id)
        question = review.text or review.turn.text
        expected = _expected(review)
        if expected is None or not question or squeeze(question) in found:
            continue
        found[squeeze(question)] = Case(question, expected)
        if most is not None and len(found) == most:
            break
    return list(found.values())


def write_cases(made: Iterable[Case], path: Path) -> int:
    """Write `made` as the CSV file that `silverline knowledge eval` reads; return how many."""
    rows = [(case.question, "|".join(case.expected)) for case in made]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("question", "expected"))
        writer.writerows(rows)
    return len(rows)


class Laboratory:
    """An answerer that answers nobody: articles are tried on it, one change at a time."""

    def __init__(self, make: Callable[[], Answerer]) -> None:
        self._make = make
        self._made: Answerer | None = None
        self._lock = threading.Lock()

    def compare(
        self, before: Sequence[Article], after: Sequence[Article], made: Sequence[Case]
    ) -> Comparison:
        """Ask every case of the articles `before` and `after`."""
        with self._lock:
            answerer = self._made = self._made or self._make()
            first = _answers(answerer, before, made)
            second = _answers(answerer, after, made)
        rows = [
            Changed(
                case.question,
                "|".join(case.expected),
                old,
                new,
                _right(case, old),
                _right(case, new),
            )
            for case, old, new in zip(made, first, second, strict=True)
        ]
        return Comparison(
            len(rows),
            sum(row.right_before for row in rows),
            sum(row.right_after for row in rows),
            tuple(row for row in rows if row.before != row.after),
        )


def _answers(answerer: Answerer, articles: Sequence[Article], made: Sequence[Case]) -> list[str]:
    answerer.update(articles)
    return [_article(answerer.answer(case.question)) for case in made]


def _article(answer: Answer) -> str:
    spoke = answer.outcome is Outcome.ANSWERED and answer.article is not None
    return answer.article.id if spoke and answer.article else ""


def _right(case: Case, got: str) -> bool:
    return got in case.expected if case.expected else not got


def _expected(review: Review) -> tuple[str, ...] | None:
    """Return the ids that are right, none where a refusal is, None where nobody has said."""
    match review.verdict:
        case Verdict.RIGHT:
            right = review.article_id or review.turn.article_id
            return (right,) if right else ()
        case Verdict.WRONG:
            return (review.article_id,) if review.article_id else None
        case Verdict.SHOULD_REFUSE:
            return ()
        case Verdict.UNCLEAR:
            return None
