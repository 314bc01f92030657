"""Personas: `config/personas/NAME.toml` names a counsellor's voice, face and manner.

Engines are chosen here by name; their modules are imported when a persona is first asked for them.
"""

from __future__ import annotations

import importlib
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from media.errors import MediaError
from media.face.face import Face
from media.speak.voice import Voice

VOICES = {
    "kokoro": "media.speak.kokoro:KokoroVoice",
    "jets": "media.speak.jets:JetsVoice",
}
FACES = {
    "counsellor": "media.face.counsellor:Counsellor",
    "portrait": "media.face.portrait:Portrait",
    "wav2lip": "media.face.wav2lip:Wav2LipFace",
    "makeittalk": "media.face.makeittalk:MakeItTalkFace",
}
PATHS = frozenset(
    {
        "photo", "source", "checkpoint", "folder",
        "content", "speaker", "autovc", "embedding", "image",
    }
)  # fmt: skip
"""Options that name a file or folder; a relative one starts from the persona's file."""


@dataclass(frozen=True)
class Persona:
    """A counsellor. `voice` and `face` are built when first used and then kept."""

    name: str
    title: str
    voice_table: dict[str, Any]
    face_table: dict[str, Any]
    consent: dict[str, Any] = field(default_factory=dict)
    """Who agreed to be shown, and when; empty for a drawn face."""

    @cached_property
    def voice(self) -> Voice:
        """The persona's voice engine."""
        built: Voice = _build("voice", VOICES, self.name, self.voice_table)
        return built

    @cached_property
    def face(self) -> Face:
        """The persona's face engine."""
        built: Face = _build("face", FACES, self.name, self.face_table)
        return built


def load_persona(folder: Path, name: str) -> Persona:
    """Return the persona `name` from `folder`; MediaError names what is wrong with its file."""
    path = folder / f"{name}.toml"
    known = persona_names(folder)
    if name not in known:
        raise MediaError(
            "no_persona",
            f"There is no persona {name!r}.",
            f"Choose one of {', '.join(known)}, or add {path.name} to {folder}.",
        )
    try:
        table = _table(path)
        voice, face = (_placed(table[part], folder) for part in ("voice", "face"))
        return Persona(name, table["title"], voice, face, table.get("consent", {}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, AttributeError) as error:
        raise MediaError(
            "bad_persona",
            f"{path.name} is not a persona: {error}.",
            "It needs `title` and the tables [voice] and [face], each with `engine`.",
        ) from error


def persona_names(folder: Path) -> list[str]:
    """Return the names of the personas in `folder`, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def voice_table(folder: Path, wish: str) -> dict[str, Any]:
    """Return the [voice] table for `wish`, with relative paths as in a file in `folder`.

    `wish` is a persona whose voice is shared, or an engine with options that are texts, as in
    `kokoro` or `kokoro:style=korean_man`. MediaError `no_voice` or `bad_persona`.
    """
    if wish in persona_names(folder):
        load_persona(folder, wish)
        shared: dict[str, Any] = _table(folder / f"{wish}.toml")["voice"]
        return shared
    engine, _, rest = wish.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    if engine not in VOICES or not all(key.strip() and sign for key, sign, _ in pairs):
        known = [*persona_names(folder), *sorted(VOICES)]
        raise MediaError(
            "no_voice",
            f"{wish!r} names no voice.",
            f"Use one of {', '.join(known)}; an engine may have options: kokoro:style=korean_man.",
        )
    table = {"engine": engine} | {key.strip(): value.strip() for key, _, value in pairs}
    _build("voice", VOICES, "new", _placed(table, folder))
    return table


def _table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _placed(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return `table` with its paths made to start from `folder`."""
    return {
        key: str(folder / Path(value).expanduser()) if key in PATHS and value else value
        for key, value in table.items()
    }


def _build(kind: str, engines: dict[str, str], persona: str, table: dict[str, Any]) -> Any:
    options = dict(table)
    engine = options.pop("engine", None)
    if engine not in engines:
        raise MediaError(
            "no_engine",
            f"Persona {persona!r} asks for the {kind} engine {engine!r}.",
            f"Choose one of {', '.join(sorted(engines))}.",
        )
    module, name = engines[engine].split(":")
    try:
        return getattr(importlib.import_module(module), name)(**options)
    except TypeError as error:
        raise MediaError(
            "bad_persona",
            f"The [{kind}] table of persona {persona!r} does not fit {engine}: {error}.",
            "Remove or correct that key.",
        ) from error
