"""Vectors that travel with the articles, so that a fresh machine embeds nothing before it answers.

`vectors.npz` lies beside the articles: `keys` (n, 16) bytes and `vectors` (n, size) in half
precision, whose error of 0.0005 is far below what separates two articles.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAME = "vectors.npz"
COMMAND = "silverline knowledge index"
Floats = NDArray[np.float32]


class ShippedError(ValueError):
    """A vectors file that cannot be read; the message names cause and remedy."""


def write(path: Path, keys: Sequence[bytes], vectors: Floats) -> None:
    """Write the `vectors` (n, size) of texts with their 16-byte `keys`; the same in, the same out.

    The file is put in place at once, so a reader never sees half of it.
    """
    order = sorted({key: place for place, key in enumerate(keys)}.items())
    fresh = path.with_suffix(".part.npz")
    np.savez(
        fresh,
        keys=np.array([list(key) for key, _ in order], np.uint8).reshape(-1, 16),
        vectors=vectors[[place for _, place in order]].astype(np.float16),
    )
    fresh.replace(path)


def read(path: Path) -> dict[bytes, bytes]:
    """Return each key's vector as the bytes of float32; nothing where there is no file.

    Raises ShippedError where the file is none of ours.
    """
    return _read(path, path.stat().st_mtime_ns) if path.exists() else {}


@cache
def _read(path: Path, _changed: int) -> dict[bytes, bytes]:
    try:
        with np.load(path, allow_pickle=False) as data:
            keys, vectors = data["keys"], data["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ShippedError(f"{path}: cannot be read ({error}). Run `{COMMAND}`.") from error
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return {key.tobytes(): vector.tobytes() for key, vector in zip(keys, vectors, strict=True)}
