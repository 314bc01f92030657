"""Speech kept on disk: a sentence that was said before costs nothing.

A voice's `version` names engine, weights and tuning, so a changed voice never finds the old
sound. Files are written beside their place and renamed: a reader sees all of one or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from media.speak.kokoro import join
from media.speak.voice import Voice
from media.types import Audio, Manner, Phoneme, Speech

MOST_BYTES = 512 * 1024 * 1024
"""Size of the folder, about three hours of speech; what was used longest ago goes first."""


class CachedVoice:
    """A voice that remembers: `voice` with its speeches kept in `folder`."""

    def __init__(self, voice: Voice, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.voice, self.folder, self.most_bytes = voice, folder, most_bytes
        self.version = voice.version

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        """Return `text` as one speech, from the folder where it was said before."""
        known = self.known(text, manner)
        if known is None:
            known = self.voice.speak(text, manner)
            self._keep(known, manner)
        return known

    def stream(self, text: str, manner: Manner = Manner()) -> Iterator[Speech]:
        """Yield `text` part by part; at once as a whole where it was said before."""
        known = self.known(text, manner)
        if known is not None:
            yield known
            return
        parts = []
        for part in self.voice.stream(text, manner):
            parts.append(part)
            yield part
        self._keep(join(text, parts), manner)

    def warm_up(self) -> None:
        """Prepare the voice."""
        self.voice.warm_up()

    def _path(self, text: str, manner: Manner) -> Path:
        key = json.dumps([text, self.version, asdict(manner)], ensure_ascii=False, sort_keys=True)
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.npz"

    def known(self, text: str, manner: Manner = Manner()) -> Speech | None:
        """Return `text` as it was said before, None where it never was."""
        path = self._path(text, manner)
        try:
            with np.load(path) as kept:
                samples, rate = kept["samples"], int(kept["rate"])
                phonemes = json.loads(str(kept["phonemes"]))
            os.utime(path)
        except (FileNotFoundError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        sound = Audio(samples.astype(np.float32) / 32767.0, rate)
        return Speech(text, sound, tuple(Phoneme(*values) for values in phonemes))

    def _keep(self, speech: Speech, manner: Manner) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self._path(speech.text, manner)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".npz", dir=self.folder)
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                np.savez(
                    out,
                    samples=(speech.audio.samples * 32767.0).round().astype(np.int16),
                    rate=speech.audio.rate,
                    phonemes=json.dumps(
                        [[p.symbol, p.start, p.end, p.word] for p in speech.phonemes]
                    ),
                )
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        self._make_room()

    def _make_room(self) -> None:
        kept = []
        for path in self.folder.glob("[!.]*.npz"):
            # Another process may be making room at the same time.
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            kept.append((found.st_mtime_ns, found.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self.most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size
