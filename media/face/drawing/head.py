"""The head without its moving parts: ears, skin, shading, nose, lids, brows."""

from __future__ import annotations

import numpy as np
import skia

from media.face.drawing.look import Look
from media.face.drawing.paint import (
    MIDDLE,
    Point,
    brush,
    clipped,
    linear,
    masked,
    mirror,
    oval,
    pen,
    radial,
    smooth,
    symmetric,
    taper,
    tint,
)

_FACE: tuple[Point, ...] = (
    (256, 92),
    (306, 102),
    (334, 138),
    (341, 184),
    (340, 222),
    (335, 258),
    (324, 292),
    (305, 320),
    (281, 338),
    (256, 343),
)
_FACE_MALE: tuple[Point, ...] = (
    (256, 92),
    (308, 100),
    (336, 136),
    (343, 184),
    (343, 224),
    (339, 262),
    (327, 296),
    (306, 325),
    (281, 342),
    (256, 346),
)


def face_outline(look: Look) -> skia.Path:
    """Return the outline of the face, forehead under the hair to chin."""
    return symmetric(_FACE_MALE if look.male else _FACE)


def draw_head(canvas: skia.Canvas, look: Look) -> None:
    """Draw ears, face, nose, lids and brows; mouth, eyes and hair are drawn elsewhere."""
    if look.male:
        for flip in (False, True):
            _ear(canvas, look, flip)
    outline = face_outline(look)
    tone = radial(
        (238, 196),
        178,
        [tint(look.skin_light), tint(look.skin), tint(look.skin), tint(look.skin_shade)],
        [0.0, 0.45, 0.68, 1.0],
    )
    with masked(canvas, outline):
        canvas.drawPaint(brush(shader=tone))
        _model(canvas, look, outline)
        _sockets(canvas, look)
        _nose(canvas, look)
        _lower_face(canvas, look)
    _brows(canvas, look)


def _ear(canvas: skia.Canvas, look: Look, flip: bool) -> None:
    def place(points: list[Point]) -> list[Point]:
        return mirror(points) if flip else points

    shell = smooth(
        place([(336, 196), (347, 191), (355, 202), (354, 226), (347, 248), (339, 256), (334, 240)]),
        closed=True,
    )
    x0, x1 = (334, 358) if not flip else (178, 154)
    tone = linear((x0, 220), (x1, 226), [tint(look.skin_shade), tint(look.skin)], [0, 1])
    canvas.drawPath(shell, brush(shader=tone))
    with clipped(canvas, shell):
        fold = place([(340, 210), (350, 206), (351, 222), (345, 238)])
        canvas.drawPath(smooth(fold), pen(tint(look.skin_deep, 0.55), 2.2, 1.2))
        canvas.drawPath(smooth(fold[1:3]), pen(tint(look.blush, 0.5), 4, 2.5))


def _model(canvas: skia.Canvas, look: Look, outline: skia.Path) -> None:
    """Turn the flat shape into a round head: edge shade, light side, cheeks."""
    shade, deep = look.skin_shade, look.skin_deep
    canvas.drawPath(outline, pen(tint(shade, 0.55), 26, 13))
    canvas.drawPath(
        smooth([(336, 130), (346, 200), (338, 262), (316, 314), (276, 344)]),
        pen(tint(deep, 0.30), 30, 15),
    )
    canvas.drawPath(
        smooth([(200, 306), (228, 336), (256, 346), (290, 338), (320, 306)]),
        pen(tint(deep, 0.30), 12, 7),
    )
    for x, strength in ((203, 0.36), (309, 0.40)):
        canvas.drawPath(oval(x, 252, 27, 19), brush(tint(look.blush, strength), 15))
    for x, alpha in ((207, 0.55), (300, 0.28)):
        canvas.drawPath(oval(x, 234, 17, 7), brush(tint(look.skin_light, alpha), 8))
    canvas.drawPath(oval(248, 140, 40, 20), brush(tint(look.skin_light, 0.5), 16))
    canvas.drawPath(oval(254, 326, 13, 7), brush(tint(look.skin_light, 0.45), 6))


def _sockets(canvas: skia.Canvas, look: Look) -> None:
    """The soft hollows around the eyes, the upper lids and the fullness under the eyes."""
    for side in (-1, 1):
        x = MIDDLE + side * 39
        canvas.drawPath(oval(x, 204, 27, 13), brush(tint(look.skin_shade, 0.42), 8))
        inner = MIDDLE + side * 18
        canvas.drawPath(oval(inner, 202, 7, 13), brush(tint(look.skin_deep, 0.20), 6))
        canvas.drawPath(oval(x, 199, 20, 5), brush(tint(look.skin_light, 0.35), 4))
        bag = [
            (x - side * 17, 224.0),
            (x, 230.5),
            (x + side * 18, 225.0),
        ]
        canvas.drawPath(taper(bag, [0.4, 2.4, 0.6]), brush(tint(look.skin_deep, 0.16), 1.6))
        canvas.drawPath(oval(x, 225.5, 14, 2.6), brush(tint(look.skin_light, 0.5), 2))


