"""The embedded broker: a folder with one file a message, which needs no server.

Messages of a worker that dies are gone with it; the sweep of `bot.worker` finds their turns.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem

POLLING_SECONDS = 0.1


class FolderChannel(filesystem.Channel):
    """kombu's folder channel made safe between processes.

    A message appears and is taken whole (kombu's own is read while it is written), it never
    leaves the folder on its way, and every exchange is the queue of its name, so no table of
    bindings is shared in a file.
    """

    supports_fanout = False

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Return the only binding of `exchange`: the queue of the same name."""
        return [(exchange, "", exchange)]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Bindings follow from the names."""

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        self._purge(queue)  # type: ignore[no-untyped-call]

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(json.dumps(payload).encode())
        unfinished.rename(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        folder = Path(self.data_folder_in)
        ending = f".{queue}.msg"
        for name in sorted(name for name in os.listdir(folder) if name.endswith(ending)):
            taken = folder / f"{name}.taken"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # Another worker was quicker.
            message: dict[str, Any] = json.loads(taken.read_bytes())
            taken.unlink()
            return message
        raise Empty


class FolderTransport(filesystem.Transport):
    """The transport behind `folder://`."""

    Channel = FolderChannel


TRANSPORT_ALIASES["folder"] = "bot.broker:FolderTransport"


def folder_options(folder: Path) -> dict[str, Any]:
    """Return the transport options of a broker in `folder`, which is made where missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "polling_interval": POLLING_SECONDS,
    }
