"""Machine code for whole vectors, called by numba's loops: a product and Fourier transforms.

Each function writes LLVM instructions for vectors of `LANES` float32 (8 or 16, what the CPU has).
Addresses and distances are unsigned integers; distances count float32 values.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_FEATURES = llvmlite.binding.get_host_cpu_features()
LANES = 16 if _FEATURES.get("avx512f") else 8
"""Values of a vector."""
ROWS = 12 if LANES == 16 else 6
"""Rows of the product's tile; with two vectors a row its sums fill the CPU's registers."""
COLUMNS = 2 * LANES
"""Columns of the product's tile."""
POINTS = 32
"""Length of the Fourier transforms."""
PLANES = 3 * (POINTS // 2 - 1) + 2
"""Real products for each: one for either real bin, three for each complex one."""

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_WORD = ir.IntType(64)
_BYTES = 4

_Values = Sequence[Any]
_Complex = tuple[Any, Any]
"""The LLVM values of a number's real and imaginary part; None for an imaginary part of zero."""


class _Writer:
    """Writes instructions where `builder` stands."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def offset(self, base: Any, values: Any) -> Any:
        """Return the address `values` float32 after `base`."""
        if isinstance(values, int):
            return self.builder.add(base, _WORD(values * _BYTES))
        return self.builder.add(base, self.builder.mul(values, _WORD(_BYTES)))

    def load(self, address: Any) -> Any:
        """Return the vector at `address`."""
        return self._aligned(self.builder.load(self._pointer(address, _VECTOR), typ=_VECTOR))

    def store(self, value: Any, address: Any) -> None:
        """Write the vector `value` to `address`."""
        self._aligned(self.builder.store(value, self._pointer(address, _VECTOR)))

    def everywhere(self, address: Any) -> Any:
        """Return a vector of the one value at `address`."""
        one = self._aligned(self.builder.load(self._pointer(address, _FLOAT), typ=_FLOAT))
        empty = ir.Constant(_VECTOR, ir.Undefined)
        index = ir.IntType(32)
        first = self.builder.insert_element(empty, one, index(0))
        places = ir.Constant(ir.VectorType(index, LANES), [0] * LANES)
        return self.builder.shuffle_vector(first, empty, places)

    def times_plus(self, first: Any, second: Any, third: Any) -> Any:
        """Return first × second + third."""
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        name = f"llvm.fma.v{LANES}f32"
        called = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(called, [first, second, third])

    def add(self, first: Any, second: Any) -> Any:
        """Return the sum, where None is zero."""
        if first is None or second is None:
            return first if second is None else second
        return self.builder.fadd(first, second)

    def subtract(self, first: Any, second: Any) -> Any:
        """Return the difference, where None is zero."""
        if second is None:
            return first
        return self.builder.fneg(second) if first is None else self.builder.fsub(first, second)

    def scale(self, value: Any, factor: float) -> Any:
        """Return `value` × `factor`; None where that is zero."""
        if value is None or abs(factor) < 1e-12:
            return None
        if abs(factor - 1) < 1e-12:
            return value
        return self.builder.fmul(value, ir.Constant(_VECTOR, [factor] * LANES))

    def turn(self, value: _Complex, by: complex) -> _Complex:
        """Return `value` × `by`."""
        real, imaginary = value
        return (
            self.subtract(self.scale(real, by.real), self.scale(imaginary, by.imag)),
            self.add(self.scale(real, by.imag), self.scale(imaginary, by.real)),
        )

    def fourier(self, values: _Values) -> list[_Complex]:
        """Return the bins 0 … n/2 of n real `values`, n a power of two."""
        count = len(values)
        if count == 1:
            return [(values[0], None)]
        even, odd = self.fourier(values[::2]), self.fourier(values[1::2])
        bins: list[_Complex] = [(None, None)] * (count // 2 + 1)
        for place in range(count // 4 + 1):
            a = even[place]
            b = self.turn(odd[place], cmath.exp(-2j * cmath.pi * place / count))
            mirrored = self.subtract(a[0], b[0]), self.subtract(b[1], a[1])
            bins[count // 2 - place] = mirrored
            bins[place] = self.add(a[0], b[0]), self.add(a[1], b[1])
        return bins

    def inverse(self, bins: Sequence[_Complex]) -> list[Any]:
        """Return the n real values, times n, of their bins 0 … n/2."""
        count = 2 * (len(bins) - 1)
        if count == 0:
            return [bins[0][0]]
        even, odd = [], []
        for place in range(count // 4 + 1):
            a, b = bins[place], bins[count // 2 - place]
            middle = 4 * place == count
            even.append((self.add(a[0], b[0]), None if middle else self.subtract(a[1], b[1])))
            turned = None if middle else self.subtract(a[0], b[0]), self.add(a[1], b[1])
            odd.append(self.turn(turned, cmath.exp(2j * cmath.pi * place / count)))
        values: list[Any] = [None] * count
        values[::2], values[1::2] = self.inverse(even), self.inverse(odd)
        return values

    def _pointer(self, address: Any, kind: Any) -> Any:
        return self.builder.inttoptr(address, ir.PointerType(kind))

    def _aligned(self, instruction: Any) -> Any:
        instruction.align = _BYTES
        return instruction


def _instructions(count: int, write: Callable[[_Writer, _Values], None]) -> Any:
    """Return what numba wants of an intrinsic with `count` addresses or distances."""

    def generate(context: Any, builder: Any, signature: Any, values: _Values) -> Any:
        write(_Writer(builder), values)
        return context.get_dummy_value()

    return types.void(*[types.uintp] * count), generate


@intrinsic
def product(context, left, left_row, right, out, out_row, depth):  # type: ignore[no-untyped-def]
    """Write a tile: out (ROWS, COLUMNS) = left (ROWS, depth) · right (depth, COLUMNS).

    Rows of `left` and `out` lie `left_row` and `out_row` values apart; `depth` is at least 1.
    """
    return _instructions(6, _product)


def _product(write: _Writer, values: _Values) -> None:
    left, left_row, right, out, out_row, depth = values
    builder = write.builder
    before = builder.block
    loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
    rows = [left]
    for _ in range(ROWS - 1):
        rows.append(write.offset(rows[-1], left_row))
    builder.branch(loop)
    builder.position_at_end(loop)
    step = builder.phi(_WORD)
    step.add_incoming(_WORD(0), before)
    sums = [builder.phi(_VECTOR) for _ in range(2 * ROWS)]
    first = write.offset(right, builder.mul(step, _WORD(COLUMNS)))
    pair = write.load(first), write.load(write.offset(first, LANES))
    added = []
    for place, row in enumerate(rows):
        value = write.everywhere(write.offset(row, step))
        added += [write.times_plus(value, pair[i], sums[2 * place + i]) for i in (0, 1)]
    following = builder.add(step, _WORD(1))
    step.add_incoming(following, loop)
    for sum_, more in zip(sums, added, strict=True):
        sum_.add_incoming(ir.Constant(_VECTOR, [0.0] * LANES), before)
        sum_.add_incoming(more, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, depth), loop, after)
    builder.position_at_end(after)
    for place in range(ROWS):
        write.store(added[2 * place], out)
        write.store(added[2 * place + 1], write.offset(out, LANES))
        out = write.offset(out, out_row)


@intrinsic
def forward(context, values, step, planes, plane):  # type: ignore[no-untyped-def]
    """Transform the POINTS vectors that lie `step` apart at `values` into PLANES vectors.

    They are written `plane` apart: the two real bins, then real + imaginary, real, imaginary of
    each other bin.
    """
    return _instructions(4, _forward)


def _forward(write: _Writer, values: _Values) -> None:
    place, step, out, plane = values
    taken = []
    for _ in range(POINTS):
        taken.append(write.load(place))
        place = write.offset(place, step)
    bins = write.fourier(taken)
    found = [bins[0][0], bins[-1][0]]
    for real, imaginary in bins[1:-1]:
        found += [write.add(real, imaginary), real, imaginary]
    for value in found:
        write.store(value, out)
        out = write.offset(out, plane)


def _backward(size: int) -> Callable[[_Writer, _Values], None]:
    def generate(write: _Writer, values: _Values) -> None:
        planes, plane, addend, bias, addend_step, out, step = values
        found = []
        for _ in range(PLANES):
            found.append(write.load(planes))
            planes = write.offset(planes, plane)
        bins: list[_Complex] = [(found[0], None)]
        for place in range(2, PLANES, 3):
            one, two, three = found[place : place + 3]
            bins.append((write.subtract(one, three), write.add(one, two)))
        bins.append((found[1], None))
        constant = write.load(bias)
        for value in write.inverse(bins)[: POINTS - size + 1]:
            total = write.add(write.add(value, constant), write.load(addend))
            write.store(total, out)
            addend, out = write.offset(addend, addend_step), write.offset(out, step)

    return generate


@intrinsic
def backward_3(context, planes, plane, addend, bias, addend_step, out, step):  # type: ignore[no-untyped-def]
    """Transform PLANES products back into the 30 values of a filter of 3, and add to them."""
    return _instructions(7, _backward(3))


@intrinsic
def backward_7(context, planes, plane, addend, bias, addend_step, out, step):  # type: ignore[no-untyped-def]
    """Transform PLANES products back into the 26 values of a filter of 7, and add to them."""
    return _instructions(7, _backward(7))


@intrinsic
def backward_11(context, planes, plane, addend, bias, addend_step, out, step):  # type: ignore[no-untyped-def]
    """Transform PLANES products back into the 22 values of a filter of 11, and add to them."""
    return _instructions(7, _backward(11))
