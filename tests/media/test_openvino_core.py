"""Signals reach a process whose compiled networks came and went."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("openvino")

COME_AND_GO = """
import gc, os, signal, threading
import numpy as np
import onnx
from onnx import TensorProto, helper
from media.openvino_graph import NamedGraph

value = helper.make_tensor_value_info
graph = helper.make_graph(
    [helper.make_node("Relu", ["x"], ["y"])],
    "g",
    [value("x", TensorProto.FLOAT, [4])],
    [value("y", TensorProto.FLOAT, [4])],
)
opsets = [helper.make_opsetid("", 17)]
model = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def made():
    found = NamedGraph(model, 1, exact=True)
    assert found.run({"x": np.ones(4, np.float32)})["y"].sum() == 4
    return found


# The older one goes first.
older = made()
younger = made()
del older
gc.collect()
del younger
gc.collect()
# Another thread frees the last one.
kept = [made()]
thread = threading.Thread(target=kept.clear)
thread.start()
thread.join()
gc.collect()

came = []
signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
os.kill(os.getpid(), signal.SIGTERM)
assert came == [signal.SIGTERM]
print("alive")
"""


def test_signals_arrive_after_networks_came_and_went() -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", COME_AND_GO],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout) == (0, "alive\n"), ended.stderr
