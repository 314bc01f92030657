"""A JETS with transformer blocks in OpenVINO: neither torch nor ESPnet is needed to speak.

It serves our own voices and every checkpoint of ESPnet's usual layout. Durations and pitch are
computed in float32, the sound in bf16 where the processor has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from media.errors import MediaError
from media.openvino_graph import NamedGraph
from media.speak.jets_graph import positions, sound_graph, spread, text_graph
from media.types import FloatArray

PREFIX = "tts.generator."
_STEP = 16
"""Lengths are rounded up to so many frames: each new one takes the runtime a moment."""


def quick_fit(conf: Mapping[str, Any], weights: Mapping[str, FloatArray]) -> bool:
    """Say whether a generator with ESPnet's `generator_params` and `weights` can be run here."""
    usual = {
        "encoder_type": "transformer",
        "decoder_type": "transformer",
        "positionwise_layer_type": "conv1d",
        "use_scaled_pos_enc": True,
        "encoder_normalize_before": True,
        "decoder_normalize_before": True,
        "encoder_concat_after": False,
        "decoder_concat_after": False,
        "reduction_factor": 1,
        "use_gst": False,
        "generator_out_channels": 1,
        "generator_use_additional_convs": True,
        "generator_nonlinear_activation": "LeakyReLU",
    }
    single = all((conf.get(name) or 0) < 2 for name in ("spks", "langs", "spk_embed_dim"))
    narrow = all(weights[f"{name}_embed.0.weight"].shape[2] == 1 for name in ("pitch", "energy"))
    return single and narrow and all(conf.get(name, kind) == kind for name, kind in usual.items())


def generator_weights(checkpoint: Path) -> dict[str, FloatArray]:
    """Return the generator's parameters in `checkpoint` as float32, weight norms multiplied out."""
    if checkpoint.suffix == ".safetensors":
        from safetensors.numpy import load_file

        state: dict[str, Any] = load_file(checkpoint)
    else:
        from media.networks.checkpoint import read_state

        state = {name: value.numpy() for name, value in read_state(checkpoint).items()}
    own = {
        name.removeprefix(PREFIX): np.asarray(value, np.float32)
        for name, value in state.items()
        if name.startswith(PREFIX)
    }
    for name in [name for name in own if name.endswith(".weight_v")]:
        direction, gain = own.pop(name), own.pop(name.removesuffix("_v") + "_g")
        norm = np.sqrt((direction**2).sum(axis=(1, 2), keepdims=True))
        own[name.removesuffix("_v")] = direction * gain / norm
    return own


class QuickJets:
    """The generator with `weights`, ESPnet's `conf` of it, in `threads` threads."""

    def __init__(
        self, weights: Mapping[str, FloatArray], conf: Mapping[str, Any], threads: int
    ) -> None:
        heads = int(conf.get("aheads", 2))
        scales: Sequence[int] = conf.get("generator_upsample_scales") or (8, 8, 2, 2)
        dilations = conf.get("generator_resblock_dilations") or [[1, 3, 5]]
        if any(each != dilations[0] for each in dilations):
            raise ValueError("residual blocks with different dilations")
        self._size = weights["encoder.after_norm.weight"].shape[0]
        self._hop = int(np.prod(scales))
        self._text = _compiled(text_graph(weights, heads), threads, exact=True)
        self._sound = _compiled(
            sound_graph(weights, heads, scales, dilations[0]), threads, exact=False
        )

    def say(self, ids: Sequence[int], pace: float) -> tuple[FloatArray, list[int]]:
        """Return the sound of the tokens `ids` and how many frames each lasts.

        `pace` 2.0 makes all durations half as long; every token keeps a frame.
        """
        read = self._text.run(
            {
                "tokens": np.array([list(ids)], np.int64),
                "place": positions(len(ids), self._size),
            }
        )
        frames = np.maximum(
            np.rint(np.maximum(np.rint(np.exp(read["lengths"][0]) - 1), 0) / pace), 1
        )
        found = frames.astype(np.int64)
        wanted = int(found.sum())
        filled = found.copy()
        filled[-1] += -wanted % _STEP
        states = spread(read["hidden"], filled)
        made = self._sound.run({"states": states, "place": positions(states.shape[1], self._size)})
        return made["samples"][0, 0, : wanted * self._hop], found.tolist()


def _compiled(model: Any, threads: int, exact: bool) -> NamedGraph:
    try:
        return NamedGraph(model.SerializeToString(), threads, exact)
    except ImportError as error:
        raise MediaError(
            "no_runtime", "A JETS voice runs in OpenVINO.", "Run: pip install openvino"
        ) from error
