"""The mouth: lips, teeth, tongue, shaped anew on every frame."""

from __future__ import annotations

from dataclasses import dataclass

import skia

from media.face.drawing.look import Look
from media.face.drawing.paint import MIDDLE, Point, brush, clipped, linear, oval, pen, tint
from media.face.viseme import Mouth

LINE = 291.0
"""Height of the line between the closed lips."""
_HALF = 29.5
_GAP = 22.0
_JAW = 13.0
_DARK = "#3a1212"


@dataclass(frozen=True, slots=True)
class Shape:
    """Measures of one mouth in design units: what is drawn, and what tests can measure."""

    half: float
    """Half the distance between the corners."""
    inner: float
    """Half the width of the opening."""
    gap: float
    """Height of the opening between the lips in the middle; 0 is shut."""
    corner: float
    """Height of the corners (y)."""
    upper: float
    lower: float
    """Thickness of the lips."""
    drop: float
    """How far the chin has come down."""
    rounding: float

    @property
    def top(self) -> float:
        """Height (y) of the upper lip's lower edge in the middle."""
        return LINE + 0.6 - (0.22 + 0.18 * self.rounding) * self.gap

    @property
    def bottom(self) -> float:
        """Height (y) of the lower lip's upper edge in the middle."""
        return self.top + self.gap

    @property
    def area(self) -> float:
        """Area of the opening in square design units, near enough to compare mouths."""
        return 1.5 * self.inner * self.gap


def shape(mouth: Mouth, smile: float, lips: float = 1.0) -> Shape:
    """Return the measures of `mouth` with a smile of 0 … 1 and `lips` so full."""
    apart = 1.0 - mouth.closure
    round_ = mouth.rounding
    spread = mouth.spread * (1 - round_)
    opening = (_GAP - 4 * round_) * mouth.jaw + 3.6 * round_
    opening = max(opening, 5.0 * spread, 6.6 * mouth.teeth, 6.5 * mouth.tongue)
    press = mouth.closure * min(1.0, 3 * mouth.jaw)
    gap = apart * opening
    flat = LINE - 9.0 * smile * (1 - 0.5 * mouth.jaw) + 0.2 * gap
    middle = LINE + 0.6 + 0.1 * gap
    half = _HALF + 4.2 * spread + 2.6 * smile - 13.5 * round_ - 2.2 * mouth.jaw
    return Shape(
        half=half,
        inner=half - 1.6 - 5.2 * round_,
        gap=gap,
        corner=flat + (middle - flat) * round_ * apart,
        upper=7.4 * lips + 2.0 * round_ - 1.4 * spread - 2.4 * press,
        lower=10.4 * lips + 1.8 * round_ - 1.4 * spread - 2.8 * press,
        drop=_JAW * mouth.jaw * (1 - 0.3 * mouth.closure),
        rounding=round_,
    )


def draw_mouth(canvas: skia.Canvas, look: Look, mouth: Mouth, form: Shape) -> None:
    """Draw the mouth `form` of `mouth` over the face."""
    opening = skia.Path()
    opening.moveTo(MIDDLE - form.inner, form.corner)
    _follow(opening, _upper_edge(form))
    _follow(opening, _turned(_lower_edge(form), MIDDLE - form.inner, form.corner))
    # Under the soft edges of the lips lies lip, not skin.
    canvas.drawPath(opening, pen(tint(look.lip_deep), 1.4, 0.3))
    if form.gap > 0.5:
        with clipped(canvas, opening):
            _inside(canvas, look, mouth, form)
    _lower_lip(canvas, look, form)
    _upper_lip(canvas, look, form)
    _line(canvas, form)


Cubic = tuple[Point, Point, Point]


def _follow(path: skia.Path, cubics: list[Cubic]) -> None:
    for first, second, end in cubics:
        path.cubicTo(*first, *second, *end)


def _turned(cubics: list[Cubic], x: float, y: float) -> list[Cubic]:
    """Return the curve that starts at (x, y) and follows `cubics`, run backwards."""
    starts = [(x, y), *(end for _, _, end in cubics[:-1])]
    pairs = list(zip(starts, cubics, strict=True))
    return [(second, first, start) for start, (first, second, _) in reversed(pairs)]


def _both(left: list[Cubic], x: float, y: float) -> list[Cubic]:
    """Complete the left half of a symmetric edge, which starts at (x, y), with its right half."""

    def flip(point: Point) -> Point:
        return (2 * MIDDLE - point[0], point[1])

    right = [(flip(a), flip(b), flip(c)) for a, b, c in _turned(left, x, y)]
    return [*left, *right]


