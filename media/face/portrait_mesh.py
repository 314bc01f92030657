"""A portrait as a triangle mesh on its landmarks, and how each articulator moves the mesh.

Built once from a photograph: the face is found, checked and framed; landmarks, rings around the
head and the picture's border become one mesh. A frame is then a weighted sum of the movements.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from media.errors import MediaError
from media.face.landmarks import FaceMesh, detect_faces, find_mesh
from media.types import Frame

Points = NDArray[np.float64]

INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (324, 318, 402, 317, 14, 87, 178, 88, 95)
OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER = (375, 321, 405, 314, 17, 84, 181, 91, 146)
CORNERS = (61, 78, 291, 308)
RIGHT_LID = ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155))
LEFT_LID = ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382))
RIGHT_FOLD = (247, 30, 29, 27, 28, 56, 190)
LEFT_FOLD = (467, 260, 259, 257, 258, 286, 414)
BROWS = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
FOREHEAD, CHIN = 10, 152

FACE_SHARE = 0.46
"""Height of the face, hairline to chin, in the framed picture."""
MAX_TURN = 0.65
MIN_FACE = 64
"""Pixels from hairline to chin that a photograph must have."""


@dataclass(frozen=True)
class PortraitMesh:
    """A framed portrait. `points` (n, 2) pixels at rest; `triangles` (m, 3) without the mouth's.

    `moves` holds a displacement (n, 2) in pixels for each articulator and pose value at 1.
    `mouth` is the width of the mouth in pixels, `axes` the face's right and down unit vectors.
    """

    picture: Frame
    points: Points
    triangles: NDArray[np.int32]
    moves: dict[str, Points]
    mouth: float
    axes: Points
    closed: Points
    """Displacement (n, 2) that shuts lips which the photograph shows open."""
    landmarks: Points
    """The face's landmarks (468, 3) in pixels; the first of `points`, with their depth."""


@dataclass(frozen=True)
class Crop:
    """A square of a photo: its corner (x, y) and side in pixels."""

    corner: Points
    side: float


def frontal_face(photo: Frame) -> FaceMesh:
    """Return the landmarks of the one frontal face in `photo` (h, w, 3) RGB.

    MediaError `no_face`, `two_faces`, `profile` or `small_face` otherwise.
    """
    boxes = detect_faces(photo)
    if not boxes:
        raise MediaError(
            "no_face",
            "No face was found in the photo.",
            "Use a well-lit photo of one person who looks into the camera.",
        )
    if len(boxes) > 1:
        raise MediaError(
            "two_faces",
            f"The photo shows {len(boxes)} faces.",
            "Use a photo of one person, or crop it to one.",
        )
    mesh = find_mesh(photo, boxes[0])
    if abs(mesh.turn) > MAX_TURN or mesh.presence < 0.5:
        raise MediaError(
            "profile",
            "The face is turned too far to the side.",
            "Use a photo in which the person looks into the camera.",
        )
    if np.linalg.norm(mesh.points[CHIN, :2] - mesh.points[FOREHEAD, :2]) < MIN_FACE:
        raise MediaError(
            "small_face",
            f"The face is smaller than {MIN_FACE} pixels.",
            "Use a larger photo, or one taken closer.",
        )
    return mesh


def build_mesh(photo: Frame, size: int, crop: Crop | None = None) -> PortraitMesh:
    """Frame `photo` around its face to `size` × `size`, or cut it to `crop`, and build its mesh."""
    picture, face, _ = framed_face(photo, size, crop)
    points = np.vstack((face[:, :2], _rings(face), _border(size)))
    triangles = Delaunay(points).simplices.astype(np.int32)
    triangles = triangles[~_inside_mouth(triangles)]
    axes = _axes(face)
    mouth = float(np.linalg.norm(face[291, :2] - face[61, :2]))
    moves = _moves(face, points, axes, mouth)
    shut = _closing(points, mouth)
    return PortraitMesh(picture, points, triangles, moves, mouth, axes, shut, face)


