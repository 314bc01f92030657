"""The one OpenVINO of this process."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def core() -> Any:
    """Return the OpenVINO core that everything is compiled by. ImportError without OpenVINO.

    It is never freed: a core whose CPU plugin goes again takes away the memory on which the thread
    that made it handles signals, and leaves the thread pointing there when another thread frees it
    or a younger core outlives it (openvinotoolkit/openvino, pull request 11894). The next signal
    then ends the process.
    """
    import openvino

    return openvino.Core()
