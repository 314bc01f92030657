"""Portraits: which photos are taken, and what the moved face shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.motion import Pose
from media.face.portrait import Portrait, read_photo
from media.face.portrait_mesh import INNER_LOWER, build_mesh, framed_face, frontal_face
from media.face.viseme import REST, Mouth
from media.types import Audio, Frame, Phoneme, Speech


@pytest.fixture(scope="module")
def drawn() -> Frame:
    """A frontal face that needs no file: the drawn counsellor's."""
    return next(iter(Counsellor().listening(0.04)))


@pytest.fixture(scope="module")
def photo(drawn: Frame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    cv2.imwrite(str(path), np.ascontiguousarray(drawn[:, :, ::-1]))
    return path


@pytest.fixture(scope="module")
def portrait(photo: Path) -> Portrait:
    built = Portrait(photo, size=256)
    built.warm_up()
    return built


def lips(portrait: Portrait, mouth: Mouth) -> float:
    """Opening between the inner lips in pixels."""
    points = portrait.moved(mouth, Pose())
    return float((points[14] - points[13]) @ portrait.mesh.axes[1])


def code(photo: Frame) -> str:
    with pytest.raises(MediaError) as caught:
        frontal_face(photo)
    return caught.value.code


def test_the_wider_the_vowel_the_wider_the_lips(portrait: Portrait) -> None:
    a, eo, eu, rest = (lips(portrait, Mouth(jaw=jaw, closure=0)) for jaw in (1.0, 0.68, 0.22, 0.0))
    assert a > eo > eu > rest
    assert lips(portrait, Mouth(jaw=1.0, closure=1.0)) <= rest + 0.5


def test_rounding_narrows_the_mouth_and_spreading_widens_it(portrait: Portrait) -> None:
    def width(mouth: Mouth) -> float:
        points = portrait.moved(mouth, Pose())
        return float(np.linalg.norm(points[308] - points[78]))

    rest = width(Mouth(closure=0))
    assert width(Mouth(rounding=1.0, closure=0)) < 0.8 * rest
    assert width(Mouth(spread=1.0, closure=0)) > 1.05 * rest


def test_an_open_mouth_shows_its_dark_inside(portrait: Portrait) -> None:
    frame = portrait.draw(Mouth(jaw=1.0, closure=0.0), Pose())
    points = portrait.moved(Mouth(jaw=1.0, closure=0.0), Pose())
    x, y = (points[13] * 0.45 + points[14] * 0.55).astype(int)
    shut = portrait.draw(REST, Pose())
    assert frame[y, x].sum() < 0.7 * shut[y, x].sum()


def test_a_blink_covers_the_iris(portrait: Portrait) -> None:
    x, y = portrait.mesh.points[[33, 133]].mean(axis=0).astype(int)
    opened, shut = (portrait.draw(REST, Pose(blink=blink)) for blink in (0.0, 1.0))
    assert shut[y - 2 : y + 3, x].sum() > 1.3 * opened[y - 2 : y + 3, x].sum()


def test_the_picture_at_rest_is_the_photo(portrait: Portrait) -> None:
    difference = np.abs(portrait.draw(REST, Pose()).astype(int) - portrait.mesh.picture)
    assert difference.mean() < 2.0


def test_the_edge_of_the_picture_never_moves(portrait: Portrait) -> None:
    moved = portrait.draw(Mouth(jaw=1.0, closure=0.0), Pose(yaw=1, pitch=1, roll=1, breath=1))
    assert np.abs(moved[:3].astype(int) - portrait.mesh.picture[:3]).mean() < 3


def test_frames_go_with_the_speech(portrait: Portrait) -> None:
    silence = Audio(np.zeros(24000, np.float32), 24000)
    speech = Speech("아", silence, (Phoneme("a", 0.2, 0.8, "아"),))
    frames = list(portrait.speaking(speech, tail=0.2))
    assert len(frames) == 30
    assert frames[0].shape == (256, 256, 3)
    assert np.abs(frames[12].astype(int) - frames[0]).max() > 40
    again = list(portrait.speaking(speech, tail=0.2))
    assert all((a == b).all() for a, b in zip(frames, again, strict=True))


def test_listening_is_alive(portrait: Portrait) -> None:
    frames = list(portrait.listening(3.0))
    assert len(frames) == 75
    assert len({frame.tobytes() for frame in frames}) > 20


def test_lips_parted_in_the_photo_are_shut_at_rest(portrait: Portrait) -> None:
    opened = portrait.draw(Mouth(jaw=0.8, closure=0.0), Pose())
    mesh = build_mesh(cv2.resize(opened, (512, 512)), 256)
    assert np.abs(mesh.closed[list(INNER_LOWER)]).max() > 1.0


def test_photos_without_one_frontal_face_are_refused(drawn: Frame) -> None:
    assert code(np.full((300, 300, 3), 128, np.uint8)) == "no_face"
    assert code(np.hstack((drawn, drawn))) == "two_faces"
    small = np.full((700, 700, 3), 200, np.uint8)
    small[300:420, 300:420] = cv2.resize(drawn, (120, 120), interpolation=cv2.INTER_AREA)
    assert code(small) in {"small_face", "no_face"}


def test_a_turned_head_is_refused(drawn: Frame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.face.portrait_mesh.MAX_TURN", 0.0)
    assert code(drawn) == "profile"


def test_the_face_has_its_share_of_the_square(drawn: Frame) -> None:
    large = cv2.resize(drawn, (2048, 2048))
    picture, face, crop = framed_face(large, 256)
    assert picture.shape == (256, 256, 3)
    assert 0.3 < (face[152, 1] - face[10, 1]) / 256 < 0.6
    kept = framed_face(large, 256, crop)[1]
    assert np.abs(kept - face).max() < 1e-6


def test_a_twenty_megapixel_photo_is_worked_with_smaller(drawn: Frame, tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), cv2.resize(drawn[:, :, ::-1], (4500, 4500)))
    assert max(read_photo(path).shape) == 1600


@pytest.mark.parametrize(
    "data", [b"", b"text", b"GIF89a....", b"RIFF0000WEBPVP8X....ANIM", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_still_picture_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        read_photo(path)
    assert caught.value.code == "not_photo"


def test_paintings_speak(shared: Path) -> None:
    for name in ("monalisa.png", "gogol_moller_art11.png"):
        portrait = Portrait(shared / "data" / "portraits" / name, size=128)
        assert lips(portrait, Mouth(jaw=1.0, closure=0.0)) > 4
        assert name in portrait.version
