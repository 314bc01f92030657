"""Loading a JETS model as ESPnet lays it out: its files, its configuration, its generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from media.errors import MediaError
from media.speak.jets_espnet import EspnetJets
from media.speak.jets_quick import QuickJets, generator_weights, quick_fit
from media.types import FloatArray

_AVERAGES = ("train.total_count.ave", "valid.loss.ave", "valid.mel_loss.ave")
"""Names that ESPnet gives to averaged checkpoints, the best first."""


class Speaker(Protocol):
    """A generator that is ready to speak."""

    def say(
        self, ids: Sequence[int], pace: float, raised: float = 0.0
    ) -> tuple[FloatArray, list[int]]:
        """Return the sound of the tokens `ids` and how many frames each lasts.

        `raised` is added to the pitch in the model's units, where it can be.
        """
        ...

    def prepare(self) -> None:
        """Make ready for sentences of any length."""
        ...


@dataclass(frozen=True)
class JetsModel:
    """A loaded model: its `speaker`, `tokens` in the order of their ids, `rate` of its sound in
    Hz, `hop` samples a frame, `g2p` as ESPnet names it, `pitch_deviation` the log frequency that
    one unit of its pitch stands for, 0 where it is not known."""

    speaker: Speaker
    tokens: tuple[str, ...]
    rate: int
    hop: int
    g2p: str
    pitch_deviation: float = 0.0


def model_files(folder: Path, name: str = "") -> tuple[Path, Path]:
    """Return (configuration, checkpoint) of the model in `folder`, however deep they lie.

    `name` chooses among several checkpoints. MediaError `no_voice_model`.
    """
    configs = sorted(folder.rglob("config.yaml"))
    if len(configs) != 1:
        raise MediaError(
            "no_voice_model",
            f"{folder} holds {len(configs)} files named config.yaml; a JETS model has one.",
            "Name the folder of one trained model: its config.yaml and its checkpoint.",
        )
    place = configs[0].parent
    found = sorted(path for kind in ("*.pth", "*.safetensors") for path in place.glob(kind))
    if name:
        found = [path for path in found if path.name == name]
    elif len(found) > 1:
        averaged = [path for mark in _AVERAGES for path in found if path.name.startswith(mark)]
        found = averaged[:1] or found
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise MediaError(
            "no_voice_model",
            f"It is not clear which checkpoint in {place} to use: {names}.",
            'Name one in the persona\'s [voice] table: model = "FILE".',
        )
    return configs[0], found[0]


def fetched(tag: str) -> Path:
    """Return the folder of the model `tag` on the Hugging Face hub, fetched on first use."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise MediaError(
            "no_voice_model",
            "Fetching a model by its tag needs huggingface_hub, which is not installed.",
            "Run: pip install huggingface_hub",
        ) from error
    try:
        return Path(snapshot_download(tag, allow_patterns=["*.yaml", "*.pth", "*.safetensors"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise MediaError(
            "no_voice_model",
            f"The model {tag} is not on this machine and cannot be fetched.",
            f"Where there is a connection, run: hf download {tag} --local-dir voices/jets ; "
            'then set folder = "…/voices/jets" in the persona\'s [voice] table.',
        ) from error


def load(config: Path, checkpoint: Path, threads: int = 2, runtime: str = "auto") -> JetsModel:
    """Return the model; MediaError `no_espnet` or `bad_voice_model`.

    `runtime` `auto` takes OpenVINO where the network is of the usual layout, else ESPnet; the
    other values are `openvino` and `espnet`.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        table = yaml.safe_load(config.read_text(encoding="utf-8"))
        # Statistics of the training targets; speaking needs none of them.
        table |= {"normalize": None, "pitch_normalize": None, "energy_normalize": None}
        if table["tts"] != "jets":
            raise ValueError(f"it is a {table['tts']} model")
        conf = table["tts_conf"].get("generator_params", {})
        speaker: Speaker
        weights = {} if runtime == "espnet" else generator_weights(checkpoint)
        if runtime == "openvino" or (runtime == "auto" and quick_fit(conf, weights)):
            speaker = QuickJets(weights, conf, threads)
            deviation = float(table.get("pitch_deviation", 0.0))
        else:
            speaker = EspnetJets(table, checkpoint, threads)
            deviation = 0.0
        hop = int(np.prod(conf.get("generator_upsample_scales") or (8, 8, 2, 2)))
        rate = int(table["tts_conf"].get("sampling_rate", 22050))
        g2p = str(table.get("g2p") or "")
        return JetsModel(speaker, tuple(table["token_list"]), rate, hop, g2p, deviation)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OSError) as error:
        raise MediaError(
            "bad_voice_model",
            f"{checkpoint.name} with {config.name} is not a JETS model that can be used: {error}.",
            "Name a folder as ESPnet's GAN-TTS training writes it.",
        ) from error
