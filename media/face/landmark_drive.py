"""Moving a portrait's mesh by moves of its 68 landmarks.

Lips and jaw: the articulators' weights that come nearest to the moves are taken, so that cheeks
and chin follow as they do for phonemes, and what they leave is added at the lips alone. A move of
the steady points is a turn of the head.
"""

from __future__ import annotations

import numpy as np

from media.face.portrait_mesh import (
    INNER_LOWER,
    INNER_UPPER,
    OUTER_LOWER,
    OUTER_UPPER,
    Points,
    PortraitMesh,
)
from media.face.sixty_eight import LIPS, MESH_INDICES, STEADY, normal_form, sixty_eight

ARTICULATORS = {
    "jaw": (0.0, 1.2),
    "rounding": (-0.3, 1.0),
    "spread": (-0.3, 1.2),
    "press": (-0.5, 1.0),
    "smile": (-0.5, 0.6),
}
"""What lips and jaw are made of, and how far each may go."""
TURNS = ("yaw", "pitch", "roll")
_FITTED = (*range(3, 14), *range(48, 68))
"""Of the 68: lower jaw and lips."""
_RIDGE = 0.05
_REACH = 0.2
"""In widths of the mouth: how far a landmark of the lips pulls on the lip around it."""


class LandmarkDrive:
    """Turns moves of the 68 landmarks of one mesh into points of the mesh."""

    def __init__(self, mesh: PortraitMesh) -> None:
        self.mesh = mesh
        points = sixty_eight(mesh.landmarks)
        self.form = normal_form(points)
        self.rest = np.asarray(self.form.of(points))
        """The resting landmarks (68, 3) in normal form."""
        self._mouth = self._basis(tuple(ARTICULATORS))
        self._head = self._basis(TURNS)
        self._to_mouth = _solver(self._mouth, _FITTED, mesh.mouth)
        self._to_head = _solver(self._head, STEADY, mesh.mouth)
        self._limits = np.array(list(ARTICULATORS.values()))
        self._lips = _pulls(mesh, points[:, :2])

    def moved(self, moves: Points, base: Points) -> tuple[Points, dict[str, float]]:
        """Return the mesh's points (n, 2) for `moves` (68, 3) in normal form, added to `base`
        (n, 2), and the articulators' weights."""
        pixels = self.form.back(moves)[:, :2]
        turn = self._to_head @ pixels[list(STEADY)].ravel()
        head = np.tensordot(turn, self._head, 1)
        pixels = pixels - head[list(MESH_INDICES)]
        weights = self._to_mouth @ pixels[list(_FITTED)].ravel()
        weights = np.clip(weights, self._limits[:, 0], self._limits[:, 1])
        face = np.tensordot(weights, self._mouth, 1)
        left = (pixels - face[list(MESH_INDICES)])[LIPS]
        points = base + head + face + self._lips @ left
        _keep_apart(points, self.mesh.axes[1])
        return points, dict(zip(ARTICULATORS, weights.tolist(), strict=True))

    def landmarks(self, moves: Points) -> Points:
        """Return the landmarks (68, 2) in pixels for `moves` (68, 3) in normal form."""
        at_rest = self.mesh.points[list(MESH_INDICES)]
        return np.asarray(at_rest + self.form.back(moves)[:, :2])

    def _basis(self, names: tuple[str, ...]) -> Points:
        return np.stack([self.mesh.moves[name] for name in names])


def _solver(basis: Points, at: tuple[int, ...], unit: float) -> Points:
    """Return the matrix from moves of the landmarks `at`, in a row, to weights of `basis`."""
    rows = basis[:, [MESH_INDICES[i] for i in at]].reshape(len(basis), -1).T / unit
    square = rows.T @ rows
    ridge = _RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    return np.asarray(np.linalg.solve(square + ridge, rows.T) / unit)


def _pulls(mesh: PortraitMesh, landmarks: Points) -> Points:
    """Return (n, 20): how the 20 landmarks of the lips pull on every point of the mesh."""
    pulls = np.zeros((len(mesh.points), 20))
    upper, lower = INNER_UPPER + OUTER_UPPER, INNER_LOWER + OUTER_LOWER
    lips = landmarks[LIPS]
    # Of the 20: the upper lip's outer and inner edge, then the lower lip's.
    above = [*range(7), *range(12, 17)]
    below = [0, *range(6, 13), *range(16, 20)]
    for ring, ends in ((upper, above), (lower, below)):
        for point in ring:
            away = np.linalg.norm(lips[ends] - mesh.points[point], axis=1) / (_REACH * mesh.mouth)
            share = np.exp(-(away**2))
            pulls[point, ends] = share / max(float(share.sum()), 1e-9)
    return pulls


def _keep_apart(points: Points, down: Points) -> None:
    """Bring inner lips that have crossed to their middle, in place."""
    for above, below in zip(INNER_UPPER[1:-1], reversed(INNER_LOWER), strict=True):
        gap = float((points[below] - points[above]) @ down)
        if gap < 0:
            points[above] += 0.5 * gap * down
            points[below] -= 0.5 * gap * down
