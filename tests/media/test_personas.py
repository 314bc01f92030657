"""Persona files: what they may say, where their paths start, which voices can be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import CONFIG
from media.errors import MediaError
from media.face.wav2lip import Wav2LipFace
from media.personas import load_persona, persona_names, voice_table
from media.speak.kokoro import KokoroVoice

FILE = """
title = "가람"
[voice]
engine = "kokoro"
style = "jm_kumo"
[face]
engine = "wav2lip"
source = "garam.png"
checkpoint = "/models/wav2lip.pth"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "garam.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


def code(folder: Path, name: str) -> str:
    with pytest.raises(MediaError) as caught:
        load_persona(folder, name)
    return caught.value.code


def test_every_packaged_persona_has_its_voice_and_face() -> None:
    names = persona_names(CONFIG / "personas")
    assert {"haneul", "sunny"} <= set(names)
    for name in ("haneul", "sunny"):
        persona = load_persona(CONFIG / "personas", name)
        assert persona.voice.version
        assert name in persona.face.version
        assert persona.consent == {}


def test_paths_start_from_the_file(folder: Path) -> None:
    face = load_persona(folder, "garam").face
    assert isinstance(face, Wav2LipFace)
    assert face.source == folder / "garam.png"
    assert face.checkpoint == Path("/models/wav2lip.pth")


def test_a_voice_is_shared_or_named_with_options(folder: Path) -> None:
    assert voice_table(folder, "garam") == {"engine": "kokoro", "style": "jm_kumo"}
    assert voice_table(folder, "kokoro") == {"engine": "kokoro"}
    assert voice_table(folder, "kokoro:style=jf_alpha")["style"] == "jf_alpha"


@pytest.mark.parametrize("wish", ["nobody", "kokoro:jf_alpha", "kokoro:=x", "kokoro:colour=red"])
def test_a_voice_that_is_none_is_refused(wish: str, folder: Path) -> None:
    with pytest.raises(MediaError):
        voice_table(folder, wish)


@pytest.mark.parametrize("text", ["title = ", 'title = "x"', 'title = "x"\nvoice = 1\nface = 2'])
def test_a_file_that_is_no_persona_is_explained(text: str, folder: Path) -> None:
    (folder / "odd.toml").write_text(text)
    assert code(folder, "odd") == "bad_persona"


def test_what_is_unknown_is_named(folder: Path) -> None:
    assert code(folder, "absent") == "no_persona"
    (folder / "odd.toml").write_text(FILE.replace('"wav2lip"', '"puppet"'))
    with pytest.raises(MediaError, match="puppet"):
        _ = load_persona(folder, "odd").face
    (folder / "odd.toml").write_text(FILE.replace("style", "colour"))
    with pytest.raises(MediaError, match="does not fit kokoro"):
        _ = load_persona(folder, "odd").voice
    assert isinstance(load_persona(folder, "garam").voice, KokoroVoice)
