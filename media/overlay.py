"""Text that lies over pictures: drawn once, then laid over each frame's own rectangle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import skia

from media.fonts import font
from media.types import Frame

CAPTION_COLUMNS = 13.0
"""Hangul columns of the longest caption line that is drawn at full size."""
_MARGIN = 0.03
_WHITE = skia.ColorWHITE
_DARK = skia.Color(10, 14, 20)


@dataclass(frozen=True, slots=True)
class Overlay:
    """A rectangle at (`left`, `top`): `light` (h, w, 3) is added, `through` is what shines on."""

    left: int
    top: int
    light: Frame
    through: Frame

    def lay(self, frame: Frame) -> None:
        """Blend into `frame`, in place."""
        height, width = self.light.shape[:2]
        part = frame[self.top : self.top + height, self.left : self.left + width]
        dimmed = cv2.multiply(part, self.through, scale=1 / 255)
        part[:] = cv2.add(dimmed, self.light)


@lru_cache(maxsize=64)
def caption(text: str, size: tuple[int, int]) -> Overlay:
    """Return `text` in large print on a dark band near the foot of a picture of `size`."""
    width, height = size
    room = width * (1 - 2 * _MARGIN)
    made = font(min(room / CAPTION_COLUMNS, height / 8) * 1.04)
    pad = made.getSize() * 0.35
    taken = made.measureText(text)
    if taken > room - 2 * pad:
        made.setSize(made.getSize() * (room - 2 * pad) / taken)
        taken = room - 2 * pad
    tall = made.getSize() * 1.5
    left = (width - taken) / 2 - pad
    return _draw(
        text, made, size, (left, height * 0.965 - tall, taken + 2 * pad, tall), outline=0.09
    )


@lru_cache(maxsize=8)
def mark(text: str, size: tuple[int, int]) -> Overlay:
    """Return the small label that says how the picture was made, for its upper left corner."""
    width, height = size
    made = font(min(width, height) / 25)
    pad = made.getSize() * 0.5
    box = (width * _MARGIN, height * _MARGIN, made.measureText(text) + 2 * pad, 1.55 * pad * 2)
    return _draw(text, made, size, box, outline=0.0)


def _draw(
    text: str,
    made: skia.Font,
    size: tuple[int, int],
    box: tuple[float, float, float, float],
    outline: float,
) -> Overlay:
    """Draw `text` centred on a dark rounded box (left, top, width, height in pixels)."""
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right = min(size[0], int(np.ceil(box[0] + box[2])))
    bottom = min(size[1], int(np.ceil(box[1] + box[3])))
    surface = skia.Surface(right - left, bottom - top)
    canvas = surface.getCanvas()
    canvas.clear(skia.ColorTRANSPARENT)
    canvas.translate(-left, -top)
    area = skia.Rect.MakeXYWH(*box)
    radius = box[3] * 0.22
    ground = skia.Paint(AntiAlias=True, Color=skia.ColorSetA(_DARK, 165))
    canvas.drawRoundRect(area, radius, radius, ground)
    metrics = made.getMetrics()
    base = area.centerY() - (metrics.fAscent + metrics.fDescent) / 2
    start = area.centerX() - made.measureText(text) / 2
    if outline:
        edge = skia.Paint(
            AntiAlias=True,
            Color=_DARK,
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=made.getSize() * outline * 2,
            StrokeJoin=skia.Paint.kRound_Join,
        )
        canvas.drawString(text, start, base, made, edge)
    canvas.drawString(text, start, base, made, skia.Paint(AntiAlias=True, Color=_WHITE))
    pixels = surface.makeImageSnapshot().toarray(
        colorType=skia.kRGBA_8888_ColorType, alphaType=skia.kPremul_AlphaType
    )
    through = np.repeat(255 - pixels[:, :, 3:], 3, axis=2)
    return Overlay(left, top, np.ascontiguousarray(pixels[:, :, :3]), through)
