"""The console's two languages: Korean as it is written in the templates, English from a table."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from flask import g, request

LANGUAGES = ("ko", "en")
COOKIE = "silverline_language"
TABLE = Path(__file__).with_name("english.toml")


def language() -> str:
    """Return the language of this request: as chosen, else Korean."""
    if "language" not in g:
        chosen = request.cookies.get(COOKIE, "")
        g.language = chosen if chosen in LANGUAGES else "ko"
    return str(g.language)


def t(korean: str, **values: object) -> str:
    """Return `korean`, or its English, with `{names}` filled in from `values`."""
    text = korean if language() == "ko" else english().get(korean, korean)
    return text.format(**values) if values else text


@cache
def english() -> dict[str, str]:
    """Return the English of every Korean text."""
    found: dict[str, str] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["english"]
    return found
