"""The last part of Kokoro, from features to a spectrum, in loops that CPUs run well.

Nine tenths of its work are 48 convolutions over 128 or 256 channels. They are done as products of
Fourier transforms (32 points, 22 to 30 of them new): a fifth of the multiplications of a filter of
11, and the same result up to rounding. All else on a value's way (normalising, activation, adding)
takes one pass each. Nothing depends on the length, so nothing is prepared anew for a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from media.speak import vector_loops as loops
from media.speak.kokoro_graph import squared_sine_factors
from media.speak.vector_code import ROWS
from media.speak.vector_layers import Filter, Product, Team, moments
from media.types import FloatArray

_EPSILON = 1e-5
_APART = (1, 3, 5)
"""Rows between the taps of the first filter of a block's three pairs; the second's are dense."""
_FACTORS = squared_sine_factors().astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Step:
    """Normalise, with gain and shift from the style (by `fc` and `bias`), activate, filter."""

    fc: FloatArray
    bias: FloatArray
    rate: FloatArray
    height: FloatArray
    filter: Filter


@dataclass(frozen=True, slots=True)
class _Stage:
    """One of two stages: upsample, add what the buzz becomes, take the mean of three blocks.

    A row of `up` is `times` rows of sound, of which the first `cut` in all fall away. `bias` is
    that of both products; `frame` rows of zeros are put around the result.
    """

    up: Product
    times: int
    cut: int
    buzz: Product
    buzz_block: list[_Step]
    bias: FloatArray
    blocks: list[list[_Step]]
    slope: float
    frame: int


class Generator:
    """Kokoro's generator with the weights of the prepared graph file `path`."""

    def __init__(self, path: Path, threads: int) -> None:
        weights = _Weights(path)
        self._team = Team(threads)
        self._first = _stage(weights, 0, times=10, cut=5, slope=0.1, frame=1)
        # The second stage's sound begins a row early, with the mirror image of its second row.
        self._second = _stage(weights, 1, times=6, cut=2, slope=0.01, frame=3)
        self._last = Product(_columns(weights.of("conv_post")))
        self._last_bias = weights.named("conv_post.bias")

    def run(self, features: FloatArray, source: FloatArray, style: FloatArray) -> FloatArray:
        """Return the spectrum (22, 60 n + 1) of `features` (512, n) and `source` (22, 60 n + 1).

        `style` (256,) is a row of a voice.
        """
        bands, length = source.shape
        low, own = length // 6, style[:128]
        buzz = _framed(source.T, 3)
        noise = self._first.buzz.run(self._team, buzz, 6 * bands, low, loops.SPARE)
        values = self._raise(self._first, _framed(features.T, 1), noise, low, own)
        noise = self._second.buzz.run(self._team, buzz[3:], bands, length, loops.SPARE)
        values = self._raise(self._second, values, noise, length, own)
        found = self._last.run(self._team, values, values.shape[1], length)
        return np.ascontiguousarray((found[:length, :bands] + self._last_bias).T)

    def _raise(
        self, stage: _Stage, values: FloatArray, noise: FloatArray, length: int, own: FloatArray
    ) -> FloatArray:
        """Return a stage's `length` rows, framed, of framed `values` and of `noise`."""
        channels = noise.shape[1]
        rows = length // stage.times + 1
        spare = -(-loops.SPARE // stage.times) + 1
        raised = stage.up.run(self._team, values, values.shape[1], rows, spare)
        sound = raised.reshape(-1, channels)[stage.cut :]
        if length % stage.times:
            sound[0] = sound[2]
        active = np.zeros((loops.BEFORE + length + loops.SPARE, channels), np.float32)
        hidden = np.empty((length + loops.SPARE, channels), np.float32)
        made = self._block(stage.buzz_block, noise, length, own, active, hidden)

        def add(start: int, stop: int) -> None:
            loops.add_rows(made, start, stop, stage.bias, sound)

        self._team.share(add, self._team.rows(length))
        one, two, three = (
            self._block(block, sound, length, own, active, hidden) for block in stage.blocks
        )
        framed = _framed(np.empty((0, channels), np.float32), stage.frame, length)
        slope = np.float32(stage.slope)

        def mean(start: int, stop: int) -> None:
            loops.mean_of_three(one, two, three, start, stop, slope, framed, stage.frame)

        self._team.share(mean, self._team.rows(length))
        return framed

    def _block(
        self,
        steps: list[_Step],
        sound: FloatArray,
        length: int,
        own: FloatArray,
        active: FloatArray,
        hidden: FloatArray,
    ) -> FloatArray:
        """Return `sound` with what three pairs of steps add; `active` and `hidden` are scratch."""
        out = np.empty_like(hidden)
        for first, second in zip(steps[::2], steps[1::2], strict=True):
            self._activate(first, sound, length, own, active)
            first.filter.run(self._team, active, length, hidden)
            self._activate(second, hidden, length, own, active)
            second.filter.run(self._team, active, length, out, sound)
            sound = out
        return out

    def _activate(
        self, step: _Step, values: FloatArray, length: int, own: FloatArray, out: FloatArray
    ) -> None:
        mean, spread = moments(self._team, values, length)
        more, shift = np.split(own @ step.fc + step.bias, 2)
        gain = (1 + more) / np.sqrt(spread + np.float32(_EPSILON))
        shift -= mean * gain

        def work(start: int, stop: int) -> None:
            loops.activate(values, start, stop, gain, shift, step.rate, step.height, _FACTORS, out)

        self._team.share(work, self._team.rows(length))


def _framed(values: FloatArray, edge: int, length: int | None = None) -> FloatArray:
    """Return `values` (n, channels) with `edge` rows of zeros around them and more at the end.

    There a product may read: it takes at most six rows a step. With `length` that many rows are
    left to be written.
    """
    count = len(values) if length is None else length
    framed = np.zeros((count + 2 * edge + 6 * ROWS, values.shape[1]), np.float32)
    framed[edge : edge + len(values)] = values
    return framed


class _Weights:
    """The weights of a prepared graph file, found by the layers' names."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(str(path)).graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}

    def named(self, name: str) -> FloatArray:
        """Return the tensor `name` of the generator."""
        return self._array(f"decoder.decoder.generator.{name}")

    def of(self, layer: str, kind: str = "Conv", place: int = 1) -> FloatArray:
        """Return the weight (`place` 1) or bias (2) of `layer`."""
        node = self._makers[f"/decoder/decoder/generator/{layer}/{kind}_output_0"]
        return self._array(node.input[place])

    def step(self, block: str, pair: int, half: int) -> _Step:
        """Return the first or second (`half` 1, 2) of a block's pair of steps."""
        norm = f"{block}.adain{half}.{pair}.fc"
        fc = self._makers[
            f"/decoder/decoder/generator/{block}/adain{half}.{pair}/fc/Gemm_output_0_MatMul"
        ]
        alpha = self.named(f"{block}.alpha{half}.{pair}").reshape(-1)
        layer = f"{block}/convs{half}.{pair}"
        return _Step(
            self._array(fc.input[1]),
            self.named(f"{norm}.bias"),
            alpha / np.float32(np.pi),
            np.reciprocal(alpha),
            Filter(self.of(layer), self.of(layer, place=2), _APART[pair] if half == 1 else 1),
        )

    def _array(self, name: str) -> FloatArray:
        return np.asarray(numpy_helper.to_array(self._tensors[name]), np.float32)


def _stage(
    weights: _Weights, number: int, times: int, cut: int, slope: float, frame: int
) -> _Stage:
    def block(name: str) -> list[_Step]:
        return [weights.step(name, pair, half) for pair in range(3) for half in (1, 2)]

    up = weights.of(f"ups.{number}", "ConvTranspose")
    # Each row comes from the one before it and its own: the filter's second half, then its first.
    halves = [
        up[:, :, begin : begin + times].transpose(0, 2, 1).reshape(len(up), -1)
        for begin in (times, 0)
    ]
    buzz = f"noise_convs.{number}"
    return _Stage(
        Product(np.concatenate(halves)),
        times,
        cut,
        Product(_columns(weights.of(buzz))),
        block(f"noise_res.{number}"),
        # The buzz's block passes a constant on as it is.
        weights.named(f"ups.{number}.bias") + weights.of(buzz, place=2),
        [block(f"resblocks.{3 * number + place}") for place in range(3)],
        slope,
        frame,
    )


def _columns(weight: FloatArray) -> FloatArray:
    """Return the filter (out, in, size) as a matrix (size × in, out)."""
    return weight.transpose(2, 1, 0).reshape(-1, len(weight))
