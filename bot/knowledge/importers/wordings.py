"""What people ask about official programmes: wordings that official data does not bring itself.

An article is found more surely by questions that were asked before than by its own text alone
(document expansion by questions, Nogueira and Lin 2019). Each `wordings*.tsv` beside the articles
holds lines of a programme's title, a tab and a question; an import adds them to its articles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.knowledge.importers.common import SourceError
from bot.knowledge.morphemes import squeeze
from bot.knowledge.types import Article

PATTERN = "wordings*.tsv"


def read(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the questions of each title (see `squeeze`) in `folder`'s files; none without files.

    SourceError names file and line where a line is not a title, a tab and a question.
    """
    found: dict[str, dict[str, None]] = {}
    for path in sorted(folder.glob(PATTERN)):
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{path}: cannot be read ({error}). Save it as UTF-8.") from error
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            title, tab, question = line.partition("\t")
            if not tab or not squeeze(title) or not squeeze(question) or "\t" in question:
                raise SourceError(
                    f"{path}:{number}: is not understood. Write a programme's title, one tab, and "
                    "a question."
                )
            found.setdefault(squeeze(title), {})[question.strip()] = None
    return {title: tuple(questions) for title, questions in found.items()}


def add(articles: Sequence[Article], known: dict[str, tuple[str, ...]]) -> list[Article]:
    """Return `articles` with the questions that `known` (see `read`) has for their titles."""
    made = []
    for article in articles:
        more = known.get(squeeze(article.title), ())
        questions = tuple(dict.fromkeys((*article.questions, *more)))
        made.append(replace(article, questions=questions) if more else article)
    return made
