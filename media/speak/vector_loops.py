"""The generator's inner loops, compiled by numba: sound lies as (time, channels) in float32.

All of them leave the interpreter's lock, so threads share a layer. Arrays of sound have spare rows
after their end (`SPARE`), which may be written and are never read as sound. The compiled code is
kept beside the assembled models, by the text that it was made of.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numba import config, njit

from media.speak import vector_code
from media.speak.vector_code import (
    COLUMNS,
    LANES,
    PLANES,
    POINTS,
    ROWS,
    backward_3,
    backward_7,
    backward_11,
    forward,
    product,
)
from media.weights import cache_folder

BEFORE = 32
"""Rows of zeros before a convolution's input: half of the widest filter (11, five apart) fits."""
SPARE = 192
"""Rows after the end of every array: what the last tile of a convolution may touch."""
GROUP = 72
"""Tiles that a convolution transforms before it multiplies them: the product is then in cache."""

_TEXT = b"".join(Path(module).read_bytes() for module in (__file__, vector_code.__file__))
_usual_folder = config.CACHE_DIR
config.CACHE_DIR = str(cache_folder() / "loops" / hashlib.sha256(_TEXT).hexdigest()[:12])


@njit(nogil=True, fastmath=True, cache=True)
def moments(values, start, stop, total, squares):  # type: ignore[no-untyped-def]
    """Add up each channel of rows start … stop less the first row, and its square."""
    channels = values.shape[1]
    for row in range(start, stop):
        for channel in range(channels):
            value = values[row, channel] - values[0, channel]
            total[channel] += value
            squares[channel] += value * value


@njit(nogil=True, fastmath=True, cache=True)
def activate(values, start, stop, gain, shift, rate, height, factors, out):  # type: ignore[no-untyped-def]
    """Write y + height · sin²(π rate y), y = gain · x + shift, of rows start … stop.

    `gain`, `shift`, `rate`, `height` are one a channel; `factors` are those of sin² (4,). `out`
    begins BEFORE rows earlier.
    """
    one, two, three, four = factors[0], factors[1], factors[2], factors[3]
    for row in range(start, stop):
        for channel in range(values.shape[1]):
            y = values[row, channel] * gain[channel] + shift[channel]
            turns = y * rate[channel]
            part = turns - np.rint(turns)
            square = part * part
            wave = (((four * square + three) * square + two) * square + one) * square
            out[row + BEFORE, channel] = y + height[channel] * wave


@njit(nogil=True, fastmath=True, cache=True)
def mean_of_three(first, second, third, start, stop, slope, out, offset):  # type: ignore[no-untyped-def]
    """Write the mean of three arrays, negative values times `slope`, `offset` rows later."""
    third_part = np.float32(1 / 3)
    for row in range(start, stop):
        for channel in range(first.shape[1]):
            value = first[row, channel] + second[row, channel] + third[row, channel]
            value *= third_part
            out[row + offset, channel] = max(value, value * slope)


@njit(nogil=True, fastmath=True, cache=True)
def add_rows(values, start, stop, bias, out):  # type: ignore[no-untyped-def]
    """Add `values` and one `bias` a channel to rows start … stop of `out`."""
    for row in range(start, stop):
        for channel in range(values.shape[1]):
            out[row, channel] += values[row, channel] + bias[channel]


@njit(nogil=True, cache=True)
def multiply(left, left_row, right, depth, columns, start, stop, out, out_row):  # type: ignore[no-untyped-def]
    """Write rows start … stop, which are multiples of ROWS, of left · right.

    `left` and `out` are addresses; row i of `left` begins at i × `left_row` values, so that rows
    may overlap. `right` is packed: (columns / COLUMNS, depth, COLUMNS).
    """
    for panel in range(columns // COLUMNS):
        for row in range(start, stop, ROWS):
            product(
                np.uintp(left + 4 * row * left_row),
                np.uintp(left_row),
                np.uintp(right + 4 * panel * depth * COLUMNS),
                np.uintp(out + 4 * (row * out_row + panel * COLUMNS)),
                np.uintp(out_row),
                np.uintp(depth),
            )


@njit(nogil=True, cache=True)
def convolve(  # type: ignore[no-untyped-def]
    values, weights, bias, addend, addend_row, out, length, size, apart, start, stop, work
):
    """Convolve rows that the tiles start … stop cover and add `addend`; see `Filter`.

    `values` begins BEFORE rows early, with zeros around it; `weights` (PLANES, out channels /
    COLUMNS, in channels, COLUMNS); `bias` (out channels,); `addend` and `out` (rows, out channels);
    rows of `addend` lie `addend_row` values apart: 0 adds its first row everywhere. `work` is
    scratch space, zeros at first.

    A tile is POINTS rows, `apart` rows between two of them. Tiles are numbered by where they begin
    among `apart` rows, then in time; each gives POINTS − size + 1 rows.
    """
    channels, made = values.shape[1], out.shape[1]
    each = POINTS - size + 1
    run = (length + apart * each - 1) // (apart * each)
    back = size // 2 * apart
    plane = GROUP * channels + LANES
    out_plane = GROUP * made + LANES
    spectra = work.ctypes.data
    products = np.uintp(spectra + 4 * PLANES * plane)
    source, target, more = values.ctypes.data, out.ctypes.data, addend.ctypes.data
    count = min(stop, run * apart) - start
    for tile in range(count):
        first = (start + tile) // run + (start + tile) % run * each * apart + BEFORE - back
        for channel in range(0, channels, LANES):
            forward(
                np.uintp(source + 4 * (first * channels + channel)),
                np.uintp(apart * channels),
                np.uintp(spectra + 4 * (tile * channels + channel)),
                np.uintp(plane),
            )
    for number in range(PLANES):
        multiply(
            np.uintp(spectra + 4 * number * plane),
            channels,
            np.uintp(weights.ctypes.data + 4 * number * channels * made),
            channels,
            made,
            0,
            count,
            np.uintp(products + 4 * number * out_plane),
            made,
        )
    for tile in range(count):
        first = (start + tile) // run + (start + tile) % run * each * apart
        for channel in range(0, made, LANES):
            a = np.uintp(products + 4 * (tile * made + channel))
            b = np.uintp(out_plane)
            c = np.uintp(more + 4 * (first * addend_row + channel))
            d = np.uintp(bias.ctypes.data + 4 * channel)
            e = np.uintp(apart * addend_row)
            f = np.uintp(target + 4 * (first * made + channel))
            g = np.uintp(apart * made)
            if size == 3:
                backward_3(a, b, c, d, e, f, g)
            elif size == 7:
                backward_7(a, b, c, d, e, f, g)
            else:
                backward_11(a, b, c, d, e, f, g)


def tiles(length: int, size: int, apart: int) -> int:
    """Return how many tiles `convolve` makes of `length` rows."""
    rows = apart * (POINTS - size + 1)
    return (length + rows - 1) // rows * apart


def scratch(channels: int) -> np.ndarray:
    """Return the scratch space of `convolve` for so many channels in and out."""
    return np.zeros(2 * PLANES * (GROUP * channels + LANES) + LANES, np.float32)


config.CACHE_DIR = _usual_folder
