"""Second opinions by setting, from `transformers` models (extra `neural`): rerank, hate speech."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol


class Reranker(Protocol):
    """Reads question and passage together."""

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """Return one number a passage, higher for a better answer."""


class AbuseModel(Protocol):
    """Tells abuse from strong feeling."""

    def abusive(self, text: str) -> bool:
        """Return whether `text` is abuse."""


class _Classifier:
    """A sequence classification model by hub name or folder; it loads on first use."""

    def __init__(self, model: str):
        self._name = model
        self._lock = threading.Lock()
        self._parts: tuple[Any, Any] | None = None

    def _logits(self, *texts: list[str]) -> Any:
        import torch

        with self._lock, torch.inference_mode():
            tokenizer, model = self._load()
            batch = tokenizer(
                *texts, padding=True, truncation=True, max_length=512, return_tensors="pt"
            )
            return model(**batch).logits

    def _load(self) -> tuple[Any, Any]:
        if self._parts is None:
            from transformers import AutoModelForSequenceClassification, AutoTokenizer

            self._parts = (
                AutoTokenizer.from_pretrained(self._name),
                AutoModelForSequenceClassification.from_pretrained(self._name).eval(),
            )
        return self._parts


class CrossEncoder(_Classifier):
    """A cross-encoder; the last class's logit is the score."""

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """Return one number a passage, higher for a better answer."""
        logits = self._logits([question] * len(passages), list(passages))
        return [float(value) for value in logits[:, -1]]


class AbuseClassifier(_Classifier):
    """A hate-speech classifier; every class but those named harmless counts as abuse."""

    def __init__(
        self, model: str, threshold: float = 0.9, harmless: Sequence[str] = ("clean", "none", "0")
    ):
        """Call a text abuse where abusive classes together reach `threshold`."""
        super().__init__(model)
        self._threshold = threshold
        self._harmless = frozenset(name.lower() for name in harmless)

    def abusive(self, text: str) -> bool:
        """Return whether `text` is abuse."""
        shares = self._logits([text])[0].softmax(-1).tolist()
        names: dict[int, str] = self._load()[1].config.id2label
        bad = (s for i, s in enumerate(shares) if names[i].lower() not in self._harmless)
        return float(sum(bad)) >= self._threshold
