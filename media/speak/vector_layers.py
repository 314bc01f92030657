"""Layers over sound that lies as (time, channels): filters and products, shared by threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import local

import numpy as np
from numpy.typing import NDArray

from media.speak import vector_loops as loops
from media.speak.vector_code import COLUMNS, POINTS, ROWS
from media.types import FloatArray

_ROWS_EACH = 1024
"""Rows that a thread takes at a time."""


class Team:
    """Threads that share the parts of a piece of work; each has scratch space of its own."""

    def __init__(self, threads: int) -> None:
        self._others = threads - 1
        self._pool = ThreadPoolExecutor(max(self._others, 1), "generator")
        self._own = local()

    def share(self, work: Callable[[int, int], None], bounds: list[int]) -> None:
        """Call `work` with every two neighbours of `bounds`."""
        numbers = count()

        def take() -> None:
            while (number := next(numbers)) < len(bounds) - 1:
                work(bounds[number], bounds[number + 1])

        others = [self._pool.submit(take) for _ in range(min(self._others, len(bounds) - 2))]
        take()
        for other in others:
            other.result()

    def rows(self, total: int) -> list[int]:
        """Return bounds that part `total` rows."""
        return [*range(0, total, _ROWS_EACH), total]

    def tiles(self, total: int) -> list[int]:
        """Return bounds that part `total` tiles evenly: whole `ROWS`, at most `GROUP`."""
        units = -(-total // ROWS)
        parts = -(-units * ROWS // loops.GROUP)
        parts = min(units, -(-parts // (self._others + 1)) * (self._others + 1))
        return [min(units * number // parts * ROWS, total) for number in range(parts + 1)]

    def scratch(self, channels: int) -> FloatArray:
        """Return this thread's scratch space for convolutions of so many channels."""
        if getattr(self._own, "channels", 0) < channels:
            self._own.channels, self._own.space = channels, loops.scratch(channels)
        space: FloatArray = self._own.space
        return space


class Filter:
    """A convolution of as many channels as it gives, with an odd size and its middle in place.

    `weight` is (out, in, size), `bias` (out,); `apart` is how many rows lie between two taps.
    """

    def __init__(self, weight: FloatArray, bias: FloatArray, apart: int) -> None:
        self.size, self.apart, self.bias = weight.shape[2], apart, np.ascontiguousarray(bias)
        self.weights = spectra(weight)
        self._nothing = np.zeros((1, len(bias)), np.float32)

    def run(
        self,
        team: Team,
        values: FloatArray,
        length: int,
        out: FloatArray,
        addend: FloatArray | None = None,
    ) -> None:
        """Write the convolution of `values` (which begins BEFORE rows early), plus `addend`."""
        more = self._nothing if addend is None else addend
        row = 0 if addend is None else addend.shape[1]

        def work(start: int, stop: int) -> None:
            loops.convolve(
                values,
                self.weights,
                self.bias,
                more,
                row,
                out,
                length,
                self.size,
                self.apart,
                start,
                stop,
                team.scratch(values.shape[1]),
            )

        team.share(work, team.tiles(loops.tiles(length, self.size, self.apart)))


def spectra(weight: FloatArray) -> FloatArray:
    """Return the planes by which `convolve` multiplies, of a filter (out, in, size)."""
    made, channels, size = weight.shape
    bins = np.conj(np.fft.rfft(np.eye(size), POINTS)) / POINTS
    planes = [bins[:, 0].real, bins[:, -1].real]
    # (a + bi)(c + di) takes three products: c (a + b), a (d − c), b (c + d).
    for number in range(1, POINTS // 2):
        c, d = bins[:, number].real, bins[:, number].imag
        planes += [c, d - c, c + d]
    taps = weight.reshape(-1, COLUMNS, channels, size).transpose(3, 0, 2, 1).reshape(size, -1)
    return np.stack(planes).astype(np.float32) @ taps


def packed(matrix: NDArray[np.floating]) -> FloatArray:
    """Return `matrix` (depth, columns) as `multiply` reads it, with columns of zeros at the end."""
    depth, columns = matrix.shape
    whole = np.zeros((depth, -(-columns // COLUMNS) * COLUMNS), np.float32)
    whole[:, :columns] = matrix
    return np.ascontiguousarray(whole.reshape(depth, -1, COLUMNS).transpose(1, 0, 2))


class Product:
    """A product with a fixed matrix (depth, columns) of rows that may overlap in memory."""

    def __init__(self, matrix: NDArray[np.floating]) -> None:
        self.depth, self._right = len(matrix), packed(matrix)
        self.columns = len(self._right) * COLUMNS

    def run(
        self, team: Team, values: FloatArray, row: int, total: int, spare: int = 0
    ) -> FloatArray:
        """Return `total` rows of the product and at least `spare` more, which say nothing.

        Row i of the left side are the `depth` values of `values` from i × `row` on. It must hold
        what ROWS rows more would take, since rows are multiplied by so many.
        """
        rows = -(-total // ROWS) * ROWS
        out = np.empty((rows + spare, self.columns), np.float32)

        def work(start: int, stop: int) -> None:
            loops.multiply(
                values.ctypes.data,
                row,
                self._right.ctypes.data,
                self.depth,
                self.columns,
                start,
                stop,
                out.ctypes.data,
                self.columns,
            )

        each = -(-rows // (8 * ROWS)) * ROWS
        team.share(work, [*range(0, rows, each), rows])
        return out


def moments(team: Team, values: FloatArray, length: int) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of each channel over the first `length` rows."""
    bounds = team.rows(length)
    sums = np.zeros((len(bounds), 2, values.shape[1]), np.float32)

    def work(start: int, stop: int) -> None:
        total, squares = sums[start // _ROWS_EACH]
        loops.moments(values, start, stop, total, squares)

    team.share(work, bounds)
    mean, square = sums.sum(axis=0, dtype=np.float64) / length
    spread = np.maximum(square - mean**2, 0)
    return (mean + values[0]).astype(np.float32), spread.astype(np.float32)
