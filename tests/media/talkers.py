"""Speech made by arithmetic, whose lips and sound are known, and heads that are turned."""

from __future__ import annotations

import cv2
import numpy as np
import skia
from scipy.spatial import Delaunay

from media.face.portrait_mesh import Crop, build_mesh
from media.types import Audio, Frame, Phoneme, Speech

RATE = 16000


def babble(seed: int, seconds: float = 1.6) -> Speech:
    """A voice whose loudness and tone follow its vowels, with known timings."""
    draw = np.random.default_rng(seed)
    at, parts, phonemes = 0.08, [np.zeros(round(0.08 * RATE))], []
    while at < seconds - 0.3:
        for symbol, pitch, loud in (("m", 160, 0.02), (draw.choice(["a", "o", "i"]), 150, 0.4)):
            length = round(draw.uniform(0.08, 0.18) * RATE)
            time = np.arange(length) / RATE
            tone = {"a": 8, "o": 3, "i": 14}.get(symbol, 2)
            parts.append(
                loud * sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, tone))
            )
            phonemes.append(Phoneme(str(symbol), at, at + length / RATE, "말"))
            at += length / RATE
    return Speech("말", Audio(np.concatenate(parts).astype(np.float32), RATE), tuple(phonemes))


def turned(photo: Frame, degrees: float) -> Frame:
    """The face in the square `photo` turned about its vertical axis by its own depth, on grey."""
    mesh = build_mesh(photo, 512, Crop(np.zeros(2), float(photo.shape[0])))
    centre = mesh.landmarks.mean(axis=0)
    x, _, z = (mesh.landmarks - centre).T
    angle = np.radians(degrees)
    placed = mesh.landmarks[:, :2].copy()
    placed[:, 0] = centre[0] + x * np.cos(angle) - z * np.sin(angle)
    distance = x * np.sin(angle) + z * np.cos(angle)
    triangles = Delaunay(mesh.landmarks[:, :2]).simplices
    # The far ones first, so that the near ones cover them.
    triangles = triangles[np.argsort(-distance[triangles].mean(axis=1))]
    picture = cv2.cvtColor(mesh.picture, cv2.COLOR_RGB2RGBA)
    image = skia.Image.fromarray(picture, colorType=skia.kRGBA_8888_ColorType)
    surface = skia.Surface(512, 512)
    canvas = surface.getCanvas()
    canvas.clear(0xFF909090)
    vertices = skia.Vertices(
        skia.Vertices.kTriangles_VertexMode,
        [skia.Point(*point) for point in placed.tolist()],
        [skia.Point(*point) for point in mesh.landmarks[:, :2].tolist()],
        None,
        triangles.ravel().tolist(),
    )
    canvas.drawVertices(vertices, skia.Paint(Shader=image.makeShader()))
    drawn: Frame = surface.toarray(colorType=skia.kRGBA_8888_ColorType)[:, :, :3]
    return np.ascontiguousarray(drawn)
