"""A network in OpenVINO's form with its products in int8, where a CPU adds them fast."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np

from media.cpu import adds_int8_products
from media.openvino_core import core
from media.types import FloatArray

FARTHEST = 1e-2
"""How far one value of the picture may be off, of the largest."""
_MARGIN = 0.9
"""Of FARTHEST, on the examples: other inputs are a little farther off."""
_AT_END = (2, 5)
"""Layers before the picture that stay as they are, fewest first: their rounding is seen as it is,
but the layers before the last two are slow."""
_AT_FACE = 10
"""Layers that stay as they are where a face goes in, with one more before the picture: the face's
values round worse than a window's."""


def can_quantise() -> bool:
    """Say whether int8 is worth it on this CPU, and NNCF is here to bring a network to it."""
    return adds_int8_products() is True and find_spec("nncf") is not None


def quantised(model: Any, examples: Sequence[Sequence[FloatArray]]) -> Any | None:
    """Return the OpenVINO `model` in int8, its ranges taken from `examples` of its inputs.

    What only the first input goes through, the first layers of what only the others do, and the
    last layers stay as they are, and so do sums: else each of the two values that a residual block
    adds would be rounded once more. Errors that the rounding leaves in a layer's mean are taken out
    of its bias, layer by layer (Nagel et al. 2019, arXiv 1906.04721). Where the picture is then too
    far off on the examples, more of the last layers stay; None where that does not help either.
    """
    exact = _drawn(model, examples)
    for at_end in _AT_END:
        # NNCF makes cores of its own, which leave a thread unfit for signals: see `openvino_core`.
        with ThreadPoolExecutor(1, "quantise") as alone:
            found = alone.submit(_quantised, model, examples, at_end).result()
        apart = max(
            np.abs(one - other).max()
            for one, other in zip(_drawn(found, examples), exact, strict=True)
        )
        if apart <= _MARGIN * FARTHEST * max(np.abs(one).max() for one in exact):
            return found
    return None


def is_quantised(model: Any) -> bool:
    """Say whether the OpenVINO `model` has layers in int8."""
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def _drawn(model: Any, examples: Sequence[Sequence[FloatArray]]) -> list[FloatArray]:
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [compiled(list(one))[0].copy() for one in examples]


def _quantised(model: Any, examples: Sequence[Sequence[FloatArray]], at_end: int) -> Any:
    # Else its telemetry would start with the import.
    os.environ.setdefault("NNCF_CI", "1")
    import nncf
    from nncf.quantization import advanced_parameters, range_estimator

    nncf.set_log_level(40)
    return nncf.quantize(
        model,
        nncf.Dataset([list(one) for one in examples]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(examples),
        fast_bias_correction=False,
        ignored_scope=nncf.IgnoredScope(names=_kept(model, at_end), types=["Add"]),
        advanced_parameters=advanced_parameters.AdvancedQuantizationParameters(
            # The usual mean of the extremes would clip what is loudest.
            activations_range_estimator_params=range_estimator.RangeEstimatorParametersSet.MINMAX
        ),
    )


def _kept(model: Any, at_end: int) -> list[str]:
    """Return the names of the layers that stay as they are."""
    first = {model.inputs[0].get_node().get_friendly_name()}
    others = {given.get_node().get_friendly_name() for given in model.inputs[1:]}
    layers, heard, seen = [], [], []
    for node in model.get_ordered_ops():
        name = node.get_friendly_name()
        before = {source.get_node().get_friendly_name() for source in node.input_values()}
        if before & first:
            first.add(name)
        if before & others:
            others.add(name)
        if "Convolution" in node.get_type_name():
            layers.append(name)
            if name not in others:
                heard.append(name)
            elif name not in first:
                seen.append(name)
    if seen:
        at_end += 1
    # The last of what is heard already belongs to what all inputs go through.
    return list(dict.fromkeys([*heard[:-1], *seen[:_AT_FACE], *layers[-at_end:]]))
