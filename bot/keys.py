"""The key that signs links and sessions."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from bot.settings import Settings, SettingsError


def signing_key(settings: Settings) -> str:
    """Return `app.secret_key`; in development a lasting one is made in the data folder.

    Web and worker start at the same time and must agree: the file appears whole or not at all,
    and the first one wins. Raises SettingsError where the folder cannot be written.
    """
    given = settings.app.secret_key.get_secret_value()
    if given:
        return given
    path = settings.app.data_dir / "secret_key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise SettingsError(
            f"app.secret_key: is not set and {path} cannot be made ({error.strerror}). "
            "Set SILVERLINE_APP__SECRET_KEY, or make app.data_dir writable."
        ) from error


def _write_once(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secret")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        os.unlink(name)
