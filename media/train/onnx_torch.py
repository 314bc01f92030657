"""Runs the teacher's ONNX graphs in torch, many sequences at once and on a GPU.

onnxruntime has no GPU build on the index that fits torch's; these graphs need some thirty
operators. Shapes and other whole numbers stay on the processor, everything else on `device`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from media.errors import MediaError

Values = Sequence[Any]
Attributes = dict[str, Any]


class OnnxGraph:
    """The graph in the file at `path`, ready to run on `device`."""

    def __init__(self, path: Path, device: str) -> None:
        graph = onnx.load(str(path)).graph
        self._device = torch.device(device)
        self._fixed = {t.name: self._placed(_tensor(t)) for t in graph.initializer}
        self._nodes = list(graph.node)
        self._attributes = [_attributes(node) for node in self._nodes]
        self._outputs = [output.name for output in graph.output]
        unknown = {node.op_type for node in self._nodes} - set(_OPERATORS) - {"LSTM"}
        if unknown:
            raise MediaError(
                "bad_model",
                f"{path.name} has operators that are not known here: {', '.join(sorted(unknown))}.",
                "Use the graph that the package carries.",
            )
        self._lstms = {
            place: self._lstm(node, self._attributes[place])
            for place, node in enumerate(self._nodes)
            if node.op_type == "LSTM"
        }
        self._last_use = {name: i for i, node in enumerate(self._nodes) for name in node.input}

    @torch.inference_mode()
    def run(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs by name; the inputs' first axis may be longer than one."""
        values: dict[str, Any] = {**self._fixed, "": None}
        values |= {name: value.to(self._device) for name, value in inputs.items()}
        for place, node in enumerate(self._nodes):
            given = [values[name] for name in node.input]
            if place in self._lstms:
                found: Any = self._run_lstm(place, given[0])
            else:
                found = _OPERATORS[node.op_type](self._together(given), self._attributes[place])
            found = found if isinstance(found, tuple) else (found,)
            if node.op_type == "ConstantOfShape":
                found = (self._placed(found[0]),)
            values.update(zip(node.output, found, strict=False))
            for name in node.input:
                if self._last_use.get(name) == place and name not in self._outputs:
                    values.pop(name, None) if name else None
        return {name: values[name] for name in self._outputs}

    def _placed(self, value: Tensor) -> Tensor:
        return value.to(self._device) if value.is_floating_point() else value

    def _together(self, given: list[Any]) -> list[Any]:
        """Return `given` with what is on the processor moved where another value needs it."""
        tensors = [v for v in given if isinstance(v, Tensor)]
        if not any(v.device != torch.device("cpu") for v in tensors):
            return given
        return [
            v.to(self._device) if isinstance(v, Tensor) and v.ndim and v.is_floating_point() else v
            for v in given
        ]

    def _lstm(self, node: onnx.NodeProto, attributes: Attributes) -> nn.LSTM:
        weights, recurrent, bias = (self._fixed[name] for name in node.input[1:4])
        size = attributes["hidden_size"]
        both = attributes.get("direction", b"forward") == b"bidirectional"
        made = nn.LSTM(weights.shape[2], size, bidirectional=both)
        with torch.no_grad():
            for place, suffix in enumerate(("", "_reverse")[: 1 + both]):
                parts = {
                    "weight_ih": weights[place],
                    "weight_hh": recurrent[place],
                    "bias_ih": bias[place, : 4 * size],
                    "bias_hh": bias[place, 4 * size :],
                }
                for name, value in parts.items():
                    # ONNX: input, output, forget, cell. torch: input, forget, cell, output.
                    i, o, f, c = value.chunk(4)
                    getattr(made, f"{name}_l0{suffix}").copy_(torch.cat([i, f, c, o]))
        return made.to(self._device).eval()

    def _run_lstm(self, place: int, sequence: Tensor) -> Tensor:
        lstm = self._lstms[place]
        found: Tensor = lstm(sequence)[0]
        steps, batch, _ = found.shape
        directions = 2 if lstm.bidirectional else 1
        return found.reshape(steps, batch, directions, lstm.hidden_size).transpose(1, 2)


