"""Hair: what lies behind the head and what falls in front of it, built of strands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skia

from media.face.drawing.look import Look
from media.face.drawing.paint import (
    Point,
    Points,
    blend,
    brush,
    clipped,
    linear,
    mirror,
    pen,
    radial,
    smooth,
    softened,
    strands,
    tint,
)

_BACK: tuple[Point, ...] = (
    (256, 60),
    (312, 70),
    (346, 108),
    (358, 170),
    (361, 240),
    (360, 304),
    (352, 350),
    (338, 386),
    (304, 402),
    (256, 402),
)
# From the face outwards; each line runs from the parting to the tip of the hair.
_LEFT: tuple[Points, ...] = (
    ((287, 98), (258, 108), (224, 130), (196, 160), (180, 200), (173, 250), (174, 318), (196, 382)),
    ((287, 84), (247, 94), (206, 120), (180, 158), (167, 206), (161, 266), (163, 332), (187, 389)),
    ((286, 68), (238, 71), (195, 97), (167, 144), (155, 208), (150, 278), (153, 344), (178, 393)),
    ((284, 52), (232, 50), (186, 74), (157, 126), (146, 200), (141, 280), (144, 350), (169, 395)),
)
_RIGHT: tuple[Points, ...] = (
    ((287, 98), (303, 107), (322, 129), (335, 160), (340, 202), (342, 254), (338, 318), (316, 382)),
    ((287, 84), (312, 91), (334, 117), (347, 158), (351, 208), (353, 268), (349, 332), (325, 389)),
    ((286, 68), (318, 70), (344, 98), (357, 146), (361, 208), (363, 278), (359, 344), (334, 393)),
    ((284, 52), (322, 52), (351, 77), (366, 128), (371, 202), (373, 280), (368, 350), (343, 395)),
)


_SHORT_LEFT: tuple[Points, ...] = (
    ((206, 113), (191, 127), (181, 149), (175, 176), (172, 204)),
    ((207, 103), (186, 116), (174, 142), (168, 174), (168, 207)),
    ((208, 93), (184, 104), (167, 136), (162, 172), (168, 208)),
    ((211, 78), (183, 92), (164, 128), (157, 166), (165, 206)),
)
_SHORT_RIGHT: tuple[Points, ...] = (
    ((204, 114), (234, 103), (276, 101), (312, 112), (331, 136), (338, 170), (340, 204)),
    ((205, 102), (236, 86), (282, 83), (320, 98), (341, 128), (345, 168), (344, 207)),
    ((206, 91), (238, 70), (286, 65), (328, 86), (349, 122), (351, 166), (344, 208)),
    ((208, 79), (238, 56), (290, 49), (334, 73), (355, 118), (355, 164), (347, 206)),
)


def draw_back_hair(canvas: skia.Canvas, look: Look) -> None:
    """Draw the hair behind the neck."""
    if look.male:
        return
    inner = [p for p in mirror(_BACK) if p[0] != 256]
    path = smooth([*_BACK, *inner], closed=True)
    low = blend(look.hair_dark, look.hair, 0.55)
    shade = linear((256, 220), (256, 390), [tint(look.hair_dark), tint(low)], [0, 1])
    canvas.drawPath(path, brush(shader=shade))
    with clipped(canvas, path):
        rng = np.random.default_rng(11)
        guides: Sequence[Points] = [
            [(x, 200.0), (x + (x - 256) * 0.05, 300.0), (x - (x - 256) * 0.12, 392.0)]
            for x in (150.0, 185.0, 220.0, 256.0, 292.0, 327.0, 362.0)
        ]
        paints = [brush(tint(look.hair, 0.45)), brush(tint(look.hair_light, 0.1))]
        with softened(canvas, 0.6):
            strands(canvas, guides, 140, rng, paints, 2.4, 3)


def draw_front_hair(canvas: skia.Canvas, look: Look) -> None:
    """Draw the crown, the parting and the locks that frame the face."""
    locks = (_SHORT_LEFT, _SHORT_RIGHT) if look.male else (_RIGHT, _LEFT)
    for guides in locks:
        _shadow(canvas, look, guides)
    canvas.saveLayer()
    for seed, guides in enumerate(locks, start=21):
        _lock(canvas, look, guides, seed)
    if look.male:
        fade = brush(
            shader=linear((0, 193), (0, 210), [tint("#000000", 0.0), tint("#000000")], [0, 1])
        )
        fade.setBlendMode(skia.BlendMode.kDstOut)
        canvas.drawRect(skia.Rect.MakeLTRB(140, 180, 372, 240), fade)
    canvas.restore()
    roots = [guide[0] for guide in locks[1]]
    canvas.drawPath(smooth(roots), pen(tint(look.hair_dark, 0.5), 2.2, 1.4))


def _shadow(canvas: skia.Canvas, look: Look, guides: Sequence[Points]) -> None:
    """What the lock's inner edge casts on the skin."""
    edge = [(x, y + 5) for x, y in guides[0][:-2]]
    shade = pen(tint(look.skin_deep, 0.5), 8, 5)
    shade.setBlendMode(skia.BlendMode.kSrcATop)
    canvas.drawPath(smooth(edge), shade)


def _sheen(look: Look, strength: float) -> skia.Shader:
    """The band of light that runs round the crown."""
    stops = [0.40, 0.60, 0.72, 0.82, 0.94]
    light = [tint(look.hair_light, strength * part) for part in (0.0, 0.3, 1.0, 0.4, 0.0)]
    return radial((262, 270), 216, light, stops)


def _lock(canvas: skia.Canvas, look: Look, guides: Sequence[Points], seed: int) -> None:
    outline = smooth([*guides[0], *reversed(guides[-1])], closed=True)
    deep = blend(look.hair, look.hair_dark, 0.5)
    ends = blend(look.hair, look.hair_light, 0.12)
    tones = [tint(look.hair), tint(deep), tint(look.hair), tint(ends)]
    canvas.drawPath(
        outline, brush(shader=linear((256, 60), (256, 390), tones, [0, 0.45, 0.75, 1]), blur=0.6)
    )
    rng = np.random.default_rng(seed)
    dark = [brush(tint(look.hair_dark, a)) for a in (0.2, 0.3, 0.4)]
    light = [brush(tint(look.hair_light, a)) for a in (0.12, 0.22)]
    shine = [brush(shader=_sheen(look, 0.6))]
    with clipped(canvas, outline), softened(canvas, 1.3):
        strands(canvas, guides, 40, rng, dark, 7.0, 1.0)
        strands(canvas, guides, 26, rng, light, 6.0, 1.0)
        strands(canvas, guides, 60, rng, shine, 5.0, 1.0)
    with softened(canvas, 0.25):
        strands(canvas, guides, 120, rng, dark, 1.6, 1.0)
        strands(canvas, guides, 130, rng, shine, 1.5, 1.0)
        strands(canvas, guides, 60, rng, light, 1.1, 1.0)
    _loose(canvas, look, guides[-1], rng)
    canvas.drawPath(smooth(guides[0]), pen(tint(look.hair_dark, 0.4), 1.8, 1.0))


def _loose(canvas: skia.Canvas, look: Look, edge: Points, rng: np.random.Generator) -> None:
    """A few hairs outside the outline, so that it is no paper edge."""
    paints = [brush(tint(look.hair, 0.4)), brush(tint(look.hair, 0.25))]
    out = -1.0 if edge[-1][0] < 256 else 1.0
    far = [(x + out * 1.4, y - 0.8) for x, y in edge]
    strands(canvas, [edge, far], 16, rng, paints, 0.8, 0.5)
