"""The file store: recordings, speech, videos and posters, in a folder or any fsspec store."""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from bot.conversation.models import MediaFile

SUFFIXES = {
    "video/mp4": ".mp4",
    "image/jpeg": ".jpg",
    "audio/wav": ".wav",
    "application/json": ".json",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/mp4": ".m4a",
    "audio/amr": ".amr",
    "audio/aac": ".aac",
    "audio/webm": ".webm",
    "video/webm": ".webm",
    "video/3gpp": ".3gp",
    "audio/3gpp": ".3gp",
}

_KEY = re.compile(r"[A-Za-z0-9_-]{22}\.[a-z0-9]{2,4}")


class FileStoreError(Exception):
    """The file store cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What `put` stored: its key, length in bytes and SHA-256 in hex."""

    key: str
    content_type: str
    bytes: int
    sha256: str

    def record(self, kind: str, seconds: float | None = None) -> MediaFile:
        """Return the row that records the file."""
        return MediaFile(
            key=self.key,
            kind=kind,
            content_type=self.content_type,
            bytes=self.bytes,
            seconds=seconds,
            sha256=self.sha256,
        )


class FileStore:
    """Files under generated keys. A file that no row records is of no meaning.

    FileStoreError for a store that is unknown or not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self._fs, self._root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise FileStoreError(
                f"files.url names a store that cannot be used: {error} "
                "Use a folder, or install the fsspec package of that store."
            ) from error

    def put(self, source: Path | bytes, content_type: str) -> Stored:
        """Copy `source` into the store under a new key that nobody can guess."""
        key = secrets.token_urlsafe(16) + SUFFIXES.get(content_type, ".bin")
        path = self._path(key)
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        if isinstance(source, bytes):
            self._fs.pipe_file(path, source)
            return Stored(key, content_type, len(source), hashlib.sha256(source).hexdigest())
        self._fs.put_file(str(source), path)
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Stored(key, content_type, source.stat().st_size, digest)

    def open(self, key: str) -> BinaryIO:
        """Return the file for reading, seekable. FileNotFoundError where there is none."""
        return cast(BinaryIO, self._fs.open(self._path(key), "rb"))

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Give the file as a path of this machine while the block runs; only for reading."""
        path = self._path(key)
        if isinstance(self._fs, LocalFileSystem):
            if not self._fs.exists(path):
                raise FileNotFoundError(key)
            yield Path(path)
            return
        with tempfile.TemporaryDirectory(prefix="silverline-") as folder:
            copy = Path(folder) / key
            self._fs.get_file(path, str(copy))
            yield copy

    def size(self, key: str) -> int:
        """Return the length in bytes. FileNotFoundError where there is none."""
        return int(self._fs.size(self._path(key)))

    def delete(self, key: str) -> None:
        """Remove the file; it is no error if it is gone already."""
        path = self._path(key)
        try:
            self._fs.rm_file(path)
        except FileNotFoundError:
            return

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise FileNotFoundError(f"{key!r} is not a key of the file store")
        return f"{self._root}/{key[:2]}/{key}"


def plain_type(content_type: str) -> str:
    """Return `content_type` without its parameters, in small letters."""
    return content_type.partition(";")[0].strip().lower()
