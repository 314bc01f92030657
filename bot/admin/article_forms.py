"""An article as a form, what is wrong in it in plain Korean, and what a version changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.admin.filters import as_day
from bot.knowledge.articles import faults
from bot.knowledge.types import Article

LISTS = ("questions", "documents", "keywords")
TEXTS = (
    "title",
    "answer",
    "next_step",
    "contact_name",
    "contact_number",
    "source_name",
    "source_url",
    "topic",
)
FIELDS = {
    "id": "안내문 번호",
    "title": "제목",
    "questions": "묻는 말 (한 줄에 하나)",
    "answer": "답 (세 문장까지)",
    "next_step": "다음에 할 일 하나",
    "documents": "준비물 (한 줄에 하나)",
    "keywords": "찾는 말 (한 줄에 하나)",
    "contact_name": "문의할 곳",
    "contact_number": "전화번호",
    "source_name": "출처",
    "source_url": "출처 주소",
    "checked": "확인한 날",
    "topic": "주제",
}
FAULTS = {
    "id": "영어 소문자와 숫자, -만 쓸 수 있어요.",
    "questions": "묻는 말을 하나 이상 적어 주세요.",
    "answer": "답은 세 문장까지 적을 수 있어요.",
    "contact_number": "숫자와 -로 적어 주세요. 보기: 129, 1577-1000",
    "source_url": "https://로 시작하는 주소를 적어 주세요.",
    "checked": "날짜를 골라 주세요.",
}
EMPTY = "비어 있어요. 적어 주세요."
TAKEN = "이미 있는 번호예요. 다른 번호를 적어 주세요."
MOST_LETTERS = 5000


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs between two versions."""

    field: str
    before: str
    after: str


def empty(question: str = "", today: date | None = None) -> Article:
    """Return an article to be written, with `question` as its first wording."""
    return Article(
        id="",
        title="",
        questions=(question,) if question else (),
        answer="",
        next_step="",
        documents=(),
        contact_name="",
        contact_number="",
        source_name="",
        source_url="",
        checked=today or date.today(),
    )


def read(form: Mapping[str, str], base: Article) -> Article:
    """Return `base` with the fields of `form`; what a form lacks stays as it is."""
    texts = {name: " ".join(form[name].split())[:MOST_LETTERS] for name in TEXTS if name in form}
    lists = {
        name: tuple(" ".join(line.split()) for line in form[name].splitlines() if line.strip())
        for name in LISTS
        if name in form
    }
    checked = as_day(form.get("checked", "")) or base.checked
    return replace(base, **texts, **lists, checked=checked)  # type: ignore[arg-type]


def wrong(article: Article) -> dict[str, str]:
    """Return what is wrong by field, in plain Korean; empty where nothing is."""
    found: dict[str, str] = {}
    for fault in faults(article):
        name = fault.partition(":")[0]
        missing = not getattr(article, name, "")
        found.setdefault(name, FAULTS.get(name, EMPTY) if not missing else _missing(name))
    return found


def changes(before: Article | None, after: Article) -> list[Change]:
    """Return the fields in which `after` differs from `before`."""
    found = []
    for name in FIELDS:
        old = shown(getattr(before, name)) if before else ""
        new = shown(getattr(after, name))
        if old != new:
            found.append(Change(name, old, new))
    return found


def shown(value: object) -> str:
    """Return a field's value as a form holds it."""
    if isinstance(value, tuple):
        return "\n".join(str(part) for part in value)
    return value.isoformat() if isinstance(value, date) else str(value)


def matching(articles: Sequence[Article], pieces: Sequence[str]) -> list[Article]:
    """Return the articles that hold all `pieces` in number, title, questions or answer."""
    wanted = [piece.lower() for piece in pieces]

    def holds(article: Article) -> bool:
        text = " ".join((article.id, article.title, article.answer, *article.questions)).lower()
        return all(piece in text for piece in wanted)

    return [article for article in articles if holds(article)]


def _missing(name: str) -> str:
    return FAULTS[name] if name in ("questions", "checked") else EMPTY
