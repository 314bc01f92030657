"""What the processor of this machine can do."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_INT8_SUMS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}


@cache
def adds_int8_products() -> bool | None:
    """Say whether it has instructions for sums of int8 products; None where that is not told."""
    try:
        known = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return None
    return bool(known & _INT8_SUMS) if known else None
