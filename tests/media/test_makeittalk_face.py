"""The MakeItTalk face: landmarks in one form, the mesh that follows them, checkpoints."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.landmark_drive import LandmarkDrive
from media.face.makeittalk import DrawnPortrait, MakeItTalkFace, sketch
from media.face.makeittalk_content import content_windows
from media.face.sixty_eight import (
    MESH_INDICES,
    MIRRORED,
    face_moves,
    normal_form,
    openings,
    registered,
    sixty_eight,
)
from media.face.viseme import REST, frame_count
from media.types import Frame, Speech
from tests.media.talkers import babble

torch = pytest.importorskip("torch", reason="MakeItTalk needs the extra `neural`")

from media.networks.autovc import AutoVC  # noqa: E402
from media.networks.image_translation import ImageTranslation  # noqa: E402
from media.networks.landmark_talk import LandmarkTalk  # noqa: E402
from media.networks.makeittalk import SpeakerBranch  # noqa: E402


@pytest.fixture(scope="module")
def face() -> MakeItTalkFace:
    built = MakeItTalkFace(look="sunny", size=256)
    built.warm_up()
    return built


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    drawn = Counsellor(look="haneul").picture()
    cv2.imwrite(str(path), np.ascontiguousarray(drawn[:, :, ::-1]))
    return path


@pytest.fixture(scope="module")
def speech() -> Speech:
    return babble(3, 1.2)


def test_the_normal_form_looks_ahead() -> None:
    draw = np.random.default_rng(0)
    points = draw.normal(0, 60, (68, 3)) + 200
    points[0], points[16] = (100, 200, 0), (220, 260, 0)
    form = normal_form(points)
    placed = form.of(points)
    assert placed[0] == pytest.approx([-0.8, 0, 0], abs=1e-9)
    assert placed[16] == pytest.approx([0.8, 0, 0], abs=1e-9)
    moves = draw.normal(0, 0.1, (68, 3))
    assert form.of(points + form.back(moves)) == pytest.approx(placed + moves)


def test_turns_of_the_head_are_taken_out() -> None:
    draw = np.random.default_rng(1)
    rest = draw.normal(0, 1, (68, 3))
    angle = 0.2
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    track = np.stack([rest, 1.3 * rest @ turn.T + 5])
    assert registered(track, rest) == pytest.approx(np.stack([rest, rest]), abs=1e-6)


def test_what_speech_does_is_what_is_left() -> None:
    mesh = np.tile(Counselled.mesh, (10, 1, 1))
    mesh[5, 14, 1] += 12
    rest, moves = face_moves(mesh)
    assert moves[5, 66, 1] > 0.05
    assert np.abs(moves[4]).max() < 1e-3
    assert openings(rest + moves).argmax() == 5


class Counselled:
    """The mesh of the drawn counsellor, as a filmed face would have it."""

    from media.face.landmarks import detect_faces, find_mesh

    picture: Frame = Counsellor().picture()
    mesh = find_mesh(picture, detect_faces(picture)[0]).points.astype(np.float64)


def test_a_mirrored_face_has_its_points_mirrored() -> None:
    points = sixty_eight(Counselled.mesh)
    placed = normal_form(points).of(points)
    mirrored = placed[list(MIRRORED)] * [-1, 1, 1]
    assert np.abs(mirrored[:, :2] - placed[:, :2]).max() < 0.12
    assert sorted(MIRRORED) == list(range(68))
    assert len(set(MESH_INDICES)) == 68


def test_windows_are_around_their_frames() -> None:
    content = np.arange(100, dtype=np.float32)[:, None].repeat(80, 1)
    windows = content_windows(content, 40)
    assert windows.shape == (40, 18, 80)
    assert windows[20, :, 0].tolist() == list(range(46, 64))
    assert windows[0, 0, 0] == 0
    assert windows[39, -1, 0] == 99


def test_the_mesh_follows_its_landmarks(face: MakeItTalkFace) -> None:
    mesh = face.portrait.mesh
    drive = LandmarkDrive(mesh)
    still = mesh.points + mesh.closed
    points, _ = drive.moved(np.zeros((68, 3)), still)
    assert points == pytest.approx(still, abs=1e-6)
    opened = np.zeros((68, 3))
    opened[[65, 66, 67, 55, 56, 57, 58, 59, 7, 8, 9], 1] = 0.12
    points, weights = drive.moved(opened, still)
    assert weights["jaw"] > 0.2
    wanted = 0.12 / drive.form.scale
    assert points[14, 1] - still[14, 1] == pytest.approx(wanted, rel=0.35)
    turned = np.zeros((68, 3))
    turned[:, 0] = 0.05
    moved, _ = drive.moved(turned, still)
    assert moved[1, 0] - still[1, 0] > 0.3 * 0.05 / drive.form.scale
    # Lips that would cross meet.
    crossed = np.zeros((68, 3))
    crossed[[65, 66, 67], 1] = -0.3
    points, _ = drive.moved(crossed, still)
    assert (points[14] - points[13]) @ mesh.axes[1] > -0.5


def test_the_drawn_counsellor_and_a_photo_speak(
    face: MakeItTalkFace, photo: Path, speech: Speech
) -> None:
    for speaker in (face, MakeItTalkFace(photo=photo, size=128)):
        frames = list(speaker.speaking(speech, tail=0.4))
        assert len(frames) == frame_count(speech.audio.seconds + 0.4)
        assert np.abs(frames[12].astype(int) - frames[0]).max() > 40
        assert len(list(speaker.listening(0.2))) == 5


def test_the_drawn_picture_keeps_its_frame() -> None:
    portrait = DrawnPortrait("haneul", 256)
    drawn = cv2.resize(
        Counsellor(512, "haneul").picture(), (256, 256), interpolation=cv2.INTER_AREA
    )
    assert np.abs(portrait.mesh.picture.astype(int) - drawn).mean() < 2
    assert portrait.version.startswith(Counsellor(512, "haneul").version)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of the published kinds, with random weights."""
    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(2)
    kinds = {
        "speaker": (SpeakerBranch(), "G"),
        "autovc": (AutoVC(), "model"),
        "image": (ImageTranslation(), "G"),
    }
    files = {}
    for name, (network, part) in kinds.items():
        files[name] = folder / f"{name}.pth"
        torch.save({part: network.state_dict()}, files[name])
    files["embedding"] = folder / "speaker.npy"
    np.save(files["embedding"], np.random.default_rng(0).normal(size=256).astype(np.float32))
    return files


