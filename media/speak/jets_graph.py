"""A compact JETS as three ONNX graphs, so that it speaks without torch and ESPnet.

- *text*: `tokens` (1, n), `place` (1, n, size), `raise` (1, 1, 1) → `lengths` (1, n)
  log(frames + 1), `hidden` (1, n, size), coloured with the pitch and energy that it predicts;
  `raise` is added to the pitch, in the model's normalised units
- *states*: `spread` (1, t, size), `place` (1, t, size) → `states` (1, t, size)
- *sound*: `states` (1, t, size) → `samples` (1, 1, hop × t)

Between the first two each token is spread over its frames, so the caller decides durations. Written
from `media.networks.jets`, whose parameter names are ESPnet's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from media.types import FloatArray

Weights = Mapping[str, FloatArray]


class _Graph:
    """Nodes and constants as they are added; every method returns the name of its result."""

    def __init__(self, weights: Weights, heads: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._weights, self._heads = weights, heads

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, name: str, turned: bool = False) -> str:
        """The parameter `name`; `turned` for the right side of a product."""
        key = f"{name}/turned" if turned else name
        self.constants[key] = self._weights[name].T if turned else self._weights[name]
        return key

    def constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return name

    def linear(self, values: str, name: str) -> str:
        product = self.add("MatMul", values, self.weight(f"{name}.weight", turned=True))
        return self.add("Add", product, self.weight(f"{name}.bias"))

    def norm(self, values: str, name: str) -> str:
        weight, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", values, weight, bias, axis=-1, epsilon=1e-12)

    def conv(self, values: str, name: str, dilation: int = 1) -> str:
        kernel = self._weights[f"{name}.weight"].shape[2]
        pad = kernel // 2 * dilation
        return self.add(
            "Conv", values, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"),
            kernel_shape=[kernel], pads=[pad, pad], dilations=[dilation],
        )  # fmt: skip

    def swap(self, values: str) -> str:
        return self.add("Transpose", values, perm=[0, 2, 1])

    def block(self, values: str, name: str) -> str:
        """One transformer block."""
        normal = self.norm(values, f"{name}.norm1")
        size = self._weights[f"{name}.norm1.weight"].shape[0]
        shape = self.constant(np.array([1, -1, self._heads, size // self._heads]))
        parts = [
            self.add("Reshape", self.linear(normal, f"{name}.self_attn.linear_{one}"), shape)
            for one in "qkv"
        ]
        query = self.add("Transpose", parts[0], perm=[0, 2, 1, 3])
        key = self.add("Transpose", parts[1], perm=[0, 2, 3, 1])
        value = self.add("Transpose", parts[2], perm=[0, 2, 1, 3])
        scale = self.constant(np.array((size // self._heads) ** -0.5, np.float32))
        score = self.add("Mul", self.add("MatMul", query, key), scale)
        mixed = self.add("MatMul", self.add("Softmax", score, axis=-1), value)
        whole = self.add(
            "Reshape",
            self.add("Transpose", mixed, perm=[0, 2, 1, 3]),
            self.constant(np.array([1, -1, size])),
        )
        values = self.add("Add", values, self.linear(whole, f"{name}.self_attn.linear_out"))
        inner = self.swap(self.norm(values, f"{name}.norm2"))
        inner = self.add("Relu", self.conv(inner, f"{name}.feed_forward.w_1"))
        inner = self.conv(inner, f"{name}.feed_forward.w_2")
        return self.add("Add", values, self.swap(inner))

    def encoder(self, values: str, name: str) -> str:
        """All blocks of an encoder, and its norm."""
        layer = 0
        while f"{name}.encoders.{layer}.norm1.weight" in self._weights:
            values = self.block(values, f"{name}.encoders.{layer}")
            layer += 1
        return self.norm(values, f"{name}.after_norm")

    def placed(self, values: str, name: str) -> str:
        """`values` with their positions, weighed as learnt."""
        return self.add("Add", values, self.add("Mul", "place", self.weight(name)))

    def predictor(self, values: str, name: str) -> str:
        """A number for each token (1, n, 1)."""
        values, layer = self.swap(values), 0
        while f"{name}.conv.{layer}.0.weight" in self._weights:
            values = self.add("Relu", self.conv(values, f"{name}.conv.{layer}.0"))
            values = self.swap(self.norm(self.swap(values), f"{name}.conv.{layer}.2"))
            layer += 1
        return self.linear(self.swap(values), f"{name}.linear")

    def embedded(self, numbers: str, name: str) -> str:
        """A number for each token (1, n, 1) as (1, n, size)."""
        weight = self.constant(self._weights[f"{name}.0.weight"][:, 0, 0])
        return self.add("Add", self.add("Mul", numbers, weight), self.weight(f"{name}.0.bias"))

    def vocoder(self, values: str, scales: Sequence[int], dilations: Sequence[int]) -> str:
        """HiFi-GAN's generator."""
        values = self.conv(values, "generator.input_conv")
        count = 0
        while f"generator.blocks.{count}.convs1.0.1.weight" in self._weights:
            count += 1
        each = count // len(scales)
        for place, scale in enumerate(scales):
            name = f"generator.upsamples.{place}.1"
            pad, odd = scale // 2 + scale % 2, scale % 2
            values = self.add(
                "ConvTranspose", self.add("LeakyRelu", values, alpha=0.1),
                self.weight(f"{name}.weight"), self.weight(f"{name}.bias"),
                kernel_shape=[2 * scale], strides=[scale], pads=[pad, pad], output_padding=[odd],
            )  # fmt: skip
            made = [
                self._residual(values, f"generator.blocks.{place * each + number}", dilations)
                for number in range(each)
            ]
            share = self.constant(np.array(1 / each, np.float32))
            values = self.add("Mul", self.add("Sum", *made) if each > 1 else made[0], share)
        values = self.add("LeakyRelu", values, alpha=0.01)
        return self.add("Tanh", self.conv(values, "generator.output_conv.1"))

    def _residual(self, values: str, name: str, dilations: Sequence[int]) -> str:
        for place, dilation in enumerate(dilations):
            inner = self.add("LeakyRelu", values, alpha=0.1)
            inner = self.conv(inner, f"{name}.convs1.{place}.1", dilation)
            inner = self.add("LeakyRelu", inner, alpha=0.1)
            inner = self.conv(inner, f"{name}.convs2.{place}.1")
            values = self.add("Add", values, inner)
        return values

    def model(
        self, inputs: Mapping[str, Sequence[int | str]], outputs: Mapping[str, str]
    ) -> onnx.ModelProto:
        """The graph with these `inputs` (name → shape) and `outputs` (name → result)."""
        kind = onnx.TensorProto
        nodes = self.nodes + [
            helper.make_node("Identity", [result], [name]) for name, result in outputs.items()
        ]
        graph = helper.make_graph(
            nodes,
            "jets",
            [
                helper.make_tensor_value_info(
                    name, kind.INT64 if name == "tokens" else kind.FLOAT, list(shape)
                )
                for name, shape in inputs.items()
            ],
            [helper.make_tensor_value_info(name, kind.FLOAT, None) for name in outputs],
            [
                numpy_helper.from_array(np.ascontiguousarray(value), name)
                for name, value in self.constants.items()
            ],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def text_graph(weights: Weights, heads: int) -> onnx.ModelProto:
    """Return the graph *text* of the generator with `weights` (name → array)."""
    graph = _Graph(weights, heads)
    size = weights["encoder.after_norm.weight"].shape[0]
    letters = graph.add("Gather", graph.weight("encoder.embed.0.weight"), "tokens", axis=0)
    hidden = graph.encoder(graph.placed(letters, "encoder.embed.1.alpha"), "encoder")
    lengths = graph.predictor(hidden, "duration_predictor")
    coloured = hidden
    for name in ("energy", "pitch"):
        said = graph.predictor(hidden, f"{name}_predictor")
        if name == "pitch":
            said = graph.add("Add", said, "raise")
        coloured = graph.add("Add", coloured, graph.embedded(said, f"{name}_embed"))
    flat = graph.add("Squeeze", lengths, graph.constant(np.array([2])))
    return graph.model(
        {"tokens": (1, "n"), "place": (1, "n", size), "raise": (1, 1, 1)},
        {"lengths": flat, "hidden": coloured},
    )


def states_graph(weights: Weights, heads: int) -> onnx.ModelProto:
    """Return the graph *states*."""
    graph = _Graph(weights, heads)
    size = weights["decoder.after_norm.weight"].shape[0]
    states = graph.encoder(graph.placed("spread", "decoder.embed.0.alpha"), "decoder")
    return graph.model({"spread": (1, "t", size), "place": (1, "t", size)}, {"states": states})


def sound_graph(
    weights: Weights, scales: Sequence[int], dilations: Sequence[int]
) -> onnx.ModelProto:
    """Return the graph *sound*; `scales` and `dilations` as in `media.networks.jets.Shape`."""
    graph = _Graph(weights, 1)
    size = weights["generator.input_conv.weight"].shape[1]
    samples = graph.vocoder(graph.swap("states"), scales, dilations)
    return graph.model({"states": (1, "t", size)}, {"samples": samples})


def reach(weights: Weights, scales: Sequence[int], dilations: Sequence[int]) -> int:
    """Return how many frames before and after it a frame's sound depends on."""
    far = float(weights["generator.input_conv.weight"].shape[2] // 2)
    each = sum(name.endswith("convs1.0.1.weight") for name in weights) // len(scales)
    rate = 1
    for place, scale in enumerate(scales):
        far += 2 / rate
        rate *= scale
        kernels = [
            weights[f"generator.blocks.{place * each + number}.convs1.0.1.weight"].shape[2]
            for number in range(each)
        ]
        far += max(kernels) // 2 * (sum(dilations) + len(dilations)) / rate
    return math.ceil(far + int(weights["generator.output_conv.1.weight"].shape[2]) / rate)


def positions(count: int, size: int) -> FloatArray:
    """Return the sines and cosines of `count` positions (1, count, size)."""
    speed = np.exp(np.arange(0, size, 2) * (-np.log(10000.0) / size))
    angle = np.arange(count)[:, None] * speed
    table = np.empty((1, count, size), np.float32)
    table[0, :, 0::2], table[0, :, 1::2] = np.sin(angle), np.cos(angle)
    return table


def spread(hidden: FloatArray, frames: NDArray[np.int64], delta: float = 0.1) -> FloatArray:
    """Return `hidden` (1, n, size) spread over time (1, sum of `frames`, size), as JETS does."""
    centre = np.cumsum(frames) - frames / 2
    distance = -delta * (np.arange(int(frames.sum()))[:, None] - centre) ** 2
    share = np.exp(distance - distance.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return np.asarray(share.astype(np.float32) @ hidden[0])[None]
