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
from media.speak.jets_graph import (
    positions,
    reach,
    sound_graph,
    spread,
    states_graph,
    text_graph,
)
from media.types import FloatArray

PREFIX = "tts.generator."
_STEP, _MOST = 64, 512
"""Sound is made of a multiple of so many frames, and of at most so many at once: a length that
the runtime has not met takes it twice the time, so `prepare` goes through all of them."""


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
        self._reach = reach(weights, scales, dilations[0])
        self._text = _compiled(text_graph(weights, heads), threads, exact=True)
        self._states = _compiled(states_graph(weights, heads), threads, exact=False)
        self._sound = _compiled(sound_graph(weights, scales, dilations[0]), threads, exact=False)

    def prepare(self) -> None:
        """Have the runtime meet every length of sound."""
        for frames in range(_STEP, _MOST + 1, _STEP):
            self._sounded(np.zeros((1, frames, self._size), np.float32))

    def say(
        self, ids: Sequence[int], pace: float, raised: float = 0.0
    ) -> tuple[FloatArray, list[int]]:
        """Return the sound of the tokens `ids` and how many frames each lasts.

        `pace` 2.0 makes all durations half as long; every token keeps a frame. `raised` is added
        to the pitch, in the model's normalised units.
        """
        read = self._text.run(
            {
                "tokens": np.array([list(ids)], np.int64),
                "place": positions(len(ids), self._size),
                "raise": np.full((1, 1, 1), raised, np.float32),
            }
        )
        frames = np.maximum(
            np.rint(np.maximum(np.rint(np.exp(read["lengths"][0]) - 1), 0) / pace), 1
        )
        found = frames.astype(np.int64)
        states = spread(read["hidden"], found)
        place = positions(states.shape[1], self._size)
        states = self._states.run({"spread": states, "place": place})["states"]
        return self._windows(states), found.tolist()

    def _windows(self, states: FloatArray) -> FloatArray:
        """Return the sound (hop × t,) of `states` (1, t, size) of any length."""
        if states.shape[1] <= _MOST:
            return self._sounded(states)
        inner, parts = _MOST - 2 * self._reach, []
        for start in range(0, states.shape[1], inner):
            before = min(start, self._reach)
            part = states[:, start - before : start + inner + self._reach]
            parts.append(self._sounded(part)[before * self._hop :][: inner * self._hop])
        return np.concatenate(parts)

    def _sounded(self, states: FloatArray) -> FloatArray:
        """Return the sound (hop × t,) of `states` (1, t, size), t at most _MOST."""
        count = states.shape[1]
        filled = np.pad(states, ((0, 0), (0, -count % _STEP), (0, 0)))
        return self._sound.run({"states": filled})["samples"][0, 0, : count * self._hop]


def _compiled(model: Any, threads: int, exact: bool) -> NamedGraph:
    try:
        return NamedGraph(model.SerializeToString(), threads, exact)
    except ImportError as error:
        raise MediaError(
            "no_runtime", "A JETS voice runs in OpenVINO.", "Run: pip install openvino"
        ) from error
