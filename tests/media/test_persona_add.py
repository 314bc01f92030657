"""Photos that become personas: what is refused, what is kept, what is shown."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.portrait import Portrait, read_photo
from media.face.portrait_mesh import frontal_face
from media.persona_add import KEPT, add_persona, contact_sheet, silent_speech
from media.personas import load_persona
from media.types import Frame
from tests.media.talkers import turned

CONSENT = "김영희 본인, 2026-11-23 서면 동의"
VOICE = {"engine": "kokoro", "style": "jm_kumo"}


@pytest.fixture(scope="module")
def drawn() -> Frame:
    return next(iter(Counsellor().listening(0.04)))


def save(folder: Path, picture: Frame, name: str = "given.png") -> Path:
    path = folder / name
    cv2.imwrite(str(path), np.ascontiguousarray(picture[:, :, ::-1]))
    return path


def refused(folder: Path, photo: Path, name: str = "younghee", consent: str = CONSENT) -> str:
    with pytest.raises(MediaError) as caught:
        add_persona(folder, name, photo, VOICE, consent, folder / "preview")
    assert not (folder / f"{name}.toml").exists() or caught.value.code == "name_taken"
    return caught.value.code


def test_a_twenty_megapixel_photo_becomes_a_persona(drawn: Frame, tmp_path: Path) -> None:
    photo = save(tmp_path, cv2.resize(drawn, (4500, 4500)), "large.jpg")
    folder, shown = tmp_path / "personas", tmp_path / "preview"
    added = add_persona(folder, "younghee", photo, VOICE, CONSENT, shown, title="영희 상담사")
    persona = load_persona(folder, "younghee")
    assert persona.title == "영희 상담사"
    assert persona.voice_table == VOICE
    assert persona.consent["statement"] == CONSENT
    assert persona.consent["photo_sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    kept = cv2.imread(str(added.photo))
    assert kept is not None
    assert kept.shape[0] == kept.shape[1] <= KEPT
    assert isinstance(persona.face, Portrait)
    assert persona.face.photo == folder / "younghee.png"
    assert added.clip.read_bytes()[4:8] == b"ftyp"
    assert cv2.imread(str(added.sheet)).shape == (768, 1024, 3)
    assert refused(folder, photo) == "name_taken"


def test_a_new_photo_under_the_same_name_is_another_face(drawn: Frame, tmp_path: Path) -> None:
    photo = save(tmp_path, drawn)
    before = Portrait(photo).version
    save(tmp_path, drawn[:, ::-1])
    assert Portrait(photo).version != before
    assert "none" in Portrait(tmp_path / "absent.png").version


def test_photos_that_cannot_be_used_leave_nothing_behind(drawn: Frame, tmp_path: Path) -> None:
    grey = save(tmp_path, np.full((400, 400, 3), 128, np.uint8))
    assert refused(tmp_path, grey) == "no_face"
    assert refused(tmp_path, save(tmp_path, np.hstack((drawn, drawn)))) == "two_faces"
    animation = tmp_path / "photo.gif"
    animation.write_bytes(b"GIF89a")
    assert refused(tmp_path, animation) == "not_photo"
    assert refused(tmp_path, tmp_path / "absent.png") == "no_photo"
    assert not list(tmp_path.glob("younghee*"))


def test_an_animated_png_is_an_animation(tmp_path: Path) -> None:
    path = tmp_path / "moving.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n....IHDR....acTL....IDAT")
    assert refused(tmp_path, path) == "not_photo"


def test_a_head_may_be_turned_a_little_and_a_profile_is_refused(
    drawn: Frame, tmp_path: Path
) -> None:
    slightly = frontal_face(turned(drawn, 15))
    assert 0.1 < slightly.turn < 0.5
    for degrees in (45, -60, 75):
        assert refused(tmp_path, save(tmp_path, turned(drawn, degrees))) == "profile"


def test_a_moving_webp_is_an_animation(drawn: Frame, tmp_path: Path) -> None:
    still = tmp_path / "still.webp"
    cv2.imwrite(str(still), cv2.resize(drawn[:, :, ::-1], (256, 256)))
    assert read_photo(still).shape == (256, 256, 3)
    moving = cv2.Animation()
    moving.frames = [np.full((32, 32, 4), value, np.uint8) for value in (0, 120, 250)]
    moving.durations = [100, 100, 100]
    path = tmp_path / "moving.webp"
    cv2.imwriteanimation(str(path), moving)
    assert refused(tmp_path, path) == "not_photo"


@pytest.mark.parametrize("consent", ["", "   ", "2026", "김영희"])
def test_consent_says_who_and_when(consent: str, tmp_path: Path) -> None:
    assert refused(tmp_path, tmp_path / "photo.png", consent=consent) == "no_consent"


@pytest.mark.parametrize("name", ["", "../up", "Young", "a b", "x" * 40])
def test_names_are_file_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be a persona's name"):
        add_persona(tmp_path, name, tmp_path / "p.png", VOICE, CONSENT, tmp_path)


def test_the_contact_sheet_shows_different_mouths(drawn: Frame, tmp_path: Path) -> None:
    sheet = contact_sheet(Portrait(save(tmp_path, drawn), size=256))
    tiles = sheet.reshape(3, 256, 4, 256, 3).swapaxes(1, 2).reshape(12, -1)
    assert len({tile.tobytes() for tile in tiles}) == 12


def test_the_preview_says_something_without_a_sound() -> None:
    speech = silent_speech()
    assert not speech.audio.samples.any()
    assert speech.phonemes[-1].end < speech.audio.seconds
