"""Finding faces and landmarks, on paintings beside the checkout and on pictures without a face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from media.errors import MediaError
from media.face import landmarks
from media.face.landmarks import FaceBox, detect_faces, find_mesh
from media.types import Frame


def picture(path: Path) -> Frame:
    image = cv2.imread(str(path))
    assert image is not None
    return np.ascontiguousarray(image[:, :, ::-1])


@pytest.fixture
def painting(shared: Path) -> Frame:
    return picture(shared / "data" / "portraits" / "gogol_moller_art11.png")


def test_a_painted_face_is_found_once(painting: Frame) -> None:
    (box,) = detect_faces(painting)
    assert box.score > 0.8
    assert 120 < box.left < 180
    assert 320 < box.right < 400


def test_landmarks_lie_where_the_features_are(painting: Frame) -> None:
    mesh = find_mesh(painting, detect_faces(painting)[0])
    assert mesh.points.shape == (468, 3)
    assert mesh.presence > 0.9
    lips, eyes = mesh.points[13], (mesh.points[33] + mesh.points[263]) / 2
    assert np.allclose(lips[:2], (270, 320), atol=15)
    assert eyes[1] < lips[1] - 70
    assert abs(mesh.turn) < 0.5


def test_two_faces_are_two(painting: Frame) -> None:
    assert len(detect_faces(np.hstack((painting, painting)))) == 2


def test_a_tilted_face_has_tilted_landmarks(painting: Frame) -> None:
    turn = cv2.getRotationMatrix2D((251, 252), 20, 1.0)
    tilted = cv2.warpAffine(painting, turn, painting.shape[1::-1])
    straight = find_mesh(painting, detect_faces(painting)[0]).points[:, :2]
    expected = straight @ turn[:, :2].T + turn[:, 2]
    found = find_mesh(tilted, detect_faces(tilted)[0]).points[:, :2]
    assert np.abs(found - expected).mean() < 5


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_face(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 255, (300, 200, 3), np.uint8)
    assert detect_faces(noise) == []


def test_only_the_surest_of_overlapping_boxes_is_kept() -> None:
    points = np.zeros((6, 2), np.float32)
    boxes = [
        FaceBox(0, 0, 10, 10, points, 0.9),
        FaceBox(1, 1, 11, 11, points, 0.8),
        FaceBox(30, 0, 40, 10, points, 0.7),
    ]
    assert [box.score for box in landmarks._without_overlaps(boxes)] == [0.9, 0.7]


def test_missing_model_files_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks.importlib.util, "find_spec", lambda name: None)
    landmarks._network.cache_clear()
    with pytest.raises(MediaError, match="pip install --no-deps mediapipe"):
        detect_faces(np.zeros((50, 50, 3), np.uint8))
