"""복지로: the list of services with their details, and the yearly booklet in chunks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.knowledge.importers.common import (
    Contact,
    SourceError,
    article_id,
    clean,
    contact,
    spoken_answer,
)
from bot.knowledge.morphemes import squeeze
from bot.knowledge.types import Article

LIST = "bokjiro"
BOOKLET = "booklet"
BOOKLET_DAY = date(2024, 4, 1)
"""The booklet's own reference date."""
BOOKLET_URL = "https://www.bokjiro.go.kr"
_BODY = ("target", "criteria", "content")
_PROGRAMME = frozenset({"대상", "내용", "목록", "방법", "문의", "지원내용"})
_ORDER = ("대상", "지원대상", "내용", "지원내용", "지원_내용", "방법", "문의")
_ASIDE = re.compile(r"\s*\(자주하는 질문\)\s*$")


def services(
    rows: Sequence[Mapping[str, Any]],
    details: Mapping[str, Mapping[str, Any]],
    checked: date,
    audience: str = "",
) -> list[Article]:
    """Return one article a service; `audience` keeps services of that life stage ("어르신")."""
    kept = [row for row in rows if not audience or audience in row.get("tags", ())]
    return [_service(row, details.get(row["id"], {}), checked) for row in kept]


def _service(row: Mapping[str, Any], detail: Mapping[str, Any], checked: date) -> Article:
    name = str(row["name"]).strip()
    parts = [str(row.get("benefit", "")), *(str(detail.get(key, "")) for key in _BODY)]
    parts += [_apply(step) for step in detail.get("apply", ())]
    call = _service_contact(row, detail)
    agency = str(row.get("agency", ""))
    return Article(
        id=article_id(LIST, str(row["id"])),
        title=name,
        questions=(),
        answer=spoken_answer(name, parts[0], *parts[1:]),
        next_step=f"{call.name or agency}에 먼저 물어보세요." if call.number else "",
        documents=tuple(str(form["name"]) for form in detail.get("forms", ())[:3]),
        contact_name=call.name or agency,
        contact_number=call.number,
        source_name="복지로",
        source_url=str(row.get("source_url", BOOKLET_URL)),
        checked=checked,
        topic=", ".join(row.get("themes", ())),
        keywords=(*row.get("themes", ()), *row.get("tags", ())[:2]),
        body="\n".join(text for text in map(clean, parts) if text),
        origin=LIST,
    )


def _apply(step: Any) -> str:
    return " ".join(map(str, step.values())) if isinstance(step, Mapping) else str(step)


def _service_contact(row: Mapping[str, Any], detail: Mapping[str, Any]) -> Contact:
    for text in (str(row.get("contact", "")), *map(str, detail.get("contacts", ()))):
        found = contact(text)
        if found.number:
            return Contact(found.name or str(row.get("agency", "")), found.number)
    return Contact()


def booklet(chunks: Sequence[Mapping[str, Any]], checked: date) -> list[Article]:
    """Return one article a programme; front matter without a programme is left out."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for chunk in chunks:
        name = _ASIDE.sub("", str(chunk["metadata"].get("사업명") or ""))
        if squeeze(name):
            groups.setdefault(squeeze(name), []).append(chunk)
    return [_programme(group, checked) for group in groups.values() if _is_programme(group)]


def _is_programme(group: Sequence[Mapping[str, Any]]) -> bool:
    return any(chunk["metadata"].get("항목") in _PROGRAMME for chunk in group)


def _programme(group: Sequence[Mapping[str, Any]], checked: date) -> Article:
    first = group[0]["metadata"]
    name = _ASIDE.sub("", str(first["사업명"])).strip()
    ordered = sorted((c for c in group if c["metadata"].get("항목") != "목록"), key=_rank)
    texts = [clean(str(c["text"])) for c in ordered or group]
    whole = "\n".join(texts)
    call = contact("\n".join(t for t in texts if t.startswith("문의")) or whole)
    theme = str(first.get("중분류") or "")
    return Article(
        id=article_id(BOOKLET, name),
        title=name,
        questions=(),
        answer=spoken_answer(name, *(re.sub(r"^\S+:\s*", "", t) for t in texts)),
        next_step="가까운 주민센터나 아래 번호로 먼저 물어보세요.",
        documents=(),
        contact_name=call.name,
        contact_number=call.number,
        source_name="나에게 힘이 되는 복지서비스 (보건복지부)",
        source_url=BOOKLET_URL,
        checked=checked,
        topic=str(first.get("대분류") or ""),
        keywords=tuple(t for t in (theme, str(first.get("중분류_개요") or "")) if t),
        body=whole,
        origin=BOOKLET,
    )


def _rank(chunk: Mapping[str, Any]) -> int:
    kind = chunk["metadata"].get("항목")
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def read_json(path: Path) -> Any:
    """Return the JSON in `path`; SourceError where there is none."""
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"{path}: cannot be read as JSON ({error}). Check the file.") from error


def is_booklet(data: Any) -> bool:
    """Return whether `data` has the shape of the booklet's chunks."""
    return bool(data) and isinstance(data, list) and {"text", "metadata"} <= set(data[0])


def is_services(data: Any) -> bool:
    """Return whether `data` has the shape of the service list."""
    return bool(data) and isinstance(data, list) and {"id", "name", "benefit"} <= set(data[0])
