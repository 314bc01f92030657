"""How good the answers are on a list of questions with what was expected."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.knowledge.morphemes import squeeze
from bot.knowledge.types import Answer, Article, Outcome


class QuestionError(ValueError):
    """A question file that cannot be used; the message names cause and remedy."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question and the ids or titles that are right; none where a refusal is right."""

    question: str
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Miss:
    """A question that went wrong, with what was expected and what came."""

    question: str
    expected: str
    got: str
    outcome: str
    score: float


@dataclass(frozen=True, slots=True)
class Report:
    """Shares in [0, 1]; milliseconds a question. A share of nothing is 1."""

    questions: int
    in_scope: int
    hit_at_1: float
    """The right article found first, answered or not."""
    hit_at_3: float
    answered: float
    """In-scope questions that got an article."""
    answered_rightly: float
    refusal_precision: float
    """Refusals that were right to be one."""
    refusal_recall: float
    """Out-of-scope questions that got no article."""
    milliseconds_median: float
    milliseconds_p95: float
    misses: tuple[Miss, ...]

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values."""
        return asdict(self)


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a CSV file with the columns `question` and `expected`.

    `programme` is read for `expected` where that column is missing. Raises QuestionError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path}: cannot be read ({error}). Give a UTF-8 CSV file.") from error
    column = "expected" if rows and "expected" in rows[0] else "programme"
    if not rows or "question" not in rows[0] or column not in rows[0]:
        raise QuestionError(f"{path}: needs the columns question and expected in its first line.")
    return [
        Case(
            row["question"].strip(),
            tuple(part.strip() for part in (row[column] or "").split("|") if part.strip()),
        )
        for row in rows
        if (row["question"] or "").strip()
    ]


def evaluate(
    answer: Callable[[str], Answer],
    cases: Sequence[Case],
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Ask every question and return how it went; `progress` gets cases done and cases in all."""
    answers: list[Answer] = []
    times: list[float] = []
    for done, case in enumerate(cases, 1):
        start = time.perf_counter()
        answers.append(answer(case.question))
        times.append((time.perf_counter() - start) * 1000)
        if progress is not None:
            progress(done, len(cases))
    pairs = list(zip(cases, answers, strict=True))
    inside = [(case, found) for case, found in pairs if case.expected]
    outside = [found for case, found in pairs if not case.expected]
    silent = [(case, found) for case, found in pairs if not _spoke(found)]
    return Report(
        questions=len(cases),
        in_scope=len(inside),
        hit_at_1=_share(_hit(case, found, 1) for case, found in inside),
        hit_at_3=_share(_hit(case, found, 3) for case, found in inside),
        answered=_share(_spoke(found) for _, found in inside),
        answered_rightly=_share(_right(case, found) for case, found in inside),
        refusal_precision=_share(not case.expected for case, _ in silent),
        refusal_recall=_share(not _spoke(found) for found in outside),
        milliseconds_median=_percentile(times, 0.5),
        milliseconds_p95=_percentile(times, 0.95),
        misses=tuple(_miss(case, found) for case, found in pairs if not _right(case, found)),
    )


def _spoke(found: Answer) -> bool:
    return found.outcome is Outcome.ANSWERED and found.article is not None


def _right(case: Case, found: Answer) -> bool:
    if not case.expected:
        return not _spoke(found)
    return _spoke(found) and found.article is not None and _is(found.article, case)


def _hit(case: Case, found: Answer, count: int) -> bool:
    return any(_is(candidate.article, case) for candidate in found.candidates[:count])


def _is(article: Article, case: Case) -> bool:
    names = {squeeze(article.id), squeeze(article.title)}
    return any(squeeze(expected) in names for expected in case.expected)


def _miss(case: Case, found: Answer) -> Miss:
    got = found.article.id if found.article else ""
    first = found.candidates[0].article.id if found.candidates else ""
    return Miss(
        case.question,
        "|".join(case.expected),
        got or f"({first})",
        found.outcome.value,
        round(found.score, 3),
    )


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 4) if found else 1.0


def _percentile(values: Sequence[float], share: float) -> float:
    if not values:
        return 0.0
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
