"""Small brushes over skia: smooth curves, tapered strokes, soft fills, gradients.

Points are (x, y) in design units: the whole picture is 512 wide and high.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import skia
from numpy.typing import NDArray

Point = tuple[float, float]
Points = Sequence[Point]
Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in design units."""

MIDDLE = 256.0
"""The face's line of symmetry."""


def tint(hex_colour: str, alpha: float = 1.0) -> int:
    """Return `#rrggbb` as skia's ARGB number with `alpha` in [0, 1]."""
    rgb = int(hex_colour.lstrip("#"), 16)
    return (round(alpha * 255) << 24) | rgb


def blend(first: str, second: str, amount: float) -> str:
    """Return the colour `amount` of the way from `first` to `second`, as `#rrggbb`."""
    a, b = ([int(c.lstrip("#")[i : i + 2], 16) for i in (0, 2, 4)] for c in (first, second))
    return "#" + "".join(f"{round(x + (y - x) * amount):02x}" for x, y in zip(a, b, strict=True))


def mirror(points: Points) -> list[Point]:
    """Return the points reflected on the face's line of symmetry, in reverse order."""
    return [(2 * MIDDLE - x, y) for x, y in reversed(points)]


def smooth(points: Points, closed: bool = False) -> skia.Path:
    """Return a Catmull-Rom curve through `points` (at least two)."""
    path = skia.Path()
    n = len(points)

    def at(i: int) -> Point:
        return points[i % n] if closed else points[min(max(i, 0), n - 1)]

    path.moveTo(*points[0])
    for i in range(n if closed else n - 1):
        p0, p1, p2, p3 = at(i - 1), at(i), at(i + 1), at(i + 2)
        path.cubicTo(
            p1[0] + (p2[0] - p0[0]) / 6,
            p1[1] + (p2[1] - p0[1]) / 6,
            p2[0] - (p3[0] - p1[0]) / 6,
            p2[1] - (p3[1] - p1[1]) / 6,
            p2[0],
            p2[1],
        )
    if closed:
        path.close()
    return path


def symmetric(right: Points) -> skia.Path:
    """Return the closed curve whose right half is `right`, from the top middle to the bottom."""
    inner = [p for p in mirror(right) if abs(p[0] - MIDDLE) > 1e-6]
    return smooth([*right, *inner], closed=True)


def along(points: Points, count: int) -> Floats:
    """Return `count` points (count, 2) evenly spaced in parameter on the curve through `points`."""
    p = np.asarray(points, float)
    t = np.linspace(0, len(p) - 1, count)
    i = np.clip(t.astype(int), 0, len(p) - 2)
    u = (t - i)[:, None]
    p0, p1 = p[np.maximum(i - 1, 0)], p[i]
    p2, p3 = p[i + 1], p[np.minimum(i + 2, len(p) - 1)]
    return 0.5 * (  # type: ignore[no-any-return]
        2 * p1
        + (p2 - p0) * u
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * u**2
        + (3 * p1 - p0 - 3 * p2 + p3) * u**3
    )


def taper(points: Points, widths: Sequence[float], count: int = 16) -> skia.Path:
    """Return a stroke through `points` whose width runs through `widths`."""
    line = along(points, count)
    step = np.gradient(line, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], 1)
    normal /= np.maximum(np.hypot(*normal.T), 1e-6)[:, None]
    width = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(widths)), widths)
    side = normal * (width / 2)[:, None]
    return polygon(np.concatenate([line + side, (line - side)[::-1]]))


def polygon(points: Floats) -> skia.Path:
    """Return the closed polygon of `points` (n, 2)."""
    path = skia.Path()
    path.addPoly([skia.Point(float(x), float(y)) for x, y in points], True)
    return path


def linear(start: Point, end: Point, colours: Sequence[int], stops: Sequence[float]) -> skia.Shader:
    """Return a linear gradient from `start` to `end`."""
    return skia.GradientShader.MakeLinear(
        [skia.Point(*start), skia.Point(*end)], list(colours), list(stops)
    )