def _tensor(proto: onnx.TensorProto) -> Tensor:
    return torch.from_numpy(np.array(numpy_helper.to_array(proto)))


def _attributes(node: onnx.NodeProto) -> Attributes:
    found: Attributes = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        found[attribute.name] = _tensor(value) if isinstance(value, onnx.TensorProto) else value
    return found


def _numbers(value: Tensor) -> list[int]:
    return [int(number) for number in value.reshape(-1).tolist()]


def _divide(values: Values, _: Attributes) -> Tensor:
    whole = not values[0].is_floating_point()
    return torch.div(values[0], values[1], rounding_mode="trunc" if whole else None)


def _gather(values: Values, attributes: Attributes) -> Tensor:
    data: Tensor = values[0]
    index: Tensor = values[1]
    axis = attributes.get("axis", 0) % data.ndim
    index = index.to(data.device)
    index = torch.where(index < 0, index + data.shape[axis], index)
    found = data.index_select(axis, index.reshape(-1))
    return found.reshape((*data.shape[:axis], *index.shape, *data.shape[axis + 1 :]))


def _reshape(values: Values, _: Attributes) -> Tensor:
    data: Tensor = values[0]
    sizes = _numbers(values[1])
    return data.reshape([data.shape[i] if n == 0 else n for i, n in enumerate(sizes)])


def _expand(values: Values, _: Attributes) -> Tensor:
    data, shape = values
    sizes = _numbers(shape)
    if data.ndim == 2 and len(sizes) == 3:
        # Exported for a batch of one, where a style needs no axis of its own for time.
        data = data.unsqueeze(0 if sizes[1] == data.shape[0] else 1)
    found: Tensor = data.expand(np.broadcast_shapes(data.shape, tuple(sizes)))
    return found


def _unsqueeze(values: Values, _: Attributes) -> Tensor:
    found: Tensor = values[0]
    axes = _numbers(values[1])
    for axis in sorted(a % (found.ndim + len(axes)) for a in axes):
        found = found.unsqueeze(axis)
    return found


def _slice(values: Values, _: Attributes) -> Tensor:
    data: Tensor = values[0]
    starts, ends, *rest = values[1:]
    count = starts.numel()
    axes = _numbers(rest[0]) if rest and rest[0] is not None else list(range(count))
    steps = _numbers(rest[1]) if len(rest) > 1 else [1] * count
    for start, end, axis, step in zip(_numbers(starts), _numbers(ends), axes, steps, strict=True):
        place = [slice(None)] * data.ndim
        place[axis] = slice(start, end if end < 2**60 else None, step)
        data = data[tuple(place)]
    return data


def _split(values: Values, attributes: Attributes) -> tuple[Tensor, ...]:
    data, axis = values[0], attributes.get("axis", 0)
    if len(values) > 1 and values[1] is not None:
        return tuple(torch.split(data, _numbers(values[1]), axis))
    return tuple(torch.chunk(data, attributes["num_outputs"], axis))


def _reduce(how: Callable[..., Tensor]) -> Callable[[Values, Attributes], Tensor]:
    def run(values: Values, attributes: Attributes) -> Tensor:
        axes = attributes.get("axes") or _numbers(values[1])
        return how(values[0], dim=list(axes), keepdim=bool(attributes.get("keepdims", 1)))

    return run


def _conv(values: Values, attributes: Attributes) -> Tensor:
    data, weight, *bias = values
    before, after = attributes["pads"]
    data = functional.pad(data, (before, after))
    return functional.conv1d(
        data,
        weight,
        bias[0] if bias else None,
        attributes["strides"][0],
        0,
        attributes["dilations"][0],
        attributes["group"],
    )


