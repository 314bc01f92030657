"""Patterns and examples as data: read once, compiled together, a wrong pattern names its line."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """Return the TOML file `name` of this folder."""
    return tomllib.loads((files(__package__) / f"{name}.toml").read_text("utf-8"))


def compiled(patterns: list[str], lists: dict[str, str], before: str = "") -> re.Pattern[str]:
    """Return one pattern that matches where any of `patterns` does, after an optional `before`.

    `{name}` in a pattern is replaced by `lists[name]`.
    """
    joined = "|".join(patterns)
    for name, value in lists.items():
        joined = joined.replace("{" + name + "}", value)
    return re.compile(f"{before}(?:{joined})")
