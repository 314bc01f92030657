"""Thin glasses, laid over the eyes."""

from __future__ import annotations

import skia

from media.face.drawing.eyes import CENTRE
from media.face.drawing.paint import MIDDLE, Box, brush, linear, mirror, pen, smooth, tint

BOX: Box = (164, 186, 348, 250)
"""Where the glasses are drawn, in design units."""
_RIM = (
    (-27.0, -11.0),
    (-8.0, -15.5),
    (14.0, -15.0),
    (27.0, -10.0),
    (28.0, 4.0),
    (20.0, 17.0),
    (0.0, 20.5),
    (-19.0, 17.0),
    (-27.5, 5.0),
)


def draw_glasses(canvas: skia.Canvas) -> None:
    """Draw rims, bridge and temples, their shadow on the skin and a faint gleam."""
    right = [(MIDDLE + CENTRE[0] + x, CENTRE[1] + 0.5 + y) for x, y in _RIM]
    rims = [smooth(right, closed=True), smooth(mirror(right), closed=True)]
    x0, x1 = MIDDLE + CENTRE[0] - 27.5, MIDDLE + CENTRE[0] + 27.5
    y = CENTRE[1] - 4.0
    bridge = smooth([(2 * MIDDLE - x0, y), (MIDDLE, y - 4.0), (x0, y)])
    arms = [
        smooth([(x1, y - 4), (x1 + 10, y - 5), (x1 + 18, y - 3)]),
        smooth(
            [(2 * MIDDLE - x1, y - 4), (2 * MIDDLE - x1 - 10, y - 5), (2 * MIDDLE - x1 - 18, y - 3)]
        ),
    ]
    frame = [*rims, bridge, *arms]
    canvas.save()
    canvas.translate(1.5, 3.0)
    for path in frame:
        canvas.drawPath(path, pen(tint("#7a4a38", 0.28), 2.4, 1.6))
    canvas.restore()
    for path in rims:
        bounds = path.getBounds()
        gleam = linear(
            (bounds.left(), bounds.top()),
            (bounds.right(), bounds.bottom()),
            [tint("#ffffff", 0.16), tint("#ffffff", 0.0), tint("#ffffff", 0.05)],
            [0.1, 0.45, 1],
        )
        canvas.drawPath(path, brush(shader=gleam))
    for path in frame:
        canvas.drawPath(path, pen(tint("#3a3431", 0.95), 1.9))
        canvas.drawPath(path, pen(tint("#8d8580", 0.5), 0.6))
