"""Which articles a question is nearest to, and the signals that say how sure that is.

The channels see what the others miss: e5 the meaning, BM25 over morphemes the terms, BM25 over
letters the slips and odd spacing, BM25 over consonants and vowels what was misheard. Each article
gets every channel's score; a fitted weighting adds them up.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.colloquial import standard
from bot.knowledge.embed import Embedder
from bot.knowledge.index import Index, unit
from bot.knowledge.morphemes import grams, jamo, squeeze, words

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Signals:
    """One number a channel, for one article and one question; the same shape holds the weights.

    Fitted on questions that the reported figures do not use (benchmarks/fit_knowledge.py).
    """

    cosine: float = 0.0
    """The nearest passage."""
    centred: float = 0.0
    """The nearest passage, without what all passages share."""
    title: float = 0.0
    """The title with its keywords."""
    whole: float = 0.0
    """Title and the beginning of the text in one passage."""
    words: float = 0.0
    """Morphemes of the best passage."""
    letters: float = 0.0
    """Letter n-grams of the article."""
    named: float = 0.0
    """How much of the title the question says."""
    near: float = 0.0
    """The mean of the article's three nearest passages: one lucky wording is not enough."""
    jamo: float = 0.0
    """Sequences of its consonants and vowels, which what was misheard shares for the most part; 0
    where every word of the question is known."""


NEAREST = 3
OWN = "silverline"
OWN_BONUS = 0.3
"""What an article of ours is ahead of an imported one: it is written to be spoken."""
CHANNELS = tuple(field.name for field in fields(Signals))
_JAMO = CHANNELS.index("jamo")


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found: its `place` in the index, its `total` and each signal."""

    place: int
    total: float
    signals: Signals
    alike: float = 0.0
    """What of the total comes from `jamo`: it tells which article was meant, not that one was."""


@cache
def load_weights() -> Signals:
    """Return the weights that the repository keeps."""
    data = json.loads((files("bot.knowledge") / "models" / "channels.json").read_text("utf-8"))
    return Signals(**data)


class Retriever:
    """Searches one index; safe to share between threads."""

    def __init__(self, index: Index, embedder: Embedder, weights: Signals):
        """Search `index`, whose vectors `embedder` made, adding up signals by `weights`."""
        self.index = index
        self.embedder = embedder
        self.weights = np.array(astuple(weights), np.float32)
        self._titles = np.array([p.kind == "title" for p in index.passages], bool)
        self._slots = _slots(index)
        own = np.array([article.origin == OWN for article in index.articles], bool)
        self._own = OWN_BONUS * own.astype(np.float32)
        self._wholes = np.array([p.kind == "whole" for p in index.passages], bool)

    def search(self, question: str, limit: int = 10) -> list[Hit]:
        """Return the `limit` best articles for `question`, best first; none for an empty one."""
        if not self.index.articles or not squeeze(question):
            return []
        table = self.signals(question)
        return self.ranked(table, table @ self.weights + self._own, limit)

    def ranked(self, table: Floats, total: Floats, limit: int) -> list[Hit]:
        """Return the `limit` articles of the highest `total`, with their rows of `table`."""
        best = np.argsort(-total, kind="stable")[:limit]
        alike = table[:, _JAMO] * self.weights[_JAMO]
        return [
            Hit(int(i), float(total[i]), Signals(*(float(v) for v in table[i])), float(alike[i]))
            for i in best
        ]

    def signals(self, question: str) -> Floats:
        """Return every article's signals, shape (articles, channels)."""
        index = self.index
        question = standard(question)
        vector = self.embedder.query(question)
        cosines = index.vectors @ vector
        centred = index.centred @ unit(vector - index.centre)
        terms = grams(question)
        content = words(question).content
        columns = (
            self._best(cosines),
            self._best(centred),
            cosines[self._titles],
            cosines[self._wholes],
            self._best(index.words.share(content)),
            index.letters.share(terms),
            index.titles.share(terms),
            self._near(cosines),
            self._misheard(question, content),
        )
        return np.stack(columns, axis=1).astype(np.float32)

    def _misheard(self, question: str, content: tuple[str, ...]) -> Floats:
        # Where every word is known nothing was misheard, and titles that sound alike would mislead.
        if all(self.index.words.knows(word) for word in content):
            return np.zeros(len(self.index.articles), np.float32)
        return self.index.jamo.share(jamo(question))

    def _near(self, cosines: Floats) -> Floats:
        filled = np.where(self._slots >= 0, cosines[self._slots], -np.inf)
        top = np.partition(filled, -NEAREST, axis=1)[:, -NEAREST:]
        known = np.isfinite(top)
        mean: Floats = np.where(known, top, 0).sum(1) / known.sum(1)
        return mean

    def _best(self, values: Floats) -> Floats:
        pooled: Floats = np.maximum.reduceat(values, self.index.starts)
        return pooled


def _slots(index: Index) -> Ints:
    """Return each article's passages, shape (articles, most), filled up with -1."""
    counts = np.diff(np.append(index.starts, len(index.passages)))
    most = max(NEAREST, int(counts.max(initial=0)))
    steps = np.arange(most)
    places = index.starts[:, None] + steps[None, :]
    inside = np.minimum(places, len(index.passages) - 1)
    known = (steps[None, :] < counts[:, None]) & index.embedded[inside]
    slots: Ints = np.where(known, places, -1)
    return slots
