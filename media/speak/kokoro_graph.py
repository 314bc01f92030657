"""Kokoro's graph, made ready: float32 weights, and cut into four parts.

`prepare` writes once, beside the published file:

- *text*: `tokens` (1, n), `style` (1, 256), `speed` (1,) → `durations` (1, n) in frames of 25 ms,
  unrounded; `prosody` (1, n, 640); `content` (1, 512, n)
- *melody*: `prosody_frames` (1, 640, t), `style` → `pitch` (1, 1, 2t) in Hz, `energy` (1, 1, 2t)
- *shape*: `content_frames` (1, 512, t), `pitch`, `energy`, `style` → `features` (1, 512, 2t)
- *sound*: `features`, `style`, `source` (1, 22, 120t + 1) → `spectrum` (1, 22, 120t + 1)

The text part also knows the Korean tokens (`korean`), numbered after the published ones.

Between text and melody each token's column is repeated for its frames, so the caller decides
durations; between melody and shape it may change the pitch. `source` and the way from `spectrum`
to samples are in `kokoro_source`: in numpy they are exact, and cheap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from media.speak import korean
from media.speak.kokoro_dequantise import dequantise
from media.weights import KOKORO, assemble
from media.whole import write_whole

REVISION = "5"
"""Part of the prepared files' names and of the voice's version: raise it when they change."""

_GENERATOR = "/decoder/decoder/generator/"
_STYLE: tuple[str, tuple[int | str, ...]] = ("style", (1, 256))
_Part = tuple[dict[str, tuple[str, tuple[int | str, ...]]], dict[str, str]]
_PARTS: dict[str, _Part] = {
    "text": (
        {"tokens": ("tokens", (1, "n")), "style": _STYLE, "speed": ("speed", (1,))},
        {
            "/encoder/Div_output_0": "durations",
            "/encoder/predictor/text_encoder/Concat_4_output_0": "prosody",
            "/encoder/text_encoder/Transpose_2_output_0": "content",
        },
    ),
    "melody": (
        {"/encoder/MatMul_output_0": ("prosody_frames", (1, 640, "t")), "style": _STYLE},
        {"/encoder/F0_proj/Conv_output_0": "pitch", "/encoder/N_proj/Conv_output_0": "energy"},
    ),
    "shape": (
        {
            "/encoder/MatMul_1_output_0": ("content_frames", (1, 512, "t")),
            "/decoder/decoder/Unsqueeze_output_0": ("pitch", (1, 1, "2t")),
            "/decoder/decoder/Unsqueeze_1_output_0": ("energy", (1, 1, "2t")),
            "style": _STYLE,
        },
        {_GENERATOR + "LeakyRelu_output_0": "features"},
    ),
    "sound": (
        {
            _GENERATOR + "LeakyRelu_output_0": ("features", (1, 512, "2t")),
            _GENERATOR + "Concat_3_output_0": ("source", (1, 22, "columns")),
            "style": _STYLE,
        },
        {_GENERATOR + "conv_post/Conv_output_0": "spectrum"},
    ),
}
"""part → (inputs: tensor of the whole graph → (name, shape); outputs: tensor → name)."""

_EMBEDDINGS = {
    "/encoder/text_encoder/embedding/Gather_output_0": (
        "encoder.text_encoder.embedding.weight",
        "content",
    ),
    "/encoder/bert/embeddings/word_embeddings/Gather_output_0": (
        "encoder.bert.embeddings.word_embeddings.weight",
        "prosody",
    ),
}
"""Tensor of the tokens' embedding → (its weight, what was learnt for it)."""
_EMBEDDING_ZERO = "encoder.bert.embeddings.word_embeddings.weight_zero_point"

# sin² over one period as a polynomial in the squared distance (in periods) from its zero:
# a least-squares fit, off by at most 1e-4, a fortieth of what bf16 can tell apart.
_SQUARED_SINE_TERMS = 4


@dataclass(frozen=True, slots=True)
class GraphFiles:
    """Where the published graph (int8), the four prepared parts and the source weights lie."""

    published: Path
    text: Path
    melody: Path
    shape: Path
    sound: Path
    source: Path


def prepare(cache: Path | None = None) -> GraphFiles:
    """Return the graph files, made on the first call (seconds), then taken from the cache."""
    folder = assemble("kokoro", KOKORO, cache)
    return parts_beside(folder / KOKORO[0].name)


def parts_beside(published: Path) -> GraphFiles:
    """Return the parts of the graph file `published`, written beside it where they are missing."""
    folder = published.parent
    known = hashlib.sha256(korean.FILE.read_bytes()).hexdigest()
    stamp = hashlib.sha256(f"{KOKORO[0].sha256} {REVISION} {known}".encode()).hexdigest()[:12]
    parts = {name: folder / f"{name}-{stamp}.onnx" for name in _PARTS}
    source = folder / f"source-{stamp}.npy"
    if not all(path.is_file() for path in (*parts.values(), source)):
        graph = dequantise(onnx.load(str(published)))
        for name, path in parts.items():
            write_whole(path, _part(graph, name).SerializeToString())
        _write_source(graph, source)
    return GraphFiles(published, source=source, **parts)


