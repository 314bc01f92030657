"""Kokoro's prepared graphs and whisper-base as torch networks that gradients pass through.

Only what these two models need. `Graph` walks an ONNX graph's nodes, so what is fitted is the very
network that speaks, and `whisper` puts the weights that CTranslate2 holds into transformers' model.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from onnx import helper, numpy_helper
from torch import Tensor

TYPES = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool}
ELEMENTWISE = {"Add": torch.add, "Mul": torch.mul, "Sub": torch.sub, "Equal": torch.eq}


class Graph:
    """The ONNX graph in `path`, called with its inputs by name; gives its outputs by name.

    The polynomial that stands for sin² in the prepared graphs is computed as what it stands for.
    """

    def __init__(self, path: Path, device: str) -> None:
        model = onnx.load(str(path))
        self.device = device
        self.nodes = _with_sines(list(model.graph.node))
        self.options = [
            {option.name: helper.get_attribute_value(option) for option in node.attribute}
            for node in self.nodes
        ]
        self.outputs = [output.name for output in model.graph.output]
        self.weights = {
            tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor))).to(device)
            for tensor in model.graph.initializer
        }
        last = {name: place for place, node in enumerate(self.nodes) for name in node.input}
        self.done: list[list[str]] = [[] for _ in self.nodes]
        for name, place in last.items():
            if name not in self.weights and name not in self.outputs:
                self.done[place].append(name)
        self.lstms: dict[str, torch.nn.LSTM] = {}

    def __call__(self, feeds: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs for `feeds`; a tensor inside the graph may be fed, too."""
        known = {**self.weights, **feeds}
        for node, options, done in zip(self.nodes, self.options, self.done, strict=True):
            if node.output[0] not in feeds:
                inputs = [known[name] if name else None for name in node.input]
                made = self._run(node, inputs, options)
                made = made if isinstance(made, list | tuple) else [made]
                known.update(zip(node.output, made, strict=False))
            for name in done:
                known.pop(name, None)
        return {name: known[name] for name in self.outputs}

    def _run(self, node: onnx.NodeProto, x: list[Any], options: dict[str, Any]) -> Any:  # noqa: C901
        kind = node.op_type
        if kind not in ("Reshape", "Expand", "Slice", "Unsqueeze", "Gather", "Split", "Resize"):
            x = self._on_one_device(x)
        if kind in ELEMENTWISE:
            return ELEMENTWISE[kind](x[0], x[1])
        match kind:
            case "Identity":
                return x[0]
            case "Sine2":
                return x[0].sin().square()
            case "MatMul":
                return x[0] @ x[1]
            case "Div":
                whole = not x[0].is_floating_point()
                return torch.div(x[0], x[1], rounding_mode="trunc" if whole else None)
            case "Sqrt":
                return x[0].sqrt()
            case "Sigmoid":
                return x[0].sigmoid()
            case "Where":
                return torch.where(x[0], x[1], x[2])
            case "Cast":
                return x[0].to(TYPES[options["to"]])
            case "Softmax":
                return x[0].softmax(options.get("axis", -1))
            case "LeakyRelu":
                return F.leaky_relu(x[0], options.get("alpha", 0.01))
            case "FastGelu":
                return F.gelu(x[0] + x[1] if len(x) > 1 else x[0], approximate="tanh")
            case "LayerNormalization":
                return F.layer_norm(x[0], x[0].shape[-1:], x[1], x[2], options["epsilon"])
            case "SkipLayerNormalization":
                summed = x[0] + x[1] + (x[4] if len(x) > 4 else 0)
                return F.layer_norm(summed, summed.shape[-1:], x[2], x[3], options["epsilon"])
            case "DequantizeLinear":
                return (x[0].float() - x[2].float()) * x[1]
            case "Transpose":
                return x[0].permute(*options["perm"])
            case "Concat":
                return torch.cat(x, options["axis"])
            case "ReduceSum" | "ReduceMean":
                axes = _whole(x[1]) if len(x) > 1 else list(options["axes"])
                reduce = torch.sum if kind == "ReduceSum" else torch.mean
                return reduce(x[0], axes, keepdim=bool(options.get("keepdims", 1)))
            case "Conv":
                first, last = options.get("pads", [0, 0])
                return F.conv1d(
                    F.pad(x[0], (first, last)),
                    x[1],
                    x[2] if len(x) > 2 else None,
                    options.get("strides", [1])[0],
                    0,
                    options.get("dilations", [1])[0],
                    options.get("group", 1),
                )
            case "ConvTranspose":
                return F.conv_transpose1d(
                    x[0],
                    x[1],
                    x[2] if len(x) > 2 else None,
                    options["strides"][0],
                    options["pads"][0],
                    options.get("output_padding", [0])[0],
                    options.get("group", 1),
                )
            case "LSTM":
                return self._lstm(node, x, options)
        return self._shaped(kind, node, x, options)

    def _shaped(
        self, kind: str, node: onnx.NodeProto, x: list[Any], options: dict[str, Any]
    ) -> Any:
        match kind:
            case "Shape":
                return torch.tensor(list(x[0].shape))
            case "Gather":
                axis, index = options.get("axis", 0), x[1].to(x[0].device)
                if index.dim() == 0:
                    return x[0].select(axis, int(index))
                found = x[0].index_select(axis, index.reshape(-1).remainder(x[0].shape[axis]))
                return found.reshape(*x[0].shape[:axis], *index.shape, *x[0].shape[axis + 1 :])
            case "Unsqueeze":
                made = x[0]
                for axis in sorted(axis % (made.dim() + x[1].numel()) for axis in _whole(x[1])):
                    made = made.unsqueeze(axis)
                return made
            case "Reshape":
                sizes = _whole(x[1])
                return x[0].reshape([size or x[0].shape[i] for i, size in enumerate(sizes)])
            case "Expand":
                return x[0].expand(torch.broadcast_shapes(x[0].shape, _whole(x[1])))
            case "Slice":
                made, starts, ends = x[0], _whole(x[1]), _whole(x[2])
                axes = _whole(x[3]) if len(x) > 3 else range(len(starts))
                steps = _whole(x[4]) if len(x) > 4 else [1] * len(starts)
                for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
                    cut = [slice(None)] * made.dim()
                    cut[axis] = slice(start, None if end >= 2**31 else end, step)
                    made = made[tuple(cut)]
                return made
            case "Split":
                axis = options.get("axis", 0)
                even = [x[0].shape[axis] // len(node.output)] * len(node.output)
                return x[0].split(_whole(x[1]) if len(x) > 1 else even, axis)
            case "ConstantOfShape":
                value = torch.from_numpy(np.array(numpy_helper.to_array(options["value"])))
                made = torch.full(_whole(x[0]), value.item(), dtype=value.dtype)
                return made.to(self.device) if made.is_floating_point() else made
            case "Resize":
                return x[0].repeat_interleave(round(x[2].reshape(-1).tolist()[-1]), -1)
            case "Pad":
                pads = _whole(x[1])
                return F.pad(x[0], (pads[len(pads) // 2 - 1], pads[-1]), mode="reflect")
        raise NotImplementedError(f"The graph has a {kind}, which is not known here.")

    def _on_one_device(self, x: list[Any]) -> list[Any]:
        places = {tensor.device for tensor in x if tensor is not None}
        if len(places) < 2:
            return x
        return [tensor if tensor is None else tensor.to(self.device) for tensor in x]

    def _lstm(self, node: onnx.NodeProto, x: list[Any], options: dict[str, Any]) -> Tensor:
        size, name = options["hidden_size"], node.input[1]
        if name not in self.lstms:
            made = torch.nn.LSTM(x[1].shape[2], size, bidirectional=True).to(self.device)

            def turned(gates: Tensor) -> Tensor:
                # ONNX has the gates as input, output, forget, cell.
                first, output, forget, cell = gates.split(size, 0)
                return torch.cat([first, forget, cell, output])

            with torch.no_grad():
                for way, ending in enumerate(("", "_reverse")):
                    getattr(made, f"weight_ih_l0{ending}").copy_(turned(x[1][way]))
                    getattr(made, f"weight_hh_l0{ending}").copy_(turned(x[2][way]))
                    getattr(made, f"bias_ih_l0{ending}").copy_(turned(x[3][way][: 4 * size]))
                    getattr(made, f"bias_hh_l0{ending}").copy_(turned(x[3][way][4 * size :]))
            self.lstms[name] = made.requires_grad_(False)
        found, _ = self.lstms[name](x[0])
        return found.reshape(*found.shape[:2], 2, size).permute(0, 2, 1, 3)


def _whole(tensor: Tensor) -> list[int]:
    return [int(value) for value in tensor.reshape(-1).tolist()]


def _with_sines(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    angles = {
        node.output[0].removesuffix("/periods"): node.input[0]
        for node in nodes
        if node.op_type == "Mul" and "sine/per_period" in node.input
    }
    found: list[onnx.NodeProto] = []
    for node in nodes:
        name = node.output[0]
        if name in angles:
            found.append(helper.make_node("Sine2", [angles[name]], [name]))
        elif name.rpartition("/")[0] not in angles:
            found.append(node)
    return found


def ct2_weights(path: Path) -> dict[str, np.ndarray]:
    """Return the half-precision weights in a CTranslate2 model file, by name."""
    found: dict[str, np.ndarray] = {}
    with path.open("rb") as file:

        def take(form: str) -> tuple[Any, ...]:
            return struct.unpack(form, file.read(struct.calcsize(form)))

        def text() -> str:
            (length,) = take("<H")
            return file.read(length).rstrip(b"\0").decode()

        take("<I")
        text()
        _, count = take("<II")
        for _ in range(count):
            name = text()
            (rank,) = take("<B")
            shape = take(f"<{rank}I")
            kind, size = take("<BI")
            data = file.read(size)
            if kind == 4:
                found[name] = np.frombuffer(data, np.float16).reshape(shape).astype(np.float32)
    return found


def whisper(path: Path, device: str) -> Any:
    """Return whisper-base from the CTranslate2 file `path` as transformers' model, frozen."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    held = {name: torch.from_numpy(array) for name, array in ct2_weights(path).items()}
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=51865,
            d_model=512,
            encoder_layers=6,
            decoder_layers=6,
            encoder_attention_heads=8,
            decoder_attention_heads=8,
            encoder_ffn_dim=2048,
            decoder_ffn_dim=2048,
        )
    )
    state: dict[str, Tensor] = {}

    def put(target: str, source: str, part: slice = slice(None), bias: bool = True) -> None:
        state[f"{target}.weight"] = held[f"{source}/weight"][part]
        if bias:
            state[f"{target}.bias"] = held[f"{source}/bias"][part]

    def norm(target: str, source: str) -> None:
        state[f"{target}.weight"] = held[f"{source}/gamma"]
        state[f"{target}.bias"] = held[f"{source}/beta"]

    def attention(target: str, source: str, crossed: bool) -> None:
        rest = 0 if crossed else 1
        for number, letter in enumerate("qkv"):
            linear = f"{source}/linear_{int(crossed and number > 0)}"
            start = 512 * (max(number - 1, 0) if crossed else number)
            put(f"{target}.{letter}_proj", linear, slice(start, start + 512), letter != "k")
        put(f"{target}.out_proj", f"{source}/linear_{2 - rest}")

    for side in ("encoder", "decoder"):
        state[f"model.{side}.embed_positions.weight"] = held[f"{side}/position_encodings/encodings"]
        norm(f"model.{side}.layer_norm", f"{side}/layer_norm")
        for layer in range(6):
            own, theirs = f"model.{side}.layers.{layer}", f"{side}/layer_{layer}"
            norm(f"{own}.self_attn_layer_norm", f"{theirs}/self_attention/layer_norm")
            attention(f"{own}.self_attn", f"{theirs}/self_attention", crossed=False)
            norm(f"{own}.final_layer_norm", f"{theirs}/ffn/layer_norm")
            put(f"{own}.fc1", f"{theirs}/ffn/linear_0")
            put(f"{own}.fc2", f"{theirs}/ffn/linear_1")
            if side == "decoder":
                norm(f"{own}.encoder_attn_layer_norm", f"{theirs}/attention/layer_norm")
                attention(f"{own}.encoder_attn", f"{theirs}/attention", crossed=True)
    for number in (1, 2):
        put(f"model.encoder.conv{number}", f"encoder/conv{number}")
    state["model.decoder.embed_tokens.weight"] = held["decoder/embeddings/weight"]
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    model.load_state_dict(state)
    return model.eval().to(device).requires_grad_(False)