def _upper_edge(form: Shape) -> list[Cubic]:
    """The lower edge of the upper lip from the left inner corner to the right one."""
    half, top, corner = form.inner, form.top, form.corner
    dip = 1.0 * (1 - form.rounding)
    wide = 0.62 + 0.16 * form.rounding
    open_ = min(1.0, form.gap / 8)
    left: list[Cubic] = [
        (
            (MIDDLE - half * (0.82 + 0.14 * open_), corner + (top - corner) * (0.4 + 0.15 * open_)),
            (MIDDLE - half * wide, top - dip),
            (MIDDLE - half * 0.26, top - dip * 0.5),
        ),
        (
            (MIDDLE - half * 0.16, top + dip * 0.2),
            (MIDDLE - half * 0.1, top + dip),
            (MIDDLE, top + dip),
        ),
    ]
    return _both(left, MIDDLE - half, corner)


def _lower_edge(form: Shape) -> list[Cubic]:
    """The upper edge of the lower lip from the left inner corner to the right one."""
    half, bottom, corner = form.inner, form.bottom, form.corner
    sag = 1.0 * (1 - form.rounding) * max(0.0, 1 - form.gap / 4)
    left: list[Cubic] = [
        (
            (MIDDLE - half * 0.95, corner + (bottom - corner) * 0.72),
            (MIDDLE - half * (0.56 + 0.12 * form.rounding), bottom),
            (MIDDLE, bottom + sag),
        )
    ]
    return _both(left, MIDDLE - half, corner)


def _inside(canvas: skia.Canvas, look: Look, mouth: Mouth, form: Shape) -> None:
    top, bottom = form.top, form.bottom
    rect = skia.Rect.MakeLTRB(MIDDLE - 40, top - 12, MIDDLE + 40, bottom + 8)
    dark = linear((256, top), (256, bottom + 2), [tint(_DARK), tint("#6b2726")], [0, 1])
    canvas.drawRect(rect, brush(shader=dark))
    _tongue(canvas, mouth, form)
    seen = 1 - 0.9 * form.rounding * (1 - 0.8 * mouth.teeth)
    _lower_teeth(canvas, mouth, form, seen)
    _upper_teeth(canvas, mouth, form, seen)
    reach = top + min(4.5, 0.5 * form.gap)
    shade = linear((256, top - 1), (256, reach), [tint(_DARK, 0.5), tint(_DARK, 0)], [0, 1])
    canvas.drawRect(rect, brush(shader=shade))
    for side in (-1, 1):
        edge = MIDDLE + side * form.inner
        deep = linear((edge, 0), (edge - side * 9, 0), [tint(_DARK, 0.9), tint(_DARK, 0)], [0, 1])
        canvas.drawRect(rect, brush(shader=deep))


def _tongue(canvas: skia.Canvas, mouth: Mouth, form: Shape) -> None:
    height = form.bottom - 0.2 * form.gap - 0.45 * mouth.tongue * form.gap
    width = form.inner * (0.66 - 0.1 * form.rounding)
    flesh = linear((256, height - 2), (256, height + 9), [tint("#d97f7a"), tint("#a84b4b")], [0, 1])
    canvas.drawPath(oval(MIDDLE, height + 7, width, 8), brush(shader=flesh, blur=1.0))
    if form.gap > 8:
        groove = pen(tint("#8c3838", 0.35), 1.4, 1.0)
        canvas.drawLine(MIDDLE, height + 1, MIDDLE, height + 8, groove)


def _upper_teeth(canvas: skia.Canvas, mouth: Mouth, form: Shape, seen: float) -> None:
    height = min(form.gap * (0.36 + 0.2 * mouth.teeth), 6.2)
    width = form.inner * 0.74
    _row(canvas, form.top - 4, form.top + height, width, seen, up=True)


def _lower_teeth(canvas: skia.Canvas, mouth: Mouth, form: Shape, seen: float) -> None:
    height = form.gap * 0.58 * mouth.teeth + min(1.3, form.gap * 0.12) * (1 - mouth.teeth)
    width = form.inner * 0.64
    _row(canvas, form.bottom - height, form.bottom + 4, width, seen * 0.92, up=False)


