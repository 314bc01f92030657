"""The eyes: lids, lashes, iris and light.

The lids are cut out of the face's own skin, once for each of a few steps between open and shut;
on a frame the eyeball is laid down, the iris where it looks, and the lids over both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skia
from numpy.typing import NDArray

from media.face.drawing.look import Look
from media.face.drawing.paint import (
    MIDDLE,
    Point,
    along,
    brush,
    image_of,
    oval,
    polygon,
    radial,
    raster,
    taper,
    tint,
)
from media.face.motion import Pose

Box = tuple[int, int, int, int]
Pixels = NDArray[np.uint8]

BOX: Box = (180, 192, 332, 232)
"""Where the eyes are drawn, in design units."""
CENTRE = (40.0, 213.0)
"""Distance from the face's middle, and height, of an eye's centre."""
STEPS = 12
"""Lid positions between open and shut."""
_IRIS = 10.4
_REACH = (5.0, 2.6)
"""How far the iris travels for a gaze of 1."""
# The lids from the inner to the outer corner, from the centre of the eye.
_INNER: Point = (-21.0, 4.4)
_OUTER: Point = (22.0, -1.0)
_OPEN: tuple[Point, ...] = (_INNER, (-14.5, -4.0), (-3.0, -9.4), (10.0, -8.2), _OUTER)
_LOW: tuple[Point, ...] = (_INNER, (-11.5, 6.6), (1.5, 8.4), (14.0, 5.6), _OUTER)
_SHUT: tuple[Point, ...] = (_INNER, (-12.0, 6.6), (0.5, 7.8), (13.0, 5.8), (22.0, 1.8))


class Eyes:
    """Both eyes of one face. `skin` is the face's texture in `BOX`, `fine` its pixels a unit."""

    def __init__(self, look: Look, skin: Pixels, fine: float) -> None:
        self._look = look
        self._skin = skin
        self._fine = fine
        self._white = raster(BOX, fine, lambda canvas: _whites(canvas))
        margin = round(_IRIS) + 2
        self._iris_box = (-margin, -margin, margin, margin)
        self._iris = raster(self._iris_box, fine, lambda canvas: _iris(canvas, look))
        self._lids = [self._cut(step / STEPS) for step in range(STEPS + 1)]

    def draw(self, canvas: skia.Canvas, pose: Pose, origin: tuple[int, int]) -> None:
        """Draw the eyes of `pose` on a canvas whose design coordinates begin at `origin`."""
        canvas.save()
        canvas.resetMatrix()
        left, top = ((BOX[i] - origin[i]) * self._fine for i in (0, 1))
        shut = round(float(np.clip(pose.blink, 0, 1)) * STEPS)
        if shut < STEPS:
            canvas.drawImage(self._white, left, top)
            for side in (-1, 1):
                x = MIDDLE + side * (CENTRE[0] - 0.6) + _REACH[0] * pose.gaze_x
                y = CENTRE[1] - 0.7 + _REACH[1] * pose.gaze_y
                canvas.drawImage(
                    self._iris,
                    (x + self._iris_box[0] - origin[0]) * self._fine,
                    (y + self._iris_box[1] - origin[1]) * self._fine,
                    skia.SamplingOptions(skia.FilterMode.kLinear),
                )
        canvas.drawImage(self._lids[shut], left, top)
        canvas.restore()

    def _cut(self, shut: float) -> skia.Image:
        """Return the skin around the eyes with the opening cut out and the lids drawn."""

        def draw(canvas: skia.Canvas) -> None:
            image = image_of(self._skin)
            canvas.save()
            canvas.resetMatrix()
            canvas.drawImage(image, 0, 0)
            canvas.restore()
            for side in (-1, 1):
                _lids(canvas, self._look, side, shut)

        return raster(BOX, self._fine, draw)


def _place(points: Sequence[Point], side: int) -> list[Point]:
    return [(MIDDLE + side * (CENTRE[0] + x), CENTRE[1] + y) for x, y in points]


def _whites(canvas: skia.Canvas) -> None:
    for side in (-1, 1):
        x, y = MIDDLE + side * CENTRE[0], CENTRE[1]
        shade = radial((x, y), 25, [tint("#fffdfb"), tint("#f8f0eb"), tint("#d8bfb4")], [0, 0.5, 1])
        canvas.drawPath(oval(x, y, 30, 16), brush(shader=shade))
        canvas.drawPath(oval(x - side * 20, y + 3.6, 3.6, 2.6), brush(tint("#dc9184", 0.85), 0.9))


