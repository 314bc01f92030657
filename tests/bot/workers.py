"""Worker processes for tests: started, killed, stopped, waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.settings import ROOT, Settings

PATIENCE = 30.0
"""Seconds until a test gives up waiting; long, for machines that are busy."""


@contextmanager
def worker(
    settings: Settings, folder: Path, sink: str, queues: str = "speech,video"
) -> Iterator[subprocess.Popen[bytes]]:
    """Give a worker process on `settings`; it is killed at the end of the block."""
    environment = os.environ | {
        "SILVERLINE_DATABASE__URL": settings.database.url,
        "SILVERLINE_APP__DATA_DIR": str(settings.app.data_dir),
        "SILVERLINE_JOBS__BROKER": settings.jobs.broker,
        "SILVERLINE_JOBS__SWEEP_SECONDS": str(settings.jobs.sweep_seconds),
        "SILVERLINE_JOBS__STUCK_SECONDS": str(settings.jobs.stuck_seconds),
        "SILVERLINE_JOBS__ATTEMPTS": str(settings.jobs.attempts),
    }
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.worker_process", str(folder), sink, queues],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End `process` at once, with no word of warning."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait_until(true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Return once `true()`; AssertionError with `what` when patience ends."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, f"still waiting for: {what}"
        time.sleep(0.02)
