"""Articles from TOML files: `topic = "…"` and one `[[article]]` table an article.

Everything that is wrong in a folder is collected and reported at once, with file, article, fault
and remedy.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.knowledge.types import Article
from bot.knowledge.wording import sentences

MAX_SENTENCES = 3
_TEXTS = (
    "id", "title", "answer", "next_step", "contact_name", "contact_number", "source_name",
    "source_url",
)  # fmt: skip
_LISTS = ("questions", "documents", "keywords")
_OPTIONAL = frozenset({"documents", "keywords"})
_LEFT_OPEN = ("next_step", "contact_name", "contact_number", "source_url", "questions")
OWN = "silverline"
"""The origin of the articles that we wrote ourselves."""
_ID = re.compile(r"^[a-z0-9][a-z0-9_-]*$")
_NUMBER = re.compile(r"^\d[\d-]*\d$")
_URL = re.compile(r"^https?://[^\s/]+")


class ArticleError(ValueError):
    """Articles that cannot be used; the message has one line a fault."""


def load_folder(folder: Path) -> list[Article]:
    """Return the articles of every `*.toml` file in `folder`, in file order.

    Raises ArticleError with a line for every fault; an id may appear once in the folder.
    """
    if not folder.is_dir():
        raise ArticleError(f"{folder}: is no folder. Set knowledge.folder to the articles' folder.")
    articles: list[Article] = []
    faults: list[str] = []
    seen: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        found, wrong = _read(path)
        faults += wrong
        for article in found:
            if article.id in seen:
                faults.append(
                    f"{path.name}: {article.id}: is also in {seen[article.id]}. Rename one."
                )
            seen[article.id] = path.name
            articles.append(article)
    if faults:
        raise ArticleError("\n".join(faults))
    return articles


def load_file(path: Path) -> list[Article]:
    """Return the articles of one TOML file; ArticleError lists its faults."""
    articles, faults = _read(path)
    if faults:
        raise ArticleError("\n".join(faults))
    return articles


def _read(path: Path) -> tuple[list[Article], list[str]]:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return [], [f"{path.name}: is not valid TOML ({error}). Correct the line named."]
    faults = [
        f"{path.name}: {key}: is not known here. Only topic and [[article]] may stand at the top."
        for key in data.keys() - {"topic", "article"}
    ]
    topic = data.get("topic", "")
    if not isinstance(topic, str) or not topic.strip():
        faults.append(f'{path.name}: topic: is missing. Write topic = "…" in the first line.')
    articles: list[Article] = []
    for place, table in enumerate(data.get("article", []), 1):
        where = f"{path.name}: {table.get('id') or f'article {place}'}"
        wrong = check(table)
        faults += [f"{where}: {fault}" for fault in wrong]
        if not wrong:
            articles.append(_article(table, str(topic)))
    return articles, faults


def check(table: dict[str, Any]) -> list[str]:
    """Return what is wrong in an article's table, one `field: fault. Remedy.` a fault."""
    faults = [f"{key}: is no field of an article. Remove it." for key in _unknown(table)]
    for key in _TEXTS:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            faults.append(f'{key}: is missing or empty. Write {key} = "…".')
    for key in _LISTS:
        value = table.get(key, [] if key in _OPTIONAL else None)
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            faults.append(f'{key}: must be a list of texts. Write {key} = ["…"].')
        elif key == "questions" and not value:
            faults.append("questions: is empty. Write at least one question that people ask.")
    if not isinstance(table.get("checked"), date):
        faults.append("checked: must be a date. Write checked = 2026-11-23 without quotes.")
    return faults or _check_values(table)


def faults(article: Article) -> list[str]:
    """Return what is wrong in an article that was written in the console, one line a fault.

    What an official source leaves open, such as the number to call, may stay open in its article.
    """
    table = {key: _plain(getattr(article, key)) for key in (*_TEXTS, *_LISTS, "checked")}
    wrong = check(table)
    if article.origin == OWN:
        return wrong
    left_open = {key for key in _LEFT_OPEN if not table[key]}
    return [fault for fault in wrong if fault.partition(":")[0] not in left_open]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _unknown(table: dict[str, Any]) -> list[str]:
    return sorted(table.keys() - {*_TEXTS, *_LISTS, "checked"})


def _check_values(table: dict[str, Any]) -> list[str]:
    faults = []
    if not _ID.match(table["id"]):
        faults.append("id: may hold only a-z, 0-9, - and _. Write a short slug.")
    if not _NUMBER.match(table["contact_number"]):
        faults.append("contact_number: must be digits and hyphens, such as 129 or 1577-1000.")
    if not _URL.match(table["source_url"]):
        faults.append("source_url: must start with https:// or http://.")
    count = len(sentences(table["answer"]))
    if count > MAX_SENTENCES:
        faults.append(f"answer: has {count} sentences; at most {MAX_SENTENCES} are spoken. Cut it.")
    return faults


def _article(table: dict[str, Any], topic: str) -> Article:
    fields: dict[str, Any] = {key: table[key].strip() for key in _TEXTS}
    fields |= {key: _texts(table.get(key, ())) for key in _LISTS}
    return Article(**fields, checked=table["checked"], topic=topic.strip())


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values)