def _row(
    canvas: skia.Canvas, top: float, bottom: float, width: float, seen: float, up: bool
) -> None:
    """Draw a row of teeth, nearly straight at the biting edge and darker towards the cheeks."""
    left, right = MIDDLE - width, MIDDLE + width
    bow = 0.3 * (bottom - top)
    path = skia.Path()
    if up:
        path.moveTo(left, top)
        path.lineTo(right, top)
        path.lineTo(right, bottom - bow)
        path.cubicTo(right - width * 0.4, bottom, left + width * 0.4, bottom, left, bottom - bow)
    else:
        path.moveTo(left, bottom)
        path.lineTo(right, bottom)
        path.lineTo(right, top + bow)
        path.cubicTo(right - width * 0.4, top, left + width * 0.4, top, left, top + bow)
    path.close()
    white = linear(
        (left, 0),
        (right, 0),
        [tint(c, seen) for c in ("#7d6258", "#e6dbce", "#f7f1e8", "#e6dbce", "#7d6258")],
        [0, 0.24, 0.5, 0.76, 1],
    )
    canvas.drawPath(path, brush(shader=white, blur=0.45))
    if bottom - top > 3.5 and seen > 0.5:
        gap = pen(tint("#a89284", 0.3), 0.5, 0.3)
        for step in (-0.66, -0.36, 0.0, 0.36, 0.66):
            canvas.drawLine(MIDDLE + step * width, top, MIDDLE + step * width, bottom, gap)


def _upper_lip(canvas: skia.Canvas, look: Look, form: Shape) -> None:
    half, top, corner = form.half, form.top, form.corner
    peak = top - form.upper
    rise = corner - peak
    bow = 2.0 * (1 - 0.6 * form.rounding)
    at = 0.2 + 0.08 * form.rounding
    left: list[Cubic] = [
        (
            (MIDDLE - half * 0.78, corner - rise * (0.34 + 0.2 * form.rounding)),
            (MIDDLE - half * (at + 0.26), peak + 0.4),
            (MIDDLE - half * at, peak),
        ),
        (
            (MIDDLE - half * at * 0.55, peak - 0.2),
            (MIDDLE - half * at * 0.4, peak + bow),
            (MIDDLE, peak + bow),
        ),
    ]
    path = skia.Path()
    path.moveTo(MIDDLE - half, corner)
    _follow(path, _both(left, MIDDLE - half, corner))
    path.lineTo(MIDDLE + form.inner, corner)
    _follow(path, _turned(_upper_edge(form), MIDDLE - form.inner, corner))
    path.close()
    tone = linear(
        (256, peak),
        (256, top + 1.5),
        [tint(look.lip, 0.82), tint(look.lip), tint(look.lip_deep)],
        [0, 0.35, 1],
    )
    canvas.drawPath(path, brush(shader=tone, blur=0.55))


def _lower_lip(canvas: skia.Canvas, look: Look, form: Shape) -> None:
    half, bottom, corner = form.half, form.bottom, form.corner
    base = bottom + form.lower
    depth = base - corner
    outer: list[Cubic] = [
        (
            (MIDDLE - half * 0.80, corner + depth * (0.52 + 0.2 * form.rounding)),
            (MIDDLE - half * 0.44, base),
            (MIDDLE, base),
        )
    ]
    path = skia.Path()
    path.moveTo(MIDDLE - half, corner)
    path.lineTo(MIDDLE - form.inner, corner)
    _follow(path, _lower_edge(form))
    path.lineTo(MIDDLE + half, corner)
    _follow(path, _turned(_both(outer, MIDDLE - half, corner), MIDDLE - half, corner))
    path.close()
    tone = linear(
        (256, bottom - 1),
        (256, base),
        [tint(look.lip_deep), tint(look.lip), tint(look.lip_light, 0.9), tint(look.lip, 0.85)],
        [0, 0.25, 0.55, 1],
    )
    canvas.drawPath(path, brush(shader=tone, blur=0.55))
    for dx, width, alpha in ((-4.0, 0.26, 0.55), (6.0, 0.12, 0.35)):
        shine = oval(MIDDLE + dx, bottom + form.lower * 0.42, half * width, form.lower * 0.13)
        canvas.drawPath(shine, brush(tint("#ffe3dc", alpha), 1.3))


def _line(canvas: skia.Canvas, form: Shape) -> None:
    """The dark line between lips that touch, and the corners."""
    alpha = max(0.0, 1.0 - form.gap / 3.0)
    if alpha > 0:
        path = skia.Path()
        path.moveTo(MIDDLE - form.inner, form.corner)
        _follow(path, _upper_edge(form))
        canvas.drawPath(path, pen(tint("#7c3434", 0.85 * alpha), 1.2, 0.4))
    for side in (-1, 1):
        spot = oval(MIDDLE + side * (form.half - 0.8), form.corner, 2.2, 1.3)
        canvas.drawPath(spot, brush(tint("#7c3a34", 0.32), 1.2))
