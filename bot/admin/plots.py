"""Plots as numbers for a drawing: stacked bars with round ticks, for pages and for paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM, TOP = 44, 26, 8
TICKS = 4
MOST_LABELS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a stack, in units of the drawing; `series` names what it is of."""

    series: str
    x: float
    y: float
    width: float
    height: float
    tells: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a place on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars, with the labels of both axes."""

    bars: tuple[Bar, ...]
    across: tuple[Label, ...]
    up: tuple[Label, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def stacked(columns: Sequence[tuple[str, Mapping[str, int]]], series: Sequence[str]) -> Plot:
    """Return a stack for each of `columns`, its parts in the order of `series`."""
    totals = [sum(counts.get(name, 0) for name in series) for _, counts in columns]
    step = tick(max(totals, default=0))
    top = step * TICKS
    floor, tall = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    pitch = (WIDTH - LEFT) / max(1, len(columns))
    bars: list[Bar] = []
    for place, (name, counts) in enumerate(columns):
        y = float(floor)
        for one in series:
            high = tall * counts.get(one, 0) / top
            if high:
                y -= high
                x = LEFT + pitch * place + 0.1 * pitch
                told = f"{name}: {counts[one]}"
                bars.append(
                    Bar(one, round(x, 1), round(y, 1), round(0.8 * pitch, 1), round(high, 1), told)
                )
    every = max(1, math.ceil(len(columns) / MOST_LABELS))
    across = tuple(
        Label(round(LEFT + pitch * (place + 0.5), 1), name)
        for place, (name, _) in enumerate(columns)
        if place % every == 0
    )
    up = tuple(Label(round(floor - tall * n / TICKS, 1), f"{step * n:,}") for n in range(TICKS + 1))
    return Plot(tuple(bars), across, up)


def tick(most: int) -> int:
    """Return a round step of which `TICKS` reach `most`."""
    least = max(1, math.ceil(most / TICKS))
    power = int(10 ** math.floor(math.log10(least)))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= least)
