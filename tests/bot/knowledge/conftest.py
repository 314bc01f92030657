"""One answerer over the five sample articles, with the real models, for the whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.knowledge.answer import Answerer
from bot.knowledge.articles import load_folder
from bot.knowledge.types import Article

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def articles() -> list[Article]:
    return load_folder(HERE / "articles")


@pytest.fixture(scope="session")
def answerer(articles: list[Article]) -> Answerer:
    return Answerer(articles)
