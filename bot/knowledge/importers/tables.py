"""Other people's tables: CSV or JSON with a mapping from an article's fields to columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.knowledge.importers.common import SourceError, article_id, clean
from bot.knowledge.plain import condense
from bot.knowledge.types import Article

FIELDS = (
    "id", "title", "question", "answer", "next_step", "documents", "contact_name",
    "contact_number", "source_name", "source_url", "topic", "keywords", "body",
)  # fmt: skip
_SPOKEN = 3

Row = Mapping[str, Any]


def parse_map(entries: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return field → columns from entries such as `question=q1,q2`; SourceError if malformed."""
    mapping: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        field, equals, columns = entry.partition("=")
        names = tuple(name.strip() for name in columns.split(",") if name.strip())
        if not equals or field not in FIELDS or not names:
            raise SourceError(
                f"--map {entry}: is not understood. Write FIELD=COLUMN[,COLUMN]; "
                f"FIELD is one of {', '.join(FIELDS)}."
            )
        mapping[field] = names
    return mapping


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a CSV file or a JSON list (or its `data`); SourceError otherwise."""
    text = _decode(path)
    if path.suffix.lower() != ".json":
        return list(csv.DictReader(io.StringIO(text)))
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(f"{path}: is not valid JSON ({error}). Correct the file.") from error
    rows = data.get("data") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError(f"{path}: is no list of objects. Give a list, or one under `data`.")
    return rows


def _decode(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SourceError(f"{path}: is neither UTF-8 nor CP949. Save it as UTF-8.")


def articles(
    rows: Sequence[Row], mapping: Mapping[str, tuple[str, ...]], origin: str
) -> list[Article]:
    """Return one article a row; the first question is the title where no title is mapped.

    A field without a mapping is read from the column of its own name, where there is one. Raises
    SourceError for an unknown column and for a row without title or answer.
    """
    columns = {name for row in rows[:50] for name in row}
    unknown = [name for names in mapping.values() for name in names if name not in columns]
    if rows and unknown:
        raise SourceError(
            f"--map: there is no column {', '.join(unknown)}. There are: "
            f"{', '.join(sorted(columns))}."
        )
    return [_article(row, place, mapping, origin) for place, row in enumerate(rows, 1)]


def _article(row: Row, place: int, mapping: Mapping[str, tuple[str, ...]], origin: str) -> Article:
    def values(field: str) -> tuple[str, ...]:
        found = (_text(row.get(name)) for name in mapping.get(field, (field,)))
        return tuple(value for value in found if value)

    def one(field: str) -> str:
        return " ".join(values(field))

    questions = values("question")
    title = one("title") or (questions[0] if questions else "")
    answer = clean(one("answer"))
    if not title or not answer:
        missing = "a title or question" if not title else "an answer"
        raise SourceError(f"row {place}: has no {missing}. Fill it in, or map another column.")
    return Article(
        id=article_id(origin, one("id") or title),
        title=title,
        questions=questions,
        answer=condense(answer, _SPOKEN) or answer,
        next_step=one("next_step"),
        documents=_split(one("documents")),
        contact_name=one("contact_name"),
        contact_number=one("contact_number"),
        source_name=one("source_name") or origin,
        source_url=one("source_url"),
        checked=date.today(),
        topic=one("topic"),
        keywords=_split(one("keywords")),
        body="\n".join(part for part in (answer, clean(one("body"))) if part),
        origin=origin,
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return str(value).strip() if value is not None else ""


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
