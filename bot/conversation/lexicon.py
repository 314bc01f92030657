"""The words that were added in the console, as the voice needs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import structlog
from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from bot.conversation.casework import Pronunciation

LOOK_SECONDS = 5.0
"""So long after it was added a word may still be said as before."""

log = structlog.get_logger(__name__)


class Lexicon:
    """Words and how they are said, read anew every few seconds."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._words: dict[str, str] = {}
        self._looked = float("-inf")

    def words(self) -> Mapping[str, str]:
        """Return the words; those known last where the database does not answer."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._looked = time.monotonic()
                self._words = self._read()
            return self._words

    def _read(self) -> dict[str, str]:
        query = select(Pronunciation.word, Pronunciation.sounds)
        try:
            with self._database.connect() as connection:
                if not inspect(connection).has_table(Pronunciation.__tablename__):
                    # Commands that need no server may run before there is one.
                    return {}
                return dict(connection.execute(query).tuples().all())
        except SQLAlchemyError as error:
            log.warning("lexicon_not_read", error=type(error).__name__)
            return self._words