def _iris(canvas: skia.Canvas, look: Look) -> None:
    """The iris around (0, 0), its light from the upper left as everywhere."""
    canvas.drawPath(oval(0, 0, _IRIS, _IRIS), brush(tint(look.iris_dark, 0.9), 0.7))
    tone = radial(
        (0, 1), _IRIS, [tint(look.iris), tint(look.iris), tint(look.iris_dark)], [0, 0.5, 0.98]
    )
    canvas.drawPath(oval(0, 0, _IRIS - 0.4, _IRIS - 0.4), brush(shader=tone, blur=0.3))
    rng = np.random.default_rng(3)
    for angle in rng.uniform(0, 2 * np.pi, 60):
        far = float(rng.uniform(6.5, 9))
        ray = [(4 * float(np.cos(angle)), 4 * float(np.sin(angle)))]
        ray.append((far * float(np.cos(angle)), far * float(np.sin(angle))))
        paint = brush(tint(look.iris_light if rng.random() < 0.6 else look.iris_dark, 0.28))
        canvas.drawPath(taper(ray, [0.7, 0.3], 3), paint)
    canvas.drawPath(oval(0.8, 5.0, 6.4, 3.4), brush(tint(look.iris_light, 0.5), 1.7))
    canvas.drawPath(oval(0, 0, 4.6, 4.6), brush(tint("#0e0705"), 0.4))
    canvas.drawPath(oval(-3.4, -3.6, 3.0, 2.7), brush(tint("#ffffff", 0.97), 0.3))
    canvas.drawPath(oval(3.9, 3.8, 1.4, 1.2), brush(tint("#ffffff", 0.6), 0.4))


def _lids(canvas: skia.Canvas, look: Look, side: int, shut: float) -> None:
    open_, shut_, narrow = np.asarray(_OPEN), np.asarray(_SHUT), 1.0 - look.eye_open
    height = (1 - shut) * (1 - narrow) + 0.0
    upper = _place([(float(x), float(y)) for x, y in shut_ + (open_ - shut_) * height], side)
    lower = _place(_LOW, side)
    if shut < 0.97:
        opening = np.concatenate([along(upper, 24), along(lower, 24)[::-1]])
        hole = brush(0xFF000000)
        hole.setBlendMode(skia.BlendMode.kDstOut)
        canvas.drawPath(polygon(opening), hole)
        shadow = [(x, y + 1.4) for x, y in upper]
        canvas.drawPath(taper(shadow, [0.6, 4.5, 5.5, 4.5, 0.6]), brush(tint("#3a2018", 0.4), 1.6))
    _lower_lid(canvas, look, lower, side)
    _upper_lid(canvas, look, upper, side, shut)


def _lower_lid(canvas: skia.Canvas, look: Look, lower: list[Point], side: int) -> None:
    rim = brush(tint(look.blush, 0.6), 0.5)
    canvas.drawPath(taper([(x, y + 0.5) for x, y in lower], [0.3, 1.4, 1.5, 1.5, 0.4]), rim)
    line = brush(tint(look.lash, 0.5 if look.male else 0.6), 0.35)
    canvas.drawPath(taper(lower[1:], [0.1, 0.5, 0.9, 1.0]), line)


def _upper_lid(canvas: skia.Canvas, look: Look, upper: list[Point], side: int, shut: float) -> None:
    heavy = 0.72 if look.male else 1.0
    drop = 0.2 if look.male else 1.8
    tail = (upper[-1][0] + side * 3.4, upper[-1][1] - drop * (1 - 1.6 * shut))
    widths = [0.7 * heavy, 2.0 * heavy, 2.7 * heavy, 3.1 * heavy, 2.5 * heavy, 0.2]
    lash_line = taper([*upper, tail], widths, 28)
    canvas.drawPath(lash_line, brush(tint(look.lash, 0.5), 1.0))
    canvas.drawPath(lash_line, brush(tint(look.lash, 0.95), 0.2))
    rise = (5.4 - 1.6 * shut) * look.crease
    weights = (0.35, 0.85, 1.0, 0.98, 0.9)
    crease = [(x, y - rise * w) for (x, y), w in zip(upper, weights, strict=True)]
    soft = brush(tint(look.skin_deep, 0.62 * (1 - 0.55 * shut)), 0.6)
    canvas.drawPath(taper(crease, [0.2, 1.1, 1.3, 1.3, 0.3]), soft)
    if not look.male:
        _lashes(canvas, look, upper, side, shut)


def _lashes(canvas: skia.Canvas, look: Look, upper: list[Point], side: int, shut: float) -> None:
    paint = brush(tint(look.lash, 0.85))
    line = along(upper, 41)
    for i, length in ((30, 1.9), (34, 2.8), (38, 3.4)):
        x, y = float(line[i][0]), float(line[i][1]) - 0.8
        out = 0.35 + 0.016 * (i - 20)
        up = length * (0.9 - 1.5 * shut)
        bend = (x + side * length * out * 0.6, y - up * 0.35)
        tip = (x + side * length * out, y - up)
        canvas.drawPath(taper([(x, y), bend, tip], [1.1, 0.7, 0.1], 6), paint)
