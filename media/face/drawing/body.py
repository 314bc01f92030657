"""Neck, shoulders and clothes."""

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
    mirror,
    oval,
    pen,
    polygon,
    smooth,
    symmetric,
    taper,
    tint,
)

_NECK: tuple[Point, ...] = (
    (256, 290),
    (293, 300),
    (291, 340),
    (291, 368),
    (294, 391),
    (308, 410),
    (330, 440),
    (256, 470),
)


def draw_body(canvas: skia.Canvas, look: Look) -> None:
    """Draw neck, shirt and cardigan down to the picture's lower edge."""
    _neck(canvas, look)
    _shirt(canvas, look)
    _cardigan(canvas, look)
    _pin(canvas)


def _neck(canvas: skia.Canvas, look: Look) -> None:
    wide = 1.14 if look.male else 1.0
    neck = symmetric([(MIDDLE + (x - MIDDLE) * wide if y < 400 else x, y) for x, y in _NECK])
    tone = linear(
        (214, 380),
        (304, 384),
        [tint(look.skin), tint(look.skin), tint(look.skin_shade), tint(look.skin_deep)],
        [0, 0.35, 0.75, 1],
    )
    canvas.drawPath(neck, brush(shader=tone))
    with clipped(canvas, neck):
        canvas.drawPath(oval(260, 340, 54, 30), brush(tint(look.skin_deep, 0.75), 11))
        canvas.drawPath(
            smooth([(226, 372), (240, 404), (252, 424)]), pen(tint(look.skin_shade, 0.7), 4, 3)
        )
        canvas.drawPath(
            smooth([(288, 372), (274, 404), (262, 424)]), pen(tint(look.skin_deep, 0.35), 4, 3)
        )
        for side in (-1, 1):
            bone = [(256 + side * 9, 425.0), (256 + side * 34, 418.0), (256 + side * 62, 420.0)]
            canvas.drawPath(taper(bone, [1, 4, 1]), brush(tint(look.skin_deep, 0.25), 2.5))


def _shirt(canvas: skia.Canvas, look: Look) -> None:
    """A blouse with a soft open collar and small buttons."""
    for flip in (False, True):
        half: list[Point] = [(256, 446), (296, 402), (314, 390), (350, 402), (360, 520), (256, 520)]
        points = mirror(half) if flip else half
        canvas.drawPath(polygon(np.asarray(points)), brush(tint(look.shirt)))
    canvas.drawPath(oval(256, 470, 30, 40), brush(tint(look.shirt_shade, 0.35), 12))
    placket = smooth([(257, 452), (258, 490), (257, 520)])
    canvas.drawPath(placket, pen(tint(look.shirt_shade, 0.9), 1.4, 0.6))
    for y in (478.0, 503.0):
        canvas.drawPath(oval(262, y + 0.7, 3.4, 3.4), brush(tint(look.shirt_shade), 0.6))
        canvas.drawPath(oval(262, y, 2.9, 2.9), brush(tint("#ffffff", 0.95)))
    for flip in (False, True):
        collar: list[Point] = [
            (297, 386),
            (309, 383),
            (318, 394),
            (324, 418),
            (318, 440),
            (290, 452),
            (258, 453),
            (276, 430),
            (290, 408),
        ]
        points = mirror(collar) if flip else collar
        path = smooth(points, closed=True)
        canvas.save()
        canvas.translate(0, 3)
        canvas.drawPath(path, brush(tint(look.skin_deep, 0.35), 4))
        canvas.restore()
        tone = linear((256, 390), (256, 456), [tint("#ffffff"), tint(look.shirt)], [0, 1])
        canvas.drawPath(path, brush(shader=tone))
        with clipped(canvas, path):
            roll: list[Point] = [(300, 384), (296, 408), (280, 432), (258, 452)]
            roll = mirror(roll) if flip else roll
            canvas.drawPath(smooth(roll), pen(tint(look.shirt_shade, 0.55), 7, 4))
        canvas.drawPath(path, pen(tint(look.shirt_shade, 0.5), 0.7))


def _cardigan(canvas: skia.Canvas, look: Look) -> None:
    rng = np.random.default_rng(31)
    for flip in (False, True):
        half: list[Point] = [
            (316, 391),
            (350, 403),
            (392, 417),
            (436, 436),
            (466, 468),
            (482, 530),
            (380, 530),
            (276, 530),
            (282, 490),
            (302, 440),
        ]
        points = mirror(half) if flip else half
        path = smooth(points, closed=True)
        x0, x1 = (276, 500) if not flip else (236, 12)
        tone = linear(
            (x0, 420),
            (x1, 520),
            [tint(look.top_light if flip else look.top), tint(look.top), tint(look.top_shade)],
            [0, 0.5, 1],
        )
        canvas.drawPath(path, brush(shader=tone))
        with clipped(canvas, path):
            for _ in range(140):
                x = float(rng.uniform(10, 500))
                canvas.drawLine(
                    x, 390, x + (x - 256) * 0.18, 530, pen(tint(look.top_shade, 0.07), 1.1)
                )
            edge: list[Point] = [(314, 390), (302, 440), (283, 490), (276, 530)]
            edge = mirror(edge) if flip else edge
            canvas.drawPath(smooth(edge), pen(tint(look.top_shade, 0.5), 22, 3))
            canvas.drawPath(smooth(edge), pen(tint(look.top_light, 0.9), 14))
            canvas.drawPath(smooth(edge), pen(tint(look.top, 0.6), 9))
            fold: list[Point] = [(470, 474), (430, 486), (404, 530)]
            fold = mirror(fold) if flip else fold
            canvas.drawPath(smooth(fold), pen(tint(look.top_shade, 0.6), 8, 5))
            ridge: list[Point] = [(330, 400), (400, 420), (452, 444)]
            ridge = mirror(ridge) if flip else ridge
            canvas.drawPath(smooth(ridge), pen(tint(look.top_light, 0.5), 9, 6))


def _pin(canvas: skia.Canvas) -> None:
    """The service's small sun, worn on the cardigan."""
    x, y, radius = 350.0, 424.0, 4.8
    canvas.drawPath(
        oval(x + 1, y + 1.8, radius + 4.5, radius + 4.5), brush(tint("#1d3a3a", 0.35), 2.2)
    )
    gold = linear((x, y - 9), (x, y + 9), [tint("#ffe9a8"), tint("#d99a2b")], [0, 1])
    for ray in range(12):
        turn = ray * np.pi / 6
        near, far = radius + 0.9, radius + 4.0
        line = [
            (x + near * float(np.cos(turn)), y + near * float(np.sin(turn))),
            (x + far * float(np.cos(turn)), y + far * float(np.sin(turn))),
        ]
        canvas.drawPath(taper(line, [2.4, 1.0], 4), brush(shader=gold))
    canvas.drawPath(oval(x, y, radius, radius), brush(shader=gold))
    canvas.drawPath(oval(x - 1.4, y - 1.6, 2.0, 1.5), brush(tint("#ffffff", 0.7), 0.8))
