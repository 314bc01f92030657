"""Vectors and morphemes of texts, kept on disk by the hash of the text."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.knowledge import shipped
from bot.knowledge.embed import Embedder
from bot.knowledge.morphemes import Words, words

Floats = NDArray[np.float32]
BATCH = 32
_TABLE = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
_ASK = 500


class TextCache:
    """A small SQLite file of what was computed for a text; `path` None keeps it in memory.

    What travels with the articles is looked up first and not stored again.
    """

    def __init__(self, path: Path | None = None, articles: Path | None = None):
        """Open or create the file at `path`; `articles` is a folder that may hold vectors.

        Raises ShippedError where its vectors cannot be read.
        """
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._shipped = shipped.read(articles / shipped.NAME) if articles is not None else {}
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=60)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(_TABLE)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def vectors(
        self,
        embedder: Embedder,
        texts: Sequence[str],
        progress: Callable[[int, int], None] | None = None,
    ) -> Floats:
        """Return the vectors of passages, shape (len(texts), size), and store new ones."""
        return self._vectors(embedder.name, embedder.passages, texts, progress)

    def queries(self, embedder: Embedder, texts: Sequence[str]) -> Floats:
        """Return the vectors of questions, shape (len(texts), size)."""
        return self._vectors(f"{embedder.name}-query", embedder.queries, texts, None)

    def missing(self, embedder: Embedder, texts: Sequence[str]) -> list[str]:
        """Return those of `texts` whose vectors would have to be computed."""
        keys = [text_key(embedder.name, text) for text in texts]
        known = self._read(keys)
        return [text for key, text in zip(keys, texts, strict=True) if key not in known]

    def _vectors(
        self,
        kind: str,
        encode: Callable[[Sequence[str]], Floats],
        texts: Sequence[str],
        progress: Callable[[int, int], None] | None,
    ) -> Floats:
        keys = [text_key(kind, text) for text in texts]
        known = self._read(keys)
        missing = list({k: t for k, t in zip(keys, texts, strict=True) if k not in known}.items())
        # Texts of like length in one batch waste least, and the long ones come first.
        missing.sort(key=lambda item: -len(item[1]))
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            made = encode([text for _, text in part])
            fresh = {k: v.tobytes() for (k, _), v in zip(part, made, strict=True)}
            self._write(fresh)
            known |= fresh
            if progress is not None:
                progress(min(start + BATCH, len(missing)), len(missing))
        if not keys:
            return np.zeros((0, 1), np.float32)
        return np.stack([np.frombuffer(known[k], np.float32) for k in keys])

    def words(self, texts: Sequence[str]) -> list[Words]:
        """Return the morphemes of `texts`."""
        keys = [text_key("words-1", text) for text in texts]
        known = self._read(keys)
        found: list[Words] = []
        fresh: dict[bytes, bytes] = {}
        for key, text in zip(keys, texts, strict=True):
            if key in known:
                content, nouns = json.loads(known[key])
                found.append(Words(tuple(content), tuple(nouns)))
                continue
            made = words(text)
            fresh[key] = json.dumps([made.content, made.nouns]).encode()
            found.append(made)
        self._write(fresh)
        return found

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found = {key: self._shipped[key] for key in keys if key in self._shipped}
        rest = [key for key in keys if key not in found]
        with self._lock:
            for start in range(0, len(rest), _ASK):
                part = rest[start : start + _ASK]
                marks = ",".join("?" * len(part))
                rows = self._db.execute(f"SELECT key, value FROM kept WHERE key IN ({marks})", part)
                found |= dict(rows)
        return found

    def _write(self, fresh: dict[bytes, bytes]) -> None:
        if not fresh:
            return
        with self._lock, self._db:
            self._db.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", list(fresh.items()))


def text_key(kind: str, text: str) -> bytes:
    """Return the 16 bytes under which what `kind` makes of `text` is kept."""
    return hashlib.sha256(f"{kind}\0{text}".encode()).digest()[:16]
