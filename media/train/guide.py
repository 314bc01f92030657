"""A first idea of what goes together, for the sync expert to begin with.

Canonical correlation between the lips' landmarks over five frames and their mel windows is a closed
form that a few minutes of speech are enough for. Its directions, weighted by how much they
correlate, are the embedding that both sides of the expert learn first; contrast takes over later.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from media.train.talk import SPAN, Talk

DIRECTIONS = 16
_LIPS, _SOUND = 40, 150
"""Principal components that are kept of lips and sound."""
_ENOUGH = 40_000
"""Windows that the directions are found from."""

Array = NDArray[np.float64]


def guide(talk: Talk) -> Tensor | None:
    """Return for every frame of `talk` the unit embedding (N, 32) of the lips from it on.

    None where the sentences have no landmarks, or too few windows.
    """
    sentence, frame = _windows(talk)
    shapes = talk.shapes.cpu().double().numpy()
    if len(frame) < 4 * _SOUND or not shapes.any():
        return None
    first = talk.first.cpu().numpy()
    at = first[sentence] + frame
    lips = np.concatenate([shapes[at + step] for step in range(SPAN)], axis=1)
    few = np.random.default_rng(0).permutation(len(at))[:_ENOUGH]
    one = (torch.from_numpy(part[few]).to(talk.device) for part in (sentence, frame))
    sound = talk.windows(*one).flatten(1).cpu().double().numpy()
    white_lips, white_sound = _whitening(lips[few], _LIPS), _whitening(sound, _SOUND)
    seen = (lips[few] - white_lips[0]) @ white_lips[1]
    heard = (sound - white_sound[0]) @ white_sound[1]
    turn, strength, _ = np.linalg.svd(seen.T @ heard / len(few), full_matrices=False)
    weights = turn[:, :DIRECTIONS] * strength[:DIRECTIONS]
    placed = (lips - white_lips[0]) @ white_lips[1] @ weights
    # The expert's embeddings are not negative: each direction becomes two.
    split = np.concatenate((placed, -placed), axis=1).clip(0)
    split /= np.linalg.norm(split, axis=1, keepdims=True).clip(1e-9)
    out = np.zeros((len(shapes), 2 * DIRECTIONS), np.float32)
    out[at] = split
    return torch.from_numpy(out).to(talk.device)


def _windows(talk: Talk) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return sentence and frame of every window of SPAN frames."""
    spans = [talk.spans(index) for index in range(len(talk))]
    sentence = np.repeat(np.arange(len(talk)), spans)
    frame = np.concatenate([np.arange(span) for span in spans])
    return sentence, frame


def _whitening(values: Array, count: int) -> tuple[Array, Array]:
    """Return mean (d,) and matrix (d, count) to uncorrelated components of deviation 1."""
    mean = values.mean(axis=0)
    spread, turn = np.linalg.eigh(np.cov((values - mean).T))
    best = np.argsort(spread)[::-1][:count]
    return mean, turn[:, best] / np.sqrt(np.maximum(spread[best], 1e-9))
