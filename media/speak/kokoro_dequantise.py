"""Undoes dynamic quantisation in an ONNX graph: int8 weights become float32 again, once.

The published file quantises every layer's input on the fly: DynamicQuantizeLinear → integer
layer → Cast → Mul by the scales, with biases divided by the scales on the way. On a CPU that
costs more time than it saves; each such chain becomes one ordinary layer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_INTEGER_LAYERS = ("MatMulInteger", "ConvInteger")


def dequantise(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of `model` with float32 weights in place of every quantised layer."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    rewriter = _Rewriter(copy.graph)
    nodes = [rewriter.float_node(node) for node in copy.graph.node]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    copy.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in rewriter.made.items()
    )
    return copy


class _Rewriter:
    """Gives the float node for a quantised one and collects the float weights it `made`."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.made: dict[str, NDArray[np.float32]] = {}
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._maker = {name: node for node in graph.node for name in node.output}

    def float_node(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Return `node`, or the plain layer where `node` ends a quantised one."""
        if node.op_type == "DynamicQuantizeLSTM":
            return self._lstm(node)
        if node.op_type == "Mul":
            layer, bias = self._integer_layer(node)
            if layer is not None:
                return self._layer(layer, bias, node.output[0])
        return node

    def _integer_layer(self, scaled: onnx.NodeProto) -> tuple[onnx.NodeProto | None, str]:
        """Return the integer layer that the Mul `scaled` ends, and the name of its bias."""
        for name in scaled.input:
            cast = self._maker.get(name)
            if cast is None or cast.op_type != "Cast":
                continue
            layer = self._maker.get(cast.input[0])
            bias = ""
            if layer is not None and layer.op_type == "Add":
                bias = self._origin(layer.input[1])
                layer = self._maker.get(layer.input[0])
            if layer is not None and layer.op_type in _INTEGER_LAYERS:
                return layer, bias
        return None, ""

    def _origin(self, name: str) -> str:
        """Return the float constant that was divided, floored, cast and reshaped into `name`."""
        while name not in self._constants:
            name = self._maker[name].input[0]
        return name

    def _layer(self, layer: onnx.NodeProto, bias: str, output: str) -> onnx.NodeProto:
        source = self._maker[layer.input[0]].input[0]
        scale = layer.input[1].removesuffix("_quantized") + "_scale"
        weight = self._weight(layer.input[1], scale, layer.input[3], lambda array: array)
        if layer.op_type == "MatMulInteger":
            return helper.make_node("MatMul", [source, weight], [output], name=layer.name)
        inputs = [source, weight] + ([self._flat(bias)] if bias else [])
        node = helper.make_node("Conv", inputs, [output], name=layer.name)
        node.attribute.extend(layer.attribute)
        return node

    def _lstm(self, node: onnx.NodeProto) -> onnx.NodeProto:
        # Quantised weights lie as (directions, inputs, gates); the standard has them turned.
        kernel, recurrent = (
            self._weight(node.input[i], node.input[j], node.input[j + 1], _turned)
            for i, j in ((1, 8), (2, 10))
        )
        inputs = [node.input[0], kernel, recurrent, *node.input[3:7]]
        plain = helper.make_node("LSTM", inputs, list(node.output), name=node.name)
        plain.attribute.extend(node.attribute)
        return plain

    def _weight(
        self,
        quantised: str,
        scale: str,
        zero: str,
        order: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    ) -> str:
        """Make the float weight and return its name; the scale is one, or one a column."""
        name = quantised + "_float"
        if name not in self.made:
            values, offset, factor = (
                numpy_helper.to_array(self._constants[key]).astype(np.float32)
                for key in (quantised, zero, scale)
            )
            if order is _turned:
                offset, factor = offset[:, None, None], factor[:, None, None]
            self.made[name] = order((values - offset) * factor)
        return name

    def _flat(self, bias: str) -> str:
        name = bias + "_flat"
        self.made[name] = numpy_helper.to_array(self._constants[bias]).reshape(-1)
        return name


def _turned(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array.transpose(0, 2, 1))