def _nose(canvas: skia.Canvas, look: Look) -> None:
    deep, shade = look.skin_deep, look.skin_shade
    wide = 1.12 if look.male else 1.0

    def at(dx: float, y: float) -> Point:
        return (MIDDLE + dx * wide, y)

    canvas.drawPath(
        smooth([at(7, 196), at(9, 220), at(11, 240), at(17, 256)]), pen(tint(deep, 0.26), 9, 5)
    )
    canvas.drawPath(
        smooth([at(-10, 196), at(-10, 222), at(-13, 244)]), pen(tint(shade, 0.35), 6, 4)
    )
    canvas.drawPath(
        smooth([at(-2, 192), at(-2, 220), at(-1, 246)]), pen(tint(look.skin_light, 0.75), 6.5, 3.6)
    )
    canvas.drawPath(oval(254, 254, 11, 9), brush(tint(look.blush, 0.22), 5))
    canvas.drawPath(oval(252, 251, 4.6, 4), brush(tint("#ffffff", 0.5), 2.6))
    for side in (-1, 1):
        wing = [at(side * 13, 250), at(side * 18.5, 256), at(side * 17, 263.5), at(side * 11, 265)]
        alpha = 0.62 if side > 0 else 0.45
        canvas.drawPath(taper(wing, [0.5, 2.0, 2.2, 0.4]), brush(tint(deep, alpha), 1.0))
        nostril = [at(side * 3.5, 265.5), at(side * 8, 263.4), at(side * 12.5, 265)]
        canvas.drawPath(taper(nostril, [0.8, 3.6, 0.8]), brush(tint("#6b3a2c", 0.75), 0.7))
    base = [at(-12, 268), at(0, 271), at(14, 268)]
    canvas.drawPath(smooth(base), pen(tint(deep, 0.36), 4.5, 2.8))


def _lower_face(canvas: skia.Canvas, look: Look) -> None:
    """Philtrum, smile folds, the shade under the lower lip, the chin."""
    deep = look.skin_deep
    for dx, alpha in ((-3.4, 0.14), (3.6, 0.2)):
        canvas.drawPath(
            smooth([(256 + dx * 0.7, 270), (256 + dx, 280)]), pen(tint(deep, alpha), 2, 1.2)
        )
    for side in (-1, 1):
        fold = [
            (MIDDLE + side * 21, 262.0),
            (MIDDLE + side * 31, 272.0),
            (MIDDLE + side * 37, 284.0),
            (MIDDLE + side * 37.5, 293.0),
        ]
        canvas.drawPath(taper(fold, [0.6, 3.0, 2.4, 0.4]), brush(tint(deep, 0.17), 2.2))
        corner = (MIDDLE + side * 31, 291.0)
        canvas.drawPath(oval(*corner, 3.4, 4.5), brush(tint(deep, 0.30), 2.6))
    canvas.drawPath(oval(256, 311, 17, 4), brush(tint(deep, 0.36), 3.6))


def _brows(canvas: skia.Canvas, look: Look) -> None:
    """Brows of single hairs over a soft ground, thinning out towards the nose."""
    rng = np.random.default_rng(5)
    thick = 1.45 if look.male else 1.0
    across = np.array([0.0, 0.3, 0.66, 1.0])
    height = np.array([187.5, 183.5, 181.8, 187.0])
    for side in (-1, 1):
        line = [(MIDDLE + side * (20 + 46 * u), y) for u, y in zip(across, height, strict=True)]
        ground = taper(line, [2.6 * thick, 6.0 * thick, 4.4 * thick, 0.6])
        canvas.drawPath(ground, brush(tint(look.brow, 0.5), 1.4))
        canvas.drawPath(
            taper(line[1:], [3.6 * thick, 3.4 * thick, 0.5]), brush(tint(look.brow, 0.42), 1.1)
        )
        for _ in range(70):
            u = float(rng.beta(1.3, 1.1))
            spread = 1.25 * thick * (1 - 0.72 * u) * min(1.0, 0.5 + 2 * u)
            x = MIDDLE + side * (20 + 46 * u)
            y = float(np.interp(u, across, height)) + float(rng.normal(0, spread))
            tip = (x + side * (3.0 + 3.0 * u), y - 2.2 + 3.8 * u)
            alpha = 0.10 + 0.18 * min(1.0, 2.0 * u)
            hair = brush(tint(look.brow, alpha), 0.35)
            canvas.drawPath(taper([(x, y + 0.6), tip], [1.1, 0.2], 4), hair)