def radial(
    centre: Point, radius: float, colours: Sequence[int], stops: Sequence[float]
) -> skia.Shader:
    """Return a radial gradient around `centre`."""
    return skia.GradientShader.MakeRadial(skia.Point(*centre), radius, list(colours), list(stops))


def brush(
    colour: int = 0xFF000000, blur: float = 0.0, shader: skia.Shader | None = None
) -> skia.Paint:
    """Return a filling paint; `blur` softens its edge by so many design units."""
    paint = skia.Paint(AntiAlias=True, Color=colour)
    if shader is not None:
        paint.setShader(shader)
    if blur > 0:
        paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
    return paint


def pen(colour: int, width: float, blur: float = 0.0) -> skia.Paint:
    """Return a round-ended stroking paint."""
    paint = brush(colour, blur)
    paint.setStyle(skia.Paint.kStroke_Style)
    paint.setStrokeWidth(width)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    return paint


def oval(x: float, y: float, rx: float, ry: float) -> skia.Path:
    """Return an ellipse around (x, y)."""
    path = skia.Path()
    path.addOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry))
    return path


def surface(pixels: Pixels, box: Box, scale: float) -> skia.Surface:
    """Return a surface that draws design coordinates into `pixels`, which show `box`."""
    made = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    made.getCanvas().scale(scale, scale)
    made.getCanvas().translate(-box[0], -box[1])
    return made


def texture(box: Box, scale: float, draw: Callable[[skia.Canvas], None]) -> Pixels:
    """Return what `draw` draws in `box`, premultiplied RGBA (height, width, 4)."""
    width, height = round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale)
    pixels = np.zeros((height, width, 4), np.uint8)
    draw(surface(pixels, box, scale).getCanvas())
    return pixels


def raster(box: Box, scale: float, draw: Callable[[skia.Canvas], None]) -> skia.Image:
    """Return what `draw` draws in `box` as an image."""
    return image_of(texture(box, scale, draw))


def image_of(pixels: Pixels, copy: bool = True) -> skia.Image:
    """Return premultiplied RGBA `pixels` as an image; without `copy` they must outlive it."""
    return skia.Image.fromarray(
        pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType, None, copy
    )


@contextmanager
def masked(canvas: skia.Canvas, path: skia.Path) -> Iterator[None]:
    """Keep of what the block draws only what lies in `path`, with one clean edge."""
    canvas.saveLayer()
    yield
    keep = skia.Paint(BlendMode=skia.BlendMode.kDstIn)
    canvas.saveLayer(None, keep)
    canvas.drawPath(path, brush())
    canvas.restore()
    canvas.restore()


@contextmanager
def softened(canvas: skia.Canvas, blur: float) -> Iterator[None]:
    """Blur what the block draws as a whole, which is quicker than softening each stroke."""
    canvas.saveLayer(None, skia.Paint(ImageFilter=skia.ImageFilters.Blur(blur, blur)))
    yield
    canvas.restore()


@contextmanager
def clipped(canvas: skia.Canvas, path: skia.Path) -> Iterator[None]:
    """Draw only inside `path` within the block."""
    canvas.save()
    canvas.clipPath(path, True)
    yield
    canvas.restore()


def strands(
    canvas: skia.Canvas,
    guides: Sequence[Points],
    count: int,
    rng: np.random.Generator,
    paints: Sequence[skia.Paint],
    width: float = 1.2,
    wander: float = 2.0,
) -> None:
    """Draw `count` hairs between neighbouring `guides` (equal numbers of points, root to tip)."""
    sheet = np.asarray(guides, float)
    for _ in range(count):
        where = rng.uniform(0, len(sheet) - 1)
        i = min(int(where), len(sheet) - 2)
        u = where - i
        line = sheet[i] * (1 - u) + sheet[i + 1] * u
        line = line + rng.normal(0, wander, 2) * np.linspace(0.3, 1, len(line))[:, None]
        thick = width * rng.uniform(0.4, 1.3)
        path = taper(
            [(float(x), float(y)) for x, y in line], [thick * 0.3, thick, thick * 0.15], 26
        )
        canvas.drawPath(path, paints[int(rng.integers(len(paints)))])
