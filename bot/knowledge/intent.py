"""What a turn means, by nearness to examples: emergencies, dialogue acts, advice, or a question.

A linear classifier on the question's e5 vector, which retrieval needs anyway, on the classes of
words that the question holds (`signs`), and on its morphemes and letters (`terms`). It sees
wordings that no pattern foresees; the patterns in `safety` and `dialogue` see what must never be
missed. Its coefficients are data
(`models/intent.json`), fitted by benchmarks/fit_knowledge.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.signs import NAMES, signs
from bot.knowledge.terms import terms

Floats = NDArray[np.float32]
QUESTION = "question"
"""The class of everything that is none of the others."""


@dataclass(frozen=True, slots=True)
class IntentModel:
    """A softmax over `names`.

    `weights` (names, size) for the vector, `marks` (names, signs) for the signs, `hashed`
    (names, TERMS) for the terms, `bias` (names,).
    """

    embedder: str
    names: tuple[str, ...]
    weights: Floats
    marks: Floats
    hashed: Floats
    bias: Floats

    def probabilities(self, vector: Floats, text: str) -> dict[str, float]:
        """Return each intent's probability for a question `text` with its `vector` (size,)."""
        logits = self.weights @ vector + self.marks @ signs(text) + self.bias
        logits = logits + self.hashed @ terms(text)
        powers = np.exp(logits - logits.max())
        shares = powers / powers.sum()
        return dict(zip(self.names, (float(p) for p in shares), strict=True))


@cache
def load() -> IntentModel:
    """Return the model that the repository keeps."""
    data = json.loads((files("bot.knowledge") / "models" / "intent.json").read_text("utf-8"))
    if data["signs"] != list(NAMES):
        raise ValueError("models/intent.json is of other signs: run benchmarks/fit_knowledge.py")
    scale = float(data["scale"])
    return IntentModel(
        embedder=data["embedder"],
        names=tuple(data["names"]),
        weights=np.array(data["weights"], np.float32) / scale,
        marks=np.array(data["marks"], np.float32) / scale,
        hashed=np.array(data["terms"], np.float32) / scale,
        bias=np.array(data["bias"], np.float32),
    )
