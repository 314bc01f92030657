"""The packaged Korean typeface, and how wide a text is in it."""

from __future__ import annotations

from functools import cache

import pylopdf_fonts_ko
import skia

from media.errors import MediaError


@cache
def typeface() -> skia.Typeface:
    """Return Noto Sans KR; MediaError `missing_font` where its package is damaged."""
    path = pylopdf_fonts_ko.sans_path()
    face = skia.Typeface.MakeFromFile(str(path)) if path.is_file() else None
    if face is None:
        raise MediaError(
            "missing_font",
            f"The Korean typeface {path} cannot be read.",
            "Install it again: pip install --force-reinstall pylopdf-fonts-ko",
        )
    return face


def font(size: float) -> skia.Font:
    """Return the typeface at `size` pixels, made bold (only its regular weight is packaged)."""
    made = skia.Font(typeface(), size)
    made.setEmbolden(True)
    made.setSubpixel(True)
    made.setEdging(skia.Font.Edging.kAntiAlias)
    return made


def columns(text: str) -> float:
    """Return how many Hangul syllables wide `text` is."""
    unit: float = _plain().measureText("가")
    width: float = _plain().measureText(text)
    return width / unit


@cache
def _plain() -> skia.Font:
    return skia.Font(typeface(), 100)
