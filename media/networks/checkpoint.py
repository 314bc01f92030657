"""Reading checkpoints as they are published: `.pth` or `.safetensors`, wrapped or bare."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from media.errors import MediaError
from media.networks.wav2lip import Generator, SyncExpert, width_of

Wav2LipPart = TypeVar("Wav2LipPart", Generator, SyncExpert)


def load_checkpoint(network: nn.Module, path: Path, part: str = "state_dict") -> None:
    """Fill `network` from the checkpoint at `path`.

    `part` is the key under which a training checkpoint keeps the weights; a bare state dict works
    too, and a `module.` before every name (data-parallel training) is taken off. MediaError
    `no_checkpoint` or `bad_checkpoint` where it is missing or of another network.
    """
    if not path.exists():
        raise MediaError(
            "no_checkpoint",
            f"There is no checkpoint {path}.",
            "Download or train one and name it in the persona's file; docs/faces.md says how.",
        )
    try:
        state = read_state(path)
        state = state.get(part, state)
        network.load_state_dict({name.removeprefix("module."): v for name, v in state.items()})
    except (RuntimeError, ValueError, AttributeError, KeyError, pickle.UnpicklingError) as error:
        raise MediaError(
            "bad_checkpoint",
            f"{path.name} does not hold the weights of {type(network).__name__}: {error}.",
            "Name the checkpoint of this network.",
        ) from error


def read_network(kind: type[Wav2LipPart], path: Path) -> Wav2LipPart:
    """Return the Wav2Lip network `kind` with the weights at `path`, as wide as they are.

    MediaError as `load_checkpoint`.
    """
    width = 1.0
    if path.exists():
        try:
            state = read_state(path)
            width = width_of(state.get("state_dict", state))
        except (RuntimeError, ValueError, AttributeError, pickle.UnpicklingError):
            width = 1.0  # what is wrong with the file is said below
    network = kind(width)
    load_checkpoint(network, path)
    return network


def read_state(path: Path) -> dict[str, Any]:
    """Return what is in the checkpoint at `path`; nothing in it is run."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        tensors: dict[str, Any] = load_file(path)
        return tensors
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return loaded


def notes_of(path: Path) -> dict[str, str]:
    """Return the notes in a `.safetensors` file; none in files of other kinds."""
    if path.suffix != ".safetensors" or not path.exists():
        return {}
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        notes: dict[str, str] = opened.metadata() or {}
    return notes
