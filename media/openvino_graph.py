"""An OpenVINO graph by the names of its inputs and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.openvino_core import core
from media.types import FloatArray


class NamedGraph:
    """A model (a path, or an ONNX model's bytes) compiled for `threads` of the CPU.

    `exact` keeps float32 where the CPU has a half precision of its own. ImportError without
    OpenVINO.
    """

    def __init__(self, model: str | bytes, threads: int, exact: bool) -> None:
        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        if exact:
            options["INFERENCE_PRECISION_HINT"] = "f32"
        given = core().read_model(model) if isinstance(model, bytes) else model
        compiled = core().compile_model(given, "CPU", options)
        self._request = compiled.create_infer_request()
        self._names = [output.get_names() for output in compiled.outputs]

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """Return a copy of every output by each of its names."""
        found = self._request.infer(inputs)
        return {
            name: np.array(found[place])
            for place, names in enumerate(self._names)
            for name in names
        }
