"""The office behind the counsellor, out of focus."""

from __future__ import annotations

import numpy as np
import skia

from media.face.drawing.look import Look
from media.face.drawing.paint import Point, blend, brush, linear, oval, radial, smooth, taper, tint


def draw_backdrop(canvas: skia.Canvas, look: Look) -> None:
    """Draw a sunlit office: window, shelf with binders, a plant; fills 512 × 512."""
    wall = linear((0, 0), (512, 512), [tint(look.wall_light), tint(look.wall)], [0, 1])
    canvas.drawRect(skia.Rect.MakeWH(512, 512), brush(shader=wall))
    _window(canvas)
    _shelf(canvas)
    _plant(canvas)
    glow = radial((110, 90), 380, [tint("#fff6dd", 0.55), tint("#fff6dd", 0.0)], [0, 1])
    canvas.drawRect(skia.Rect.MakeWH(512, 512), brush(shader=glow))
    edge = radial(
        (256, 230),
        400,
        [tint("#5a4632", 0.0), tint("#5a4632", 0.0), tint("#5a4632", 0.22)],
        [0, 0.55, 1],
    )
    canvas.drawRect(skia.Rect.MakeWH(512, 512), brush(shader=edge))


def _box(
    canvas: skia.Canvas, left: float, top: float, right: float, bottom: float, paint: skia.Paint
) -> None:
    canvas.drawRect(skia.Rect.MakeLTRB(left, top, right, bottom), paint)


def _window(canvas: skia.Canvas) -> None:
    _box(canvas, -20, 20, 138, 330, brush(tint("#ffffff", 0.9), 6))
    sky = linear(
        (0, 30), (0, 330), [tint("#dcecf3"), tint("#f3f4e4"), tint("#d3dfc2")], [0, 0.6, 1]
    )
    paint = brush(shader=sky, blur=5)
    _box(canvas, -20, 32, 126, 318, paint)
    for x, y, r in ((20, 290, 44), (74, 300, 36), (112, 286, 30)):
        canvas.drawPath(oval(x, y, r, r * 0.8), brush(tint("#a9c093", 0.6), 14))
    _box(canvas, 52, 30, 58, 320, brush(tint("#ffffff", 0.9), 3))
    _box(canvas, -20, 176, 126, 181, brush(tint("#ffffff", 0.9), 3))


def _shelf(canvas: skia.Canvas) -> None:
    _box(canvas, 376, 30, 540, 420, brush(tint("#cdb595", 0.75), 6))
    colours = ("#8fa9a4", "#d8b98a", "#c58f77", "#e9e0d0", "#8c9bb0", "#b9c0a0")
    for row, base in enumerate((128.0, 226.0, 324.0)):
        _box(canvas, 384, base - 86, 540, base, brush(tint("#a98d6c", 0.45), 5))
        for i in range(8):
            left = 390 + i * 18
            height = 52 + (i * 7 + row * 11) % 22
            paint = brush(tint(colours[(i * 5 + row * 2) % len(colours)], 0.85), 3.2)
            _box(canvas, left, base - height, left + 14, base - 2, paint)
        _box(canvas, 378, base - 1, 540, base + 7, brush(tint("#e2cfb2", 0.9), 2.5))


def _plant(canvas: skia.Canvas) -> None:
    """A leafy plant in a pot: long bending leaves, the far ones first and softer."""
    rng = np.random.default_rng(8)
    greens = ("#6f8f66", "#86a678", "#9dba8a", "#b3c99b")
    for i in range(22):
        near = i / 21
        lean = float(rng.uniform(-1, 1))
        length = float(rng.uniform(80, 165)) * (1 - 0.25 * abs(lean))
        tip = (70 + lean * 86, 392 - length + 46 * lean * lean)
        bend = (70 + lean * 34, 392 - 0.72 * length)
        leaf: list[Point] = [(70 + lean * 8, 396.0), bend, tip]
        width = float(rng.uniform(13, 21))
        colour = blend(greens[i % 4], "#e3ead2", 0.3 * (1 - near))
        canvas.drawPath(
            taper(leaf, [3, width, width * 0.6, 1]), brush(tint(colour, 0.8), 5.0 - 2.0 * near)
        )
    pot = linear((36, 0), (106, 0), [tint("#e9dccb"), tint("#cdb698")], [0, 1])
    path = smooth([(38, 388), (104, 388), (98, 446), (70, 452), (44, 446)], closed=True)
    canvas.drawPath(path, brush(shader=pot, blur=4.0))