def framed_face(photo: Frame, size: int, crop: Crop | None = None) -> tuple[Frame, Points, Crop]:
    """Return `photo` cut to a `size` square, its landmarks (468, 3) there, and the crop.

    Without a `crop` the face gets its share of the square, a little above the middle.
    """
    face = frontal_face(photo).points.astype(np.float64)
    crop = crop or _crop(photo, face)
    picture = _cut(photo, crop, size)
    scale = size / crop.side
    placed = np.hstack(((face[:, :2] - crop.corner) * scale, face[:, 2:] * scale))
    return picture, placed, crop


def _crop(photo: Frame, face: Points) -> Crop:
    """Return the square around the face; inside the photo unless the photo is tiny."""
    height = float(np.linalg.norm(face[CHIN, :2] - face[FOREHEAD, :2]))
    side = min(height / FACE_SHARE, max(min(photo.shape[:2]), 1.35 * height))
    centre = (face[FOREHEAD, :2] + face[CHIN, :2]) / 2
    room = np.array(photo.shape[1::-1]) - side
    corner = np.clip(centre - side * np.array([0.5, 0.47]), np.minimum(room, 0), room.clip(0))
    return Crop(corner, side)


def _cut(photo: Frame, crop: Crop, size: int) -> Frame:
    """Return the crop at `size` pixels; the photo is continued at its edge where it ends."""
    corner, side = crop.corner, crop.side
    # Shrinking far in one step would alias.
    while side > 2 * size:
        half = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        photo = half.astype(np.uint8, copy=False)
        corner, side = corner / 2, side / 2
    scale = size / side
    matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    picture = cv2.warpAffine(
        photo, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.ascontiguousarray(picture, np.uint8)


def _axes(face: Points) -> Points:
    """Return the face's own right and down unit vectors (2, 2) in the picture."""
    right = face[263, :2] - face[33, :2]
    right = right / np.linalg.norm(right)
    return np.array([right, [-right[1], right[0]]])


def _rings(face: Points) -> Points:
    """Return points on two ovals around the face, so that hair and neck move along."""
    oval = face[list(OVAL), :2]
    centre = oval.mean(axis=0)
    return np.vstack([centre + (oval - centre) * wide for wide in (1.28, 1.7)])


def _border(size: int) -> Points:
    """Return points on the picture's edge; they never move."""
    steps = np.linspace(0, size, 9)
    edges = [(x, y) for x in steps for y in steps if x in (0, size) or y in (0, size)]
    return np.array(edges, np.float64)


def _inside_mouth(triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
    inner = np.zeros(int(triangles.max()) + 1, bool)
    inner[list(INNER_UPPER + INNER_LOWER)] = True
    upper = np.zeros_like(inner)
    upper[list(INNER_UPPER)] = True
    lower = np.zeros_like(inner)
    lower[list(INNER_LOWER) + [78, 308]] = True
    # A triangle of one lip's edge points alone is a sliver of that lip, not of the opening.
    within = inner[triangles].all(axis=1)
    return np.asarray(within & ~upper[triangles].all(axis=1) & ~lower[triangles].all(axis=1))


def _ramp(values: Points, low: float, high: float) -> Points:
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _closing(points: Points, mouth: float) -> Points:
    """Return what brings the inner lips together, where the photograph parts them."""
    shut = np.zeros_like(points)
    for above, below in zip(INNER_UPPER[1:-1], reversed(INNER_LOWER), strict=True):
        gap = points[below] - points[above]
        if np.linalg.norm(gap) < 0.02 * mouth:
            continue
        shut[above] += 0.35 * gap
        shut[below] -= 0.65 * gap
    return shut


def _moves(face: Points, points: Points, axes: Points, mouth: float) -> dict[str, Points]:
    """Return the displacement of every point for each articulator and pose value at 1."""
    right, down = axes
    seam = (face[78, :2] + face[308, :2]) / 2
    u = (points - seam) @ right / (mouth / 2)
    v = (points - seam) @ down / mouth
    chin = float((face[CHIN, :2] - seam) @ down / mouth)
    lips = np.zeros(len(points))
    lips[list(INNER_UPPER + OUTER_UPPER + INNER_LOWER + OUTER_LOWER)] = 1.0
    around = np.maximum(lips, np.exp(-((u / 1.5) ** 2) - (v / 0.55) ** 2))
    # Only the face and what is close to it follows the mouth; the picture's edge stays.
    follow = np.ones(len(points))
    follow[468 + len(OVAL) :] = 0.0

    below = _ramp(v, 0.0, 0.75 * chin) * (1 - 0.75 * _ramp(np.abs(u), 0.9, 2.2))
    below *= 1 - 0.85 * _ramp(v, 1.05 * chin, 2.2 * chin)
    below[list(INNER_LOWER + OUTER_LOWER)] = (
        1.0 - 0.35 * np.abs(u[list(INNER_LOWER + OUTER_LOWER)]).clip(0, 1) ** 3
    )
    below[list(INNER_UPPER + OUTER_UPPER)] = 0.0
    below[list(CORNERS)] = 0.32
    raised = np.zeros(len(points))
    raised[list(INNER_UPPER + OUTER_UPPER)] = 1 - u[list(INNER_UPPER + OUTER_UPPER)] ** 2
    narrowed = -(np.clip(u, -1.6, 1.6) * around * mouth / 2)[:, None] * right
    jaw = (below * 0.29 * mouth * follow)[:, None] * down
    jaw = jaw - (raised.clip(0) * 0.05 * mouth)[:, None] * down + 0.1 * narrowed
    pout = np.where(v < 0, -1.0, 1.0) * around * np.exp(-(u**2)) * 0.07 * mouth
    moves = {
        "jaw": jaw,
        "rounding": 0.34 * narrowed + pout[:, None] * down,
        "spread": -0.12 * narrowed - (around * np.abs(u).clip(0, 1) * 0.02 * mouth)[:, None] * down,
        "press": -(np.sign(v) * lips * 0.035 * mouth)[:, None] * down,
        "smile": -0.05 * narrowed
        - (around * np.abs(u).clip(0, 1.2) ** 2 * 0.07 * mouth)[:, None] * down,
        "brow": np.zeros_like(points),
        "blink": np.zeros_like(points),
    }
    moves["brow"][list(BROWS)] = -0.1 * mouth * down
    for (upper, lower), fold in ((RIGHT_LID, RIGHT_FOLD), (LEFT_LID, LEFT_FOLD)):
        for top, bottom, crease in zip(upper, lower, fold, strict=True):
            gap = points[bottom] - points[top]
            moves["blink"][top] = 0.94 * gap
            moves["blink"][bottom] = -0.06 * gap
            moves["blink"][crease] = 0.4 * gap
    moves |= _head_moves(face, points, axes)
    return moves


def _head_moves(face: Points, points: Points, axes: Points) -> dict[str, Points]:
    """Return slight turns of the head: what is nearer to the viewer moves further."""
    right, down = axes
    height = float(np.linalg.norm(face[CHIN, :2] - face[FOREHEAD, :2]))
    near = np.zeros(len(points))
    near[:468] = 1.0 + 1.1 * (face[OVAL, 2].mean() - face[:, 2]) / height
    near[468 : 468 + len(OVAL)] = 0.75
    near[468 + len(OVAL) : 468 + 2 * len(OVAL)] = 0.3
    neck = face[CHIN, :2] + 0.35 * height * down
    # Below the chin the body carries the head: it turns less the further down.
    held = 1 - 0.8 * _ramp((points - face[CHIN, :2]) @ down, 0.0, 0.5 * height)
    away = points - neck
    turned = np.stack((-away[:, 1], away[:, 0]), axis=1)
    still = (near > 0).astype(np.float64) * held
    return {
        "yaw": (near * held * 0.022 * height)[:, None] * right,
        "pitch": (near * held * 0.02 * height)[:, None] * down,
        "roll": turned * (0.02 * np.clip(near, 0, 1) * still)[:, None],
        "breath": (-0.004 * height * np.clip(near, 0, 1))[:, None] * down,
    }
