"""How sure an answer is: a calibrated probability from signals that a cosine alone does not give.

A foreign question's best cosine is nearly as high as a right one's. What tells them apart is how
far the second article is behind, how much of the question the article's words cover, and whether
its nouns are known at all. A logistic regression weighs them (`models/judge.json`, fitted by
benchmarks/fit_knowledge.py on the even rows of the question sets).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.colloquial import standard
from bot.knowledge.index import Index
from bot.knowledge.morphemes import words
from bot.knowledge.retrieve import CHANNELS, Hit

Floats = NDArray[np.float32]
USED = tuple(name for name in CHANNELS if name not in ("near", "jamo"))
"""`near` says hardly more than `cosine`, and a judge with both fits the questions it saw; `jamo` is
mostly 0."""
FEATURES = (*USED, "margin", "covered", "nouns", "known", "length")
LONGEST = 12
"""Content words of the longest question that the judge was fitted on."""
_COVERED, _NOUNS = FEATURES.index("covered"), FEATURES.index("nouns")


class Decision(StrEnum):
    """What to do with a question."""

    ANSWER = "answer"
    CHOOSE = "choose"
    """Two articles are as good: ask "did you mean"."""
    CLARIFY = "clarify"
    """Too little was said."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` in [0, 1] is how likely the first hit answers; `decision` says what to do."""

    score: float
    decision: Decision


@dataclass(frozen=True, slots=True)
class Judge:
    """A logistic regression over FEATURES and the scores between which it hesitates."""

    mean: Floats
    spread: Floats
    weights: Floats
    bias: float
    answer_at: float = 0.55
    choose_at: float = 0.25
    close: float = 0.35
    """Two articles whose totals differ by less are as good."""
    evidence: float = 0.34
    """So much of the question's words the first article must hold before it is offered."""
    least: float = 0.2
    """An article that holds less of both the question's words and its nouns answers nothing."""

    def probability(self, found: Floats) -> float:
        """Return the probability that the first hit answers, from its features."""
        value = float(((found - self.mean) / self.spread) @ self.weights) + self.bias
        return float(1 / (1 + np.exp(-np.clip(value, -30, 30))))

    def judge(self, question: str, hits: Sequence[Hit], index: Index) -> Verdict:
        """Return the verdict on `hits`, best first."""
        if not hits:
            return Verdict(0.0, Decision.CLARIFY)
        found = features(question, hits, index)
        score = self.probability(found)
        if max(found[_COVERED], found[_NOUNS]) < self.least:
            return Verdict(min(score, self.choose_at), Decision.REFUSE)
        if score >= self.answer_at:
            return Verdict(score, Decision.ANSWER)
        if score < self.choose_at:
            return Verdict(score, Decision.REFUSE)
        if found[_COVERED] < self.evidence or found[_NOUNS] < self.evidence:
            return Verdict(score, Decision.REFUSE)
        close = len(hits) > 1 and hits[0].total - hits[1].total < self.close
        return Verdict(score, Decision.CHOOSE if close else Decision.REFUSE)


def features(question: str, hits: Sequence[Hit], index: Index) -> Floats:
    """Return FEATURES of the first of `hits` (not empty), shape (len(FEATURES),)."""
    first = hits[0]
    ahead = [hit.total - hit.alike for hit in hits[:2]]
    margin = ahead[0] - ahead[1] if len(hits) > 1 else 1.0
    found = words(standard(question))
    terms = index.terms[first.place]
    weights = {term: index.words.weight(term) for term in found.content}
    whole = sum(weights.values())
    covered = sum(weight for term, weight in weights.items() if term in terms)
    nouns = set(found.nouns)
    held = sum(noun in terms for noun in nouns) / len(nouns) if nouns else 0.0
    known = sum(index.words.knows(noun) for noun in nouns) / len(nouns) if nouns else 0.5
    return np.array(
        [
            *(getattr(first.signals, name) for name in USED),
            min(margin, 3.0),
            covered / whole if whole else 0.0,
            held,
            known,
            _length(len(found.content)),
        ],
        np.float32,
    )


def _length(count: int) -> float:
    """Return how far `count` content words make a whole question, 1 at LONGEST.

    The judge was fitted on questions up to there. What goes on beyond holds more than a question,
    and makes an answer less sure, not more.
    """
    return min(count, LONGEST) / max(count, LONGEST)


@cache
def load() -> Judge:
    """Return the judge that the repository keeps."""
    data = json.loads((files("bot.knowledge") / "models" / "judge.json").read_text("utf-8"))
    if data["features"] != list(FEATURES):
        raise ValueError("models/judge.json is of other features: run benchmarks/fit_knowledge.py")
    return Judge(
        mean=np.array(data["mean"], np.float32),
        spread=np.array(data["spread"], np.float32),
        weights=np.array(data["weights"], np.float32),
        bias=float(data["bias"]),
        **data["limits"],
    )