def _conv_transpose(values: Values, attributes: Attributes) -> Tensor:
    data, weight, *bias = values
    return functional.conv_transpose1d(
        data,
        weight,
        bias[0] if bias else None,
        attributes["strides"][0],
        attributes["pads"][0],
        attributes.get("output_padding", [0])[0],
        attributes["group"],
    )


def _resize(values: Values, _: Attributes) -> Tensor:
    data: Tensor = values[0]
    scales, *sizes = values[2:]
    target = _numbers(sizes[0])[-1] if sizes else round(data.shape[-1] * float(scales[-1]))
    return data.repeat_interleave(target // data.shape[-1], dim=-1)


def _pad(values: Values, _: Attributes) -> Tensor:
    pads = _numbers(values[1])
    half = len(pads) // 2
    return functional.pad(values[0], (pads[half - 1], pads[-1]), mode="reflect")


def _layer_norm(values: Values, attributes: Attributes) -> Tensor:
    data, weight, *bias = values
    return functional.layer_norm(
        data, weight.shape, weight, bias[0] if bias else None, attributes.get("epsilon", 1e-5)
    )


def _skip_layer_norm(values: Values, attributes: Attributes) -> tuple[Tensor, None, None, Tensor]:
    data, skip, weight, shift, *bias = values
    summed = data + skip + (bias[0] if bias else 0)
    normal = functional.layer_norm(summed, weight.shape, weight, shift, attributes["epsilon"])
    return normal, None, None, summed


def _dequantise(values: Values, _: Attributes) -> Tensor:
    data: Tensor = values[0]
    scale: Tensor = values[1]
    zero = values[2:]
    shift = zero[0].to(torch.float32) if zero else 0.0
    return (data.to(scale.device).to(torch.float32) - shift) * scale


def _constant(values: Values, attributes: Attributes) -> Tensor:
    value: Tensor = attributes.get("value", torch.zeros(1))
    return value.reshape(()).expand(_numbers(values[0])).clone()


def _cast(values: Values, attributes: Attributes) -> Tensor:
    kind = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool}[attributes["to"]]
    found: Tensor = values[0].to(kind)
    return found


_OPERATORS: dict[str, Callable[[Values, Attributes], Any]] = {
    "Add": lambda v, a: v[0] + v[1],
    "Sub": lambda v, a: v[0] - v[1],
    "Mul": lambda v, a: v[0] * v[1],
    "Div": _divide,
    "Sqrt": lambda v, a: torch.sqrt(v[0]),
    "Round": lambda v, a: torch.round(v[0]),
    "Sigmoid": lambda v, a: torch.sigmoid(v[0]),
    "LeakyRelu": lambda v, a: functional.leaky_relu(v[0], a.get("alpha", 0.01)),
    "FastGelu": lambda v, a: functional.gelu(
        v[0] + v[1] if len(v) > 1 else v[0], approximate="tanh"
    ),
    "Softmax": lambda v, a: torch.softmax(v[0], a.get("axis", -1)),
    "MatMul": lambda v, a: v[0] @ v[1],
    "Transpose": lambda v, a: v[0].permute(a["perm"]),
    "Concat": lambda v, a: torch.cat(list(v), a["axis"]),
    "Identity": lambda v, a: v[0],
    "Shape": lambda v, a: torch.tensor(v[0].shape),
    "Equal": lambda v, a: v[0] == v[1],
    "Where": lambda v, a: torch.where(v[0], v[1], v[2]),
    "Cast": _cast,
    "Gather": _gather,
    "Reshape": _reshape,
    "Expand": _expand,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Split": _split,
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Resize": _resize,
    "Pad": _pad,
    "LayerNormalization": _layer_norm,
    "SkipLayerNormalization": _skip_layer_norm,
    "DequantizeLinear": _dequantise,
    "ConstantOfShape": _constant,
}
