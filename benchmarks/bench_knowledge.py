"""Answers on our own held-out questions and, where ../shared lies, on the welfare questions."""

from __future__ import annotations

from pathlib import Path

from bot.knowledge.answer import Answerer
from bot.knowledge.articles import load_folder
from bot.knowledge.cache import TextCache
from bot.knowledge.evaluate import Case, Report, evaluate, read_cases
from bot.knowledge.importers import bokjiro, wordings
from bot.knowledge.types import Article

ROOT = Path(__file__).resolve().parents[1]
SETS = ROOT / "tests" / "knowledge_sets"
WELFARE = ROOT.parent / "shared" / "data" / "knowledge"

SUCCESSORS = {
    "만 3세 이상 5세 이하 누리과정 지원": ("3~5세 누리과정 지원",),
    "가정위탁아동 지원(드림스타트사업)": (
        "가정위탁아동 지원",
        "아동통합서비스 지원(드림스타트사업)",
    ),
}
"""Programmes of the questions (2023) that the booklet (2024) calls otherwise."""
GONE = frozenset({"버팀목 대출 보증", "취약농가 인력 지원, 행복나눔이"})
"""Programmes that the booklet of 2024 has not: it does not hold their names at all."""


def programmes() -> list[Article]:
    """Return the booklet's programmes as an import makes them."""
    chunks = bokjiro.read_json(WELFARE / "bokjiro_booklet_2024_chunks.json")
    known = wordings.read(ROOT / "config" / "knowledge")
    return wordings.add(bokjiro.booklet(chunks, bokjiro.BOOKLET_DAY), known)


def welfare_cases() -> list[Case]:
    """Return the welfare questions about programmes that the booklet has."""
    cases = read_cases(WELFARE / "welfare_questions_dev.csv")
    return [
        Case(case.question, SUCCESSORS.get(case.expected[0], case.expected))
        for case in cases
        if not GONE & set(case.expected)
    ]


def show(name: str, report: Report) -> None:
    """Print the shares and times of one report."""
    figures = {k: v for k, v in report.as_json().items() if k != "misses"}
    print(name, figures)


def main() -> None:
    """Run both sets; vectors are kept in var/knowledge, so a second run is short."""
    cache = TextCache(ROOT / "var" / "knowledge" / "texts.db")
    own = Answerer(load_folder(ROOT / "config" / "knowledge"), cache=cache)
    cases: list[Case] = []
    for name in ("paraphrases.csv", "out_of_scope.csv"):
        cases += read_cases(SETS / name)[1::2]
    show("own, held out", evaluate(own.answer, cases))
    for ending in ("", "_2", "_3"):
        fresh = read_cases(SETS / f"paraphrases_fresh{ending}.csv")
        show(f"own, fresh{ending}", evaluate(own.answer, fresh))
    if not WELFARE.exists():
        print("welfare: skipped, there is no ../shared")
        return
    imported = Answerer(
        programmes(), cache=cache, progress=lambda d, n: print(f"{d}/{n}", end="\r")
    )
    show("welfare", evaluate(imported.answer, welfare_cases()))


if __name__ == "__main__":
    main()
