"""Proof that the networks compute the published functions, without the published checkpoints.

A reference folder holds `*_parameters.json` (names and shapes) and `vectors/*.npz` (what the
published networks answered with reproducible weights and inputs). The same weights and inputs
go through ours; the relative error is the largest difference over the largest reference value.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.errors import MediaError

Array = NDArray[Any]

NETWORK_BAR = 1e-4
MEL_BAR = 1e-3
RECORDING = Path("data/speech_ko/picovoice_leopard_test_ko.wav")


@dataclass(frozen=True, slots=True)
class Proof:
    """One vector: its relative error and the bar that it must not exceed."""

    name: str
    error: float
    bar: float

    @property
    def holds(self) -> bool:
        """Whether the error is within the bar (a NaN is not)."""
        return self.error <= self.bar


def seeded_tensor(name: str, shape: tuple[int, ...]) -> Array:
    """Return the reproducible value of parameter or buffer `name` of `shape`.

    The numbers are NumPy's default generator seeded with the name's CRC-32: unit weights and
    small biases for vectors, normal / sqrt(fan-in) for the rest, plausible batch statistics.
    """
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        return draw.uniform(0.5, 1.5, shape).astype(np.float32)
    values = draw.standard_normal(shape)
    if name.endswith("running_mean"):
        return np.asarray(0.1 * values, np.float32)
    if len(shape) <= 1:
        return np.asarray(float(name.endswith("weight")) + 0.05 * values, np.float32)
    return np.asarray(values / np.sqrt(np.prod(shape[1:])), np.float32)


def seeded_input(name: str, shape: tuple[int, ...], low: float, high: float) -> Array:
    """Return the reproducible float32 input `name`, uniform in [low, high)."""
    draw = np.random.default_rng(zlib.crc32(f"input/{name}".encode()))
    return draw.uniform(low, high, shape).astype(np.float32)


def prove(folder: Path, tag: str = "") -> Iterator[Proof]:
    """Yield a proof for every vector in `folder`; `tag` is appended to every input's name.

    MediaError `no_reference` where the folder is not laid out as a reference, and
    `wrong_parameters` where a network's names or shapes differ from the published ones.
    """
    if not (folder / "vectors").is_dir():
        raise MediaError(
            "no_reference",
            f"{folder} holds no reference vectors.",
            "Give a folder with `vectors/*.npz` and `*_parameters.json`.",
        )
    for family, outputs in (("wav2lip", _wav2lip), ("makeittalk", _makeittalk)):
        path = folder / "vectors" / f"{family}.npz"
        if not path.exists():
            continue
        names = json.loads((folder / f"{family}_parameters.json").read_text(encoding="utf-8"))
        with np.load(path) as vectors:
            for name, output in outputs(names, lambda n, *rest: seeded_input(n + tag, *rest)):
                if name in vectors:
                    yield Proof(f"{family} {name}", _error(output, vectors[name]), NETWORK_BAR)
            recording = folder.parent / RECORDING
            if "melspectrogram" in vectors and recording.exists():
                yield Proof(
                    f"{family} melspectrogram",
                    _error(_mel(recording), vectors["melspectrogram"]),
                    MEL_BAR,
                )


def _error(ours: Array, reference: Array) -> float:
    if ours.shape != reference.shape:
        return float("inf")
    return float(np.abs(ours - reference).max() / np.abs(reference).max())


def _mel(recording: Path) -> Array:
    from media.networks.mel import wav2lip_mel
    from media.speech_file import read_wav

    return wav2lip_mel(read_wav(recording))


Inputs = Callable[..., Array]
Outputs = Iterator[tuple[str, Array]]


def _seeded(network: Any, parameters: dict[str, list[int]]) -> Any:
    import torch

    state = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    wanted = {name: tuple(shape) for name, shape in parameters.items()}
    if state != wanted:
        odd = sorted(set(state.items()) ^ set(wanted.items()))[0][0]
        raise MediaError(
            "wrong_parameters",
            f"{type(network).__name__} differs from the published parameters, first at {odd}.",
            "Name and shape its layers as the parameter list has them.",
        )
    filled = {name: torch.from_numpy(seeded_tensor(name, shape)) for name, shape in state.items()}
    network.load_state_dict(filled)
    return network.eval()


def _run(network: Any, *inputs: Array) -> list[Array]:
    import torch

    with torch.inference_mode():
        out = network(*(torch.from_numpy(value) for value in inputs))
    return [t.numpy() for t in (out if isinstance(out, tuple) else (out,))]


def _wav2lip(names: dict[str, dict[str, list[int]]], given: Inputs) -> Outputs:
    from media.networks.wav2lip import Generator, QualityDiscriminator, SyncExpert

    network = _seeded(Generator(), names["generator"])
    audio = given("wav2lip/audio", (4, 1, 80, 16), -4, 4)
    yield "generator", _run(network, audio, given("wav2lip/face", (4, 6, 96, 96), 0, 1))[0]
    audio = given("wav2lip/audio5d", (2, 5, 1, 80, 16), -4, 4)
    face = given("wav2lip/face5d", (2, 6, 5, 96, 96), 0, 1)
    yield "generator_sequence", _run(network, audio, face)[0]
    sound, sight = _run(
        _seeded(SyncExpert(), names["sync_expert"]),
        given("sync/audio", (4, 1, 80, 16), -4, 4),
        given("sync/face", (4, 15, 48, 96), 0, 1),
    )
    yield "sync_audio", sound
    yield "sync_face", sight
    network = _seeded(QualityDiscriminator(), names["quality_discriminator"])
    yield "quality_discriminator", _run(network, given("disc/face", (2, 3, 5, 96, 96), 0, 1))[0]


def _makeittalk(names: dict[str, dict[str, list[int]]], given: Inputs) -> Outputs:
    from media.networks.autovc import AutoVC
    from media.networks.image_translation import ImageTranslation
    from media.networks.makeittalk import ContentBranch, SpeakerBranch

    network = _seeded(ContentBranch(), names["content_branch"])
    audio = given("content/audio", (6, 18, 80), -2, 2)
    yield "content_branch", _run(network, audio, given("content/face", (1, 204), -1, 1))[0]
    moved, code = _run(
        _seeded(SpeakerBranch(), names["speaker_branch"]),
        given("speaker/audio", (6, 18, 80), -2, 2),
        given("speaker/embedding", (6, 256), -1, 1),
        np.zeros((6, 128), np.float32),
    )
    yield "speaker_branch", moved
    yield "speaker_code", code
    speaker = given("autovc/speaker", (1, 256), -1, 1)
    outputs = _run(
        _seeded(AutoVC(), names["autovc"]),
        given("autovc/mel", (1, 128, 80), 0, 1),
        speaker,
        speaker,
        given("autovc/f0", (1, 128, 257), 0, 1),
    )
    for index, output in enumerate(outputs):
        yield f"autovc_{index}", output
    network = _seeded(ImageTranslation(), names["image_translation"])
    picture = given("image/input", (1, 6, 256, 256), 0, 1)
    yield "image_translation", _run(network, picture)[0]
