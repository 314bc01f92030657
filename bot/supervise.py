"""Several processes kept running as one: started, restarted when they die, stopped together."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

QUICK_SECONDS = 5.0
"""A process that dies sooner than this after its start has failed to start."""

QUICK_DEATHS = 3
PAUSE_SECONDS = 1.0
GRACE_SECONDS = 30.0
LOOK_SECONDS = 0.2


@dataclass
class Child:
    """A process by name, what starts it, and how often in a row it died at its start."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    started: float
    quick_deaths: int = 0


def supervise(
    commands: Mapping[str, Sequence[str]],
    stop: threading.Event,
    tell: Callable[[str], None],
) -> int:
    """Run `commands` until `stop` is set; return 0, or 1 where one cannot be kept running.

    A process that dies is started anew after a second; one that dies three times at its start
    stops all. Stopping asks first (SIGTERM) and kills after 30 seconds.
    """
    children = [_start(name, command) for name, command in commands.items()]
    try:
        while not stop.wait(LOOK_SECONDS):
            for child in children:
                status = child.process.poll()
                if status is None:
                    continue
                if time.monotonic() - child.started < QUICK_SECONDS:
                    child.quick_deaths += 1
                else:
                    child.quick_deaths = 0
                if child.quick_deaths >= QUICK_DEATHS:
                    tell(f"{child.name} ends at its start again and again (status {status}).")
                    return 1
                tell(f"{child.name} ended (status {status}); starting it again.")
                if stop.wait(PAUSE_SECONDS):
                    break
                child.process, child.started = _spawn(child.command), time.monotonic()
        return 0
    finally:
        _stop(children)


def own(*arguments: str) -> list[str]:
    """Return the command line of this very program with `arguments`."""
    return [sys.executable, "-m", "bot", *arguments]


def _start(name: str, command: Sequence[str]) -> Child:
    return Child(name, command, _spawn(command), time.monotonic())


def _spawn(command: Sequence[str]) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C reaches the parent only, which stops all in order.
    return subprocess.Popen(command, start_new_session=True)


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        child.process.terminate()
    end = time.monotonic() + GRACE_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