def test_published_parts_take_their_places(published: dict[str, Path], speech: Speech) -> None:
    parts = {name: published[name] for name in ("speaker", "autovc", "embedding")}
    face = MakeItTalkFace(look="sunny", size=128, **parts)
    assert "none" in face.version
    frames = list(face.speaking(speech, tail=0.1))
    assert len({frame.tobytes() for frame in frames}) > 5
    drawn = MakeItTalkFace(look="sunny", size=128, image=published["image"])
    drawn.warm_up()
    few = Speech("", type(speech.audio)(speech.audio.samples[:3200], 16000))
    pictures = list(drawn.speaking(few, tail=0.0))
    assert [picture.shape for picture in pictures] == [(128, 128, 3)] * 5


def test_landmarks_are_drawn_in_their_colours() -> None:
    points = sixty_eight(Counselled.mesh)[:, :2]
    picture = sketch(points, 512)
    assert picture[0, 0].tolist() == [255, 255, 255]
    x, y = np.round(points[8]).astype(int)
    assert picture[y, x].tolist() == [25, 144, 255]


def test_what_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaError, match="not both"):
        MakeItTalkFace()
    embedding = tmp_path / "speaker.npy"
    talk = LandmarkTalk(tmp_path / "absent.pth", embedding=embedding)
    with pytest.raises(MediaError, match="no checkpoint"):
        talk.warm_up()
    embedding.write_bytes(b"nothing")
    with pytest.raises(MediaError, match="no speaker embedding"):
        _ = talk.embedding
    np.save(embedding, np.zeros(3))
    with pytest.raises(MediaError, match="3 numbers"):
        _ = talk.embedding
    monkeypatch.setitem(sys.modules, "media.networks.landmark_talk", None)
    for face in (MakeItTalkFace(look="sunny"), MakeItTalkFace(look="sunny", image=embedding)):
        with pytest.raises(MediaError, match="silverline\\[neural\\]"):
            face.warm_up()


def test_at_rest_the_face_is_the_photo(face: MakeItTalkFace) -> None:
    rest = next(face.listening(0.04))
    assert np.abs(rest.astype(int) - face.portrait.mesh.picture).mean() < 3
    assert REST.closure == 1.0
