"""A network in OpenVINO's form with its products in int8, where a CPU adds them fast."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from media.cpu import adds_int8_products
from media.types import FloatArray

_AT_END = 2
"""Layers before the picture that stay as they are: what they round is seen as it is."""


def can_quantise() -> bool:
    """Say whether int8 is worth it on this CPU, and NNCF is here to bring a network to it."""
    return adds_int8_products() is True and find_spec("nncf") is not None


def quantised(model: Any, examples: Sequence[Sequence[FloatArray]]) -> Any:
    """Return the OpenVINO `model` in int8, its ranges taken from `examples` of its inputs.

    What only the first input goes through and the last layers stay as they are. Errors that the
    rounding leaves in a layer's mean are taken out of its bias, layer by layer (Nagel et al. 2019,
    arXiv 1906.04721).
    """
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
        ignored_scope=nncf.IgnoredScope(names=_kept(model)),
        advanced_parameters=advanced_parameters.AdvancedQuantizationParameters(
            # The usual mean of the extremes would clip what is loudest.
            activations_range_estimator_params=range_estimator.RangeEstimatorParametersSet.MINMAX
        ),
    )


def _kept(model: Any) -> list[str]:
    """Return the names of the layers that stay as they are."""
    first = {model.inputs[0].get_node().get_friendly_name()}
    others = {given.get_node().get_friendly_name() for given in model.inputs[1:]}
    layers, alone = [], []
    for node in model.get_ordered_ops():
        name = node.get_friendly_name()
        before = {source.get_node().get_friendly_name() for source in node.input_values()}
        if before & others:
            others.add(name)
        elif before & first:
            first.add(name)
        if "Convolution" in node.get_type_name():
            layers.append(name)
            if name in first:
                alone.append(name)
    # The last of these already belongs to what all inputs go through.
    return list(dict.fromkeys([*alone[:-1], *layers[-_AT_END:]]))
