"""What a turn means, by nearness to examples: emergencies, dialogue acts, advice, or a question.

A classifier on the question's e5 vector, which retrieval needs anyway, on the classes of words that
the question holds (`signs`), and on its morphemes and letters (`terms`): linear, and beside it one
hidden layer on the first two. It sees wordings that no pattern foresees; the patterns in `safety`
and `dialogue` see what must never be missed. Its coefficients are data (`models/intent.json`),
fitted by benchmarks/fit_intent.py.
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
    """A softmax over `names` on a vector with its signs (shown) and on terms.

    `direct` (names, shown), `hashed` (names, TERMS), `bias` (names,); `inner` (hidden, shown),
    `inner_bias` (hidden,), `outer` (names, hidden).
    """

    embedder: str
    names: tuple[str, ...]
    direct: Floats
    hashed: Floats
    bias: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats

    def probabilities(self, vector: Floats, text: str) -> dict[str, float]:
        """Return each intent's probability for a question `text` with its `vector` (size,)."""
        shown = np.concatenate([vector, signs(text)])
        hidden = self.inner @ shown + self.inner_bias
        hidden = hidden / (1 + np.exp(-np.clip(hidden, -30, 30)))
        logits = self.direct @ shown + self.hashed @ terms(text) + self.bias + self.outer @ hidden
        powers = np.exp(logits - logits.max())
        shares = powers / powers.sum()
        return dict(zip(self.names, (float(p) for p in shares), strict=True))


@cache
def load() -> IntentModel:
    """Return the model that the repository keeps."""
    data = json.loads((files("bot.knowledge") / "models" / "intent.json").read_text("utf-8"))
    if data["signs"] != list(NAMES):
        raise ValueError("models/intent.json is of other signs: run benchmarks/fit_intent.py")
    kept = ("direct", "hashed", "bias", "inner", "inner_bias", "outer")
    return IntentModel(
        embedder=data["embedder"],
        names=tuple(data["names"]),
        **{name: np.array(data[name], np.float32) / data["scale"] for name in kept},
    )