def _part(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return the nodes of `model` between a part's inputs and outputs as a model of its own."""
    inputs, outputs = _PARTS[name]
    kept = _between(model.graph.node, set(inputs), outputs)
    nodes = [_renamed(node, {old: new for old, (new, _) in inputs.items()}) for node in kept]
    nodes += [helper.make_node("Identity", [old], [new]) for old, new in outputs.items()]
    constants: dict[str, NDArray[np.float32]] = {}
    nodes = _without_sines(nodes, constants)
    if name == "text":
        nodes = _with_korean(nodes, model, constants)
    used = {name for node in nodes for name in node.input}
    kind = onnx.TensorProto
    graph = helper.make_graph(
        nodes,
        name,
        [
            helper.make_tensor_value_info(
                new, kind.INT64 if new == "tokens" else kind.FLOAT, list(shape)
            )
            for new, shape in inputs.values()
        ],
        [helper.make_tensor_value_info(new, kind.FLOAT, None) for new in outputs.values()],
        [tensor for tensor in model.graph.initializer if tensor.name in used]
        + [numpy_helper.from_array(array, key) for key, array in constants.items()],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)],
        ir_version=model.ir_version,
    )


def _with_korean(
    nodes: list[onnx.NodeProto], model: onnx.ModelProto, constants: dict[str, NDArray[np.float32]]
) -> list[onnx.NodeProto]:
    """Return `nodes` with the embeddings of all tokens, published and Korean, in float32."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    found: list[onnx.NodeProto] = []
    for node in nodes:
        output = node.output[0]
        if output in _EMBEDDINGS:
            weight, part = _EMBEDDINGS[output]
            values, scale, zero = (
                numpy_helper.to_array(tensors[key]).astype(np.float32)
                for key in (f"{weight}_quantized", f"{weight}_scale", _EMBEDDING_ZERO)
            )
            table = (values - zero) * scale
            known = korean.learnt()
            own = table[known.letters] + getattr(known, part)
            constants[f"{weight}_all"] = np.concatenate([table, own])
            found.append(helper.make_node("Gather", [f"{weight}_all", "tokens"], [output]))
        elif output.removesuffix("_quantized") not in _EMBEDDINGS:
            found.append(node)
    return found


def _between(
    nodes: Iterable[onnx.NodeProto], inputs: set[str], outputs: Iterable[str]
) -> list[onnx.NodeProto]:
    """Return those of `nodes`, in order, that lead from `inputs` to `outputs`."""
    ordered = list(nodes)
    maker = {name: place for place, node in enumerate(ordered) for name in node.output}
    wanted: set[int] = set()
    pending = list(outputs)
    while pending:
        name = pending.pop()
        place = maker.get(name)
        if name not in inputs and place is not None and place not in wanted:
            wanted.add(place)
            pending.extend(ordered[place].input)
    return [ordered[place] for place in sorted(wanted)]


def _renamed(node: onnx.NodeProto, names: dict[str, str]) -> onnx.NodeProto:
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    for place, name in enumerate(node.input):
        changed.input[place] = names.get(name, name)
    return changed


def _without_sines(
    nodes: list[onnx.NodeProto], constants: dict[str, NDArray[np.float32]]
) -> list[onnx.NodeProto]:
    """Return `nodes` with every Sin → Pow 2 as a polynomial, which runs many times faster.

    The activation x + sin²(αx)/α stands 48 times in the generator, and OpenVINO computes Sin one
    value at a time.
    """
    squared = {node.input[0]: node for node in nodes if node.op_type == "Pow"}
    sines = {
        node.output[0]: node
        for node in nodes
        if node.op_type == "Sin" and node.output[0] in squared
    }
    found: list[onnx.NodeProto] = []
    for node in nodes:
        if node.op_type == "Sin" and node.output[0] in sines:
            continue
        if node.op_type == "Pow" and node.input[0] in sines:
            found += _squared_sine(sines[node.input[0]].input[0], node.output[0], constants)
        else:
            found.append(node)
    return found


def _squared_sine(
    angle: str, output: str, constants: dict[str, NDArray[np.float32]]
) -> list[onnx.NodeProto]:
    constants["sine/per_period"] = np.array(1 / np.pi, np.float32)
    for power, factor in enumerate(squared_sine_factors(), 1):
        constants[f"sine/factor_{power}"] = np.array(factor, np.float32)
    base = f"{output}/"
    nodes = [
        helper.make_node("Mul", [angle, "sine/per_period"], [base + "periods"]),
        helper.make_node("Round", [base + "periods"], [base + "whole"]),
        helper.make_node("Sub", [base + "periods", base + "whole"], [base + "part"]),
        helper.make_node("Mul", [base + "part", base + "part"], [base + "square"]),
    ]
    last = f"sine/factor_{_SQUARED_SINE_TERMS}"
    for power in range(_SQUARED_SINE_TERMS - 1, 0, -1):
        product, total = f"{base}product_{power}", f"{base}total_{power}"
        nodes.append(helper.make_node("Mul", [last, base + "square"], [product]))
        nodes.append(helper.make_node("Add", [product, f"sine/factor_{power}"], [total]))
        last = total
    nodes.append(helper.make_node("Mul", [last, base + "square"], [output]))
    return nodes


def squared_sine_factors() -> NDArray[np.float64]:
    """Return factors f with sin²(π u) ≈ f₁ u² + f₂ u⁴ + … for |u| ≤ ½."""
    u = np.linspace(0.0, 0.5, 2001)[1:]
    powers = np.stack([u ** (2 * n) for n in range(1, _SQUARED_SINE_TERMS + 1)], axis=1)
    return np.asarray(np.linalg.lstsq(powers, np.sin(np.pi * u) ** 2, rcond=None)[0])


def _write_source(model: onnx.ModelProto, target: Path) -> None:
    """Write the weights (9,) that mix the harmonics of the source, and their bias, as (10,)."""
    names = ("onnx::MatMul_6993", "decoder.decoder.generator.m_source.l_linear.bias")
    tensors = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name in names}
    mixed = np.concatenate([numpy_helper.to_array(tensors[name]).reshape(-1) for name in names])
    content = BytesIO()
    np.save(content, mixed)
    write_whole(target, content.getvalue())
