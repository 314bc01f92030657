"""The 68 landmarks of a face, as MakeItTalk takes them, from the mesh's 468, in one normal form.

In normal form a face looks straight ahead: the ear-to-ear line (points 0 and 16) is level, 1.6
long and centred at the origin; x goes to the right of the picture, y down, z away from the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

MESH_INDICES = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,  # jaw
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,                                      # brows
    168, 197, 5, 4, 75, 97, 2, 326, 305,                                                # nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,                          # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,                                # outer lips
    78, 82, 13, 312, 308, 317, 14, 87,                                                  # inner lips
)  # fmt: skip
"""Of the mesh's points, in the order of the 68."""
LIPS = slice(48, 68)
INNER_TOP, INNER_BOTTOM = 62, 66
STEADY = (27, 28, 29, 30, 33, 36, 39, 42, 45)
"""Points that speech hardly moves: bridge of the nose and corners of the eyes."""
MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""Where each point is found in the mirrored picture."""
EAR_TO_EAR = 1.6


@dataclass(frozen=True)
class NormalForm:
    """How a face's points come to normal form: (points − centre) @ turn.T · scale."""

    centre: Points
    turn: Points
    scale: float

    def of(self, points: Points) -> Points:
        """Return `points` (…, 3) in normal form."""
        return np.asarray((points - self.centre) @ self.turn.T * self.scale)

    def back(self, moves: Points) -> Points:
        """Return displacements (…, 3) of normal form in the picture's pixels."""
        return np.asarray(moves / self.scale @ self.turn)


def sixty_eight(mesh: NDArray[np.floating]) -> Points:
    """Return the 68 landmarks (…, 68, 3) of mesh points (…, 468, 3)."""
    return np.asarray(mesh[..., list(MESH_INDICES), :], np.float64)


def normal_form(points: Points) -> NormalForm:
    """Return the normal form of one face's landmarks (68, 3) that looks ahead."""
    across = points[16] - points[0]
    length = float(np.linalg.norm(across[:2]))
    right = across[:2] / max(length, 1e-6)
    turn = np.array([[right[0], right[1], 0.0], [-right[1], right[0], 0.0], [0.0, 0.0, 1.0]])
    return NormalForm((points[0] + points[16]) / 2, turn, EAR_TO_EAR / max(length, 1e-6))


def registered(track: Points, rest: Points) -> Points:
    """Return landmarks (n, 68, 3) turned, scaled and shifted onto `rest` (68, 3) by the steady
    points: what is left is what the face itself does."""
    steady = list(STEADY)
    goal = rest[steady]
    goal_centre = goal.mean(axis=0)
    out = np.empty_like(track)
    for index, points in enumerate(track):
        have = points[steady]
        centre = have.mean(axis=0)
        turn, scale = _similarity(have - centre, goal - goal_centre)
        out[index] = scale * (points - centre) @ turn.T + goal_centre
    return out


def resting(track: Points, share: float = 0.1) -> Points:
    """Return the mean (68, 3) of the `share` of `track` (n, 68, 3) whose lips are closest."""
    gap = openings(track)
    count = max(1, round(share * len(track)))
    return np.asarray(track[np.argsort(gap)[:count]].mean(axis=0))


def openings(track: Points) -> Points:
    """Return how far the inner lips are apart (n,) in `track` (n, 68, 3)."""
    across = track[:, INNER_BOTTOM, :2] - track[:, INNER_TOP, :2]
    return np.asarray(np.linalg.norm(across, axis=1))


def face_moves(mesh_track: NDArray[np.floating]) -> tuple[Points, Points]:
    """Return the rest (68, 3) and what speech does to it (n, 68, 3), both in normal form, of a
    filmed face (n, 468, 3)."""
    track = sixty_eight(mesh_track)
    still = resting(registered(track, np.median(track, axis=0)))
    form = normal_form(still)
    rest = form.of(still)
    moved = registered(np.asarray(form.of(track)), rest)
    return rest, moved - rest


def _similarity(have: Points, goal: Points) -> tuple[Points, float]:
    """Return rotation (3, 3) and scale that bring centred `have` (n, 3) nearest to `goal`."""
    u, values, vt = np.linalg.svd(have.T @ goal)
    sign = np.ones(3)
    sign[2] = np.sign(np.linalg.det(vt.T @ u.T)) or 1.0
    turn = vt.T @ np.diag(sign) @ u.T
    return turn, float((values * sign).sum() / max((have**2).sum(), 1e-9))
