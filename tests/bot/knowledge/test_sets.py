"""Our own articles on questions that were written apart from them, and dialogues of two turns."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bot.knowledge.answer import Answerer
from bot.knowledge.evaluate import Case, evaluate, read_cases
from bot.knowledge.importers import bokjiro, wordings
from bot.knowledge.types import Context
from bot.settings import CONFIG

SETS = Path(__file__).parents[2] / "knowledge_sets"
PROGRAMMES = 12


@pytest.fixture(scope="module")
def own() -> Answerer:
    """An answerer over the articles that the repository ships, with their shipped vectors."""
    return Answerer.from_folder(CONFIG / "knowledge")


def test_questions_that_the_fit_has_not_seen(own: Answerer) -> None:
    cases = [
        case
        for ending in ("", "_2", "_3")
        for case in read_cases(SETS / f"paraphrases_fresh{ending}.csv")[::3]
    ]
    cases += read_cases(SETS / "paraphrases.csv")[1::6]
    cases += read_cases(SETS / "out_of_scope.csv")[1::2]
    assert len(cases) >= 290
    report = evaluate(own.answer, cases)
    assert report.hit_at_1 >= 0.95 and report.hit_at_3 >= 0.96, report.misses
    assert report.answered >= 0.93, report.misses
    assert report.refusal_recall >= 0.95, report.misses


def test_follow_ups(own: Answerer) -> None:
    with (SETS / "follow_ups.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[1::2]
    right = 0
    for row in rows:
        first = own.answer(row["first"])
        ids = (first.article.id,) if first.article else ()
        second = own.answer(row["second"], Context(article_ids=ids, questions=(row["first"],)))
        right += second.article is not None and second.article.id in row["expected"].split("|")
    assert right / len(rows) >= 0.85


def test_welfare_questions_on_a_part_of_the_booklet(shared: Path) -> None:
    """The whole of it is benchmarks/bench_knowledge.py, since embedding it takes minutes."""
    folder = shared / "data" / "knowledge"
    chunks = bokjiro.read_json(folder / "bokjiro_booklet_2024_chunks.json")
    known = wordings.read(CONFIG / "knowledge")
    found = wordings.add(bokjiro.booklet(chunks, bokjiro.BOOKLET_DAY), known)
    cases = read_cases(folder / "welfare_questions_dev.csv")
    titles = {article.title for article in found}
    asked = sorted({c.expected[0] for c in cases if c.expected[0] in titles})[::3][:PROGRAMMES]
    some = [article for article in found if article.title in asked]
    part = [Case(c.question, c.expected) for c in cases if c.expected[0] in asked][::7]
    report = evaluate(Answerer(some).answer, part)
    assert report.hit_at_1 >= 0.8 and report.hit_at_3 >= 0.92, report.misses
