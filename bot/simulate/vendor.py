"""What the played vendors share: a small server of their own, and a book of broken rules."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

LOOK_SECONDS = 0.05
"""How soon a server sees that it is to stop."""

TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".amr": "audio/amr",
    ".3gp": "video/3gpp",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".jpg": "image/jpeg",
    ".png": "image/png",
}


def type_of(path: Path) -> str:
    """Return the content type that a messenger would name for `path`."""
    return TYPES.get(path.suffix.lower(), "application/octet-stream")


@dataclass
class Book:
    """The rules that were broken, in the order of time; safe to write from any thread."""

    broken: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, kept: bool, rule: str) -> bool:
        """Write `rule` down where it was not kept; return whether it was."""
        if not kept:
            with self._lock:
                self.broken.append(rule)
        return kept


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        return


class Vendor:
    """A vendor's server on this machine; use it in a `with` block."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.book = Book()
        self.app = Flask(__name__)
        self._server: BaseWSGIServer = make_server(
            host, port, self.app, threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(LOOK_SECONDS,), daemon=True
        )
        self.url = f"http://{host}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
