"""A consented photograph becomes a persona: checked, framed, kept beside its file, and shown."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from media.errors import MediaError
from media.face.motion import Pose
from media.face.portrait import Portrait, read_photo
from media.face.portrait_mesh import framed_face
from media.face.viseme import CONSONANTS, REST, VOWELS, Mouth
from media.personas import persona_names
from media.types import Audio, Frame, Phoneme, Speech
from media.video import encode
from media.whole import write_whole

KEPT = 1024
"""Pixels of the framed photo that is kept, at most."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_YEAR = re.compile(r"(19|20)\d\d")
_SHEET = 256
"""Pixels of one face on the contact sheet."""
_SAID = "a n j ʌ ŋ h a s e j o"
"""What the preview's lips say: 안녕하세요."""


@dataclass(frozen=True, slots=True)
class Added:
    """A new persona: its file, the kept photo, and the two previews."""

    file: Path
    photo: Path
    sheet: Path
    clip: Path


def add_persona(
    folder: Path,
    name: str,
    photo: Path,
    voice: dict[str, Any],
    consent: str,
    preview: Path,
    title: str = "",
    replace: bool = False,
) -> Added:
    """Make the persona `name` in `folder` from `photo` and show it in the folder `preview`.

    The photo is cut around the face and kept as `NAME.png` without its metadata; `NAME.toml`
    names it and `voice`, and records `consent` (who gave it, and when) with the original's
    SHA-256. Nothing is written unless the photo shows exactly one frontal face. MediaError
    `bad_name`, `name_taken`, `no_consent`, `not_photo`, `no_face`, `two_faces`, `profile` or
    `small_face`.
    """
    _check_name(folder, name, replace)
    said = _checked_consent(consent)
    framed = _framed(photo)
    folder.mkdir(parents=True, exist_ok=True)
    preview.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{name}.png"
    write_whole(kept, _png(framed))
    portrait = Portrait(kept)
    sheet, clip = preview / f"{name}.png", preview / f"{name}.mp4"
    write_whole(sheet, _png(contact_sheet(portrait)))
    speech = silent_speech()
    encode(portrait.speaking(speech, tail=0.8), speech.audio, clip, size=portrait.size)
    record = {
        "statement": said,
        "recorded": date.today().isoformat(),
        "photo_sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
    }
    face = {"engine": "portrait", "photo": kept.name}
    file = folder / f"{name}.toml"
    tables = {"voice": voice, "face": face, "consent": record}
    write_whole(file, _toml(title or name, tables).encode())
    return Added(file, kept, sheet, clip)


def contact_sheet(portrait: Portrait) -> Frame:
    """Return one picture of the mouth shapes that tell most, 4 across, each with its sound."""
    shown = {"rest": (REST, Pose())}
    for label, vowel in zip(
        ("a", "eo", "o", "u", "eu", "i", "e"), ("a", "ʌ", "o", "u", "ɯ", "i", "e"), strict=True
    ):
        shown[label] = (Mouth(closure=0.0, **VOWELS[vowel]), Pose())
    shown["m"] = (Mouth(closure=1.0, **CONSONANTS["m"]), Pose())
    for sound in "sn":
        shown[sound] = (Mouth(closure=0.0, **CONSONANTS[sound]), Pose())
    shown["blink"] = (REST, Pose(blink=1.0))
    tiles = []
    for label, (mouth, pose) in shown.items():
        tile = cv2.resize(
            portrait.draw(mouth, pose), (_SHEET, _SHEET), interpolation=cv2.INTER_AREA
        )
        for colour, width in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            cv2.putText(tile, label, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, width)
        tiles.append(tile)
    rows = [np.hstack(tiles[start : start + 4]) for start in range(0, len(tiles), 4)]
    return np.ascontiguousarray(np.vstack(rows), np.uint8)


def silent_speech() -> Speech:
    """Return 1.6 s of silence whose phonemes move the lips as 안녕하세요 does."""
    phonemes = tuple(
        Phoneme(symbol, 0.2 + 0.11 * place, 0.31 + 0.11 * place, "안녕하세요")
        for place, symbol in enumerate(_SAID.split())
    )
    return Speech("", Audio(np.zeros(round(1.6 * 24000), np.float32), 24000), phonemes)


def _check_name(folder: Path, name: str, replace: bool) -> None:
    if not _NAME.fullmatch(name):
        raise MediaError(
            "bad_name",
            f"{name!r} cannot be a persona's name.",
            "Use up to 31 small Latin letters, digits, - and _, a letter first.",
        )
    if name in persona_names(folder) and not replace:
        raise MediaError(
            "name_taken",
            f"There is a persona {name!r} already.",
            "Choose another name, or replace it with --replace.",
        )


def _checked_consent(consent: str) -> str:
    said = " ".join(consent.split())
    if not _YEAR.search(said) or not any(letter.isalpha() for letter in said):
        raise MediaError(
            "no_consent",
            "A portrait needs a record of who agreed to be shown, and when.",
            'Name both, as in --consent "김영희 본인, 2026-11-23 서면 동의".',
        )
    return said


def _framed(photo: Path) -> Frame:
    """Return the photo's square around the face, no finer than the photo."""
    picture = read_photo(photo)
    _, _, crop = framed_face(picture, 256)
    framed, _, _ = framed_face(picture, min(KEPT, round(crop.side)), crop)
    return framed


def _png(picture: Frame) -> bytes:
    return cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))[1].tobytes()


def _toml(title: str, tables: dict[str, dict[str, Any]]) -> str:
    """Return a persona's file; values are texts, numbers or truths, which JSON writes alike."""
    lines = [f"title = {json.dumps(title, ensure_ascii=False)}"]
    for name, table in tables.items():
        lines += ["", f"[{name}]"]
        lines += [
            f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()
        ]
    return "\n".join(lines) + "\n"
