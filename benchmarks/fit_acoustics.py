"""Fits `media/speak/acoustics.py`: what each state of a phoneme looks like in Kokoro's own sound.

Tuning sentences are said in a female and a male style. Boundaries start from the model's clock,
60 ms early; then alignment and averaging take turns. No labels are needed, and the held-out
half, on which `bench_timings.py` checks, is not used. Run it again after a change of phoneme
tokens, bands or states.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media.speak import acoustics
from media.speak.bench import sentences
from media.speak.kokoro import rendered
from media.speak.kokoro_source import RATE
from media.speak.timings import HOP, SILENCE, Piece, State, Table, bands, bounds_of, states_of

SENTENCES = Path(__file__).with_name("data") / "voice_sentences.tsv"
STYLES = {"korean_woman": 4, "korean_man": 7}
"""Style → every how many-th tuning sentence is said in it."""
LEAD = 0.06
LAST = 0.13
LEAST_DEVIATION = 4.0
LIKE = {"y": "i", "ɰ": "ɯ"}
"""Phonemes too rare for these sentences, and those that look like them."""
SHRINK = 20
"""Points of the overall average mixed into each state's, for states that occur seldom."""

Levels = NDArray[np.float64]
Item = tuple[list[Piece], list[State], Levels]


def items() -> list[Item]:
    """Return pieces, states and band levels of every utterance."""
    texts = sentences(SENTENCES, "tuning")
    found: list[Item] = []
    for style, step in STYLES.items():
        for text in texts[1::step]:
            for sound, pieces in rendered(text, style):
                found.append((pieces, states_of(pieces), bands(sound, RATE)))
    return found


def by_clock(pieces: Sequence[Piece], states: Sequence[State]) -> NDArray[np.int64]:
    """Return first bounds: the model's clock, early, with the pauses cut off."""
    ends = np.cumsum([piece.seconds for piece in pieces])
    bounds = [0]
    for number, piece in enumerate(pieces):
        own = [state for state in states if state.piece == number]
        start = ends[number] - piece.seconds - LEAD
        marked = number + 1 < len(pieces) and piece.symbol and not pieces[number + 1].symbol
        length = min(piece.seconds, LAST) if marked else piece.seconds
        bounds += [round((start + length * (i + 1) / len(own)) / HOP) for i in range(len(own))]
    return np.maximum.accumulate(np.maximum(bounds, 0))


def average(found: Sequence[Item], bounds: Sequence[NDArray[np.int64]]) -> Table:
    """Return mean and deviation of each state's levels between its bounds."""
    points: dict[str, list[Levels]] = defaultdict(list)
    for (_, states, levels), edges in zip(found, bounds, strict=True):
        for state, start, end in zip(states, edges, edges[1:], strict=False):
            if end > start:
                points[state.name].append(levels[start:end])
    everything = np.concatenate([part for parts in points.values() for part in parts])
    mean, deviation = everything.mean(axis=0), everything.std(axis=0)
    table = {}
    for name in {state.name for _, states, _ in found for state in states}:
        own = np.concatenate(points[name]) if points[name] else everything[:0]
        share = len(own) / (len(own) + SHRINK)
        own_mean = own.mean(axis=0) if len(own) else mean
        own_deviation = own.std(axis=0) if len(own) else deviation
        table[name] = (
            tuple(np.rint(own_mean * share + mean * (1 - share)).astype(int)),
            tuple(
                np.rint(
                    np.maximum(own_deviation * share + deviation * (1 - share), LEAST_DEVIATION)
                ).astype(int)
            ),
        )
    return table


def write(table: Table, target: Path) -> None:
    """Write `table` as a module."""
    table = {**{rare: table[usual] for rare, usual in LIKE.items()}, **table}
    head = target.read_text(encoding="utf-8").split("ACOUSTICS:")[0]
    rows = "\n".join(
        f'    "{name}": ({tuple(map(int, mean))}, {tuple(map(int, deviation))}),'
        for name, (mean, deviation) in sorted(table.items())
    )
    kind = "dict[str, tuple[tuple[int, ...], tuple[int, ...]]]"
    target.write_text(f"{head}ACOUSTICS: {kind} = {{\n{rows}\n}}\n", encoding="utf-8")


def main() -> None:
    """Fit and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    given = parser.parse_args()
    found = items()
    # Gaps between words are silent only now and then: the clock cannot say which.
    table = average(found, [by_clock(pieces, states) for pieces, states, _ in found])
    for number in range(given.rounds):
        bounds = [bounds_of(levels, states, table) for _, states, levels in found]
        before, table = table, average(found, bounds)
        moved = np.mean([np.abs(np.subtract(table[k][0], before[k][0])).mean() for k in table])
        print(f"round {number + 1}: levels moved by {moved:.2f} dB; silence {table[SILENCE][0]}")
    write(table, Path(str(acoustics.__file__)))


if __name__ == "__main__":
    main()
