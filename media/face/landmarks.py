"""Finding faces and their 468 landmarks in a picture.

Runs MediaPipe's BlazeFace and Face Mesh (Apache-2.0), whose model files the `mediapipe` package
carries, in LiteRT. Nothing of mediapipe itself is imported.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from media.errors import MediaError
from media.types import FloatArray, Frame

DETECTOR_SIZE = 128
MESH_SIZE = 192
DETECTED = 0.6
OVERLAP = 0.3
CROP = 1.5
"""The mesh network sees this many times the detected box."""

RIGHT_EYE, LEFT_EYE = 0, 1
"""Of a detection's six key points; right and left are the person's own."""


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A detected face: box in pixels, six key points (6, 2) in pixels, score in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float
    points: FloatArray
    score: float


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """468 landmarks (468, 3) in pixels (z in pixels too, smaller is nearer), presence in [0, 1]."""

    points: FloatArray
    presence: float

    @property
    def turn(self) -> float:
        """How far the head is turned: 0 frontal, ±1 profile; from nose and cheek edges."""
        nose, right, left = self.points[1, 0], self.points[234, 0], self.points[454, 0]
        return float(np.clip(2 * (nose - right) / max(left - right, 1e-6) - 1, -1, 1))


def detect_faces(picture: Frame) -> list[FaceBox]:
    """Return the faces in `picture` (h, w, 3) RGB, the surest first."""
    height, width = picture.shape[:2]
    side = max(height, width)
    square = cv2.copyMakeBorder(
        picture, 0, side - height, 0, side - width, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    small = cv2.resize(square, (DETECTOR_SIZE, DETECTOR_SIZE), interpolation=cv2.INTER_AREA)
    raw, logits = _run("face_detection/face_detection_short_range.tflite", small / 127.5 - 1)
    scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
    keep = np.flatnonzero(scores > DETECTED)
    boxes = [_box(raw[0, i], _anchors()[i], side, float(scores[i])) for i in keep]
    return _without_overlaps(sorted(boxes, key=lambda box: -box.score))


def find_mesh(picture: Frame, box: FaceBox) -> FaceMesh:
    """Return the landmarks of the face in `box` of `picture` (h, w, 3) RGB."""
    eyes = box.points[LEFT_EYE] - box.points[RIGHT_EYE]
    angle = math.degrees(math.atan2(eyes[1], eyes[0]))
    centre = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    side = CROP * max(box.right - box.left, box.bottom - box.top)
    turn = cv2.getRotationMatrix2D(centre, angle, MESH_SIZE / side)
    turn[:, 2] = turn[:, 2] + MESH_SIZE / 2 - np.array(centre)
    crop = cv2.warpAffine(picture, turn, (MESH_SIZE, MESH_SIZE), flags=cv2.INTER_AREA)
    points, presence = _run("face_landmark/face_landmark.tflite", crop / 255.0)
    flat = points.reshape(468, 3)
    back = cv2.invertAffineTransform(turn)
    placed = flat[:, :2] @ back[:, :2].T + back[:, 2]
    depth = flat[:, 2:] * side / MESH_SIZE
    chance = 1 / (1 + math.exp(-float(presence.ravel()[0])))
    return FaceMesh(np.hstack((placed, depth)).astype(np.float32), chance)


@lru_cache(maxsize=1)
def _anchors() -> FloatArray:
    """Centres (896, 2) of the detector's anchors: 2 a cell on a 16 × 16 grid, 6 on 8 × 8."""
    centres = []
    for cells, anchors in ((16, 2), (8, 6)):
        ys, xs = np.mgrid[0:cells, 0:cells]
        grid = (np.stack((xs, ys), axis=-1).reshape(-1, 2) + 0.5) / cells
        centres.append(np.repeat(grid, anchors, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _box(raw: FloatArray, anchor: FloatArray, side: int, score: float) -> FaceBox:
    x, y = (raw[:2] / DETECTOR_SIZE + anchor) * side
    w, h = raw[2:4] / DETECTOR_SIZE * side
    points = ((raw[4:].reshape(6, 2) / DETECTOR_SIZE + anchor) * side).astype(np.float32)
    return FaceBox(x - w / 2, y - h / 2, x + w / 2, y + h / 2, points, score)


def _without_overlaps(boxes: list[FaceBox]) -> list[FaceBox]:
    kept: list[FaceBox] = []
    for box in boxes:
        if all(_overlap(box, other) < OVERLAP for other in kept):
            kept.append(box)
    return kept


def _overlap(a: FaceBox, b: FaceBox) -> float:
    """Intersection over union of two boxes."""
    width = max(0.0, min(a.right, b.right) - max(a.left, b.left))
    height = max(0.0, min(a.bottom, b.bottom) - max(a.top, b.top))
    both = width * height
    areas = sum((box.right - box.left) * (box.bottom - box.top) for box in (a, b))
    return both / (areas - both)


@lru_cache(maxsize=2)
def _network(name: str) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    found = importlib.util.find_spec("mediapipe")
    if found is None or not found.submodule_search_locations:
        raise MediaError(
            "no_landmark_model",
            "The package that carries the face models is not installed.",
            "Run: pip install --no-deps mediapipe==0.10.14",
        )
    path = Path(next(iter(found.submodule_search_locations))) / "modules" / name
    network = Interpreter(model_path=str(path), num_threads=1)
    network.allocate_tensors()
    return network


def _run(name: str, picture: NDArray[Any]) -> list[FloatArray]:
    network = _network(name)
    network.set_tensor(network.get_input_details()[0]["index"], picture[None].astype(np.float32))
    network.invoke()
    return [network.get_tensor(out["index"]) for out in network.get_output_details()]
