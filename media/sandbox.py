"""ffmpeg as a child process that cannot outlive its deadline, nor eat the machine."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import imageio_ffmpeg

_BLOCK = 1 << 16
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""Nothing of the service's own variables: they hold secrets, and FFREPORT would write files."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left behind; `output` and `errors` are cut at their limits."""

    code: int
    output: bytes
    errors: str
    timed_out: bool
    overflowed: bool
    """It wrote more than it was allowed to and was ended."""


@cache
def ffmpeg_path() -> str:
    """Return the path of the ffmpeg binary."""
    path: str = imageio_ffmpeg.get_ffmpeg_exe()
    return path


def start(
    command: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` as the leader of its own process group, with an empty environment."""
    return subprocess.Popen(
        list(command),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        pass_fds=tuple(pass_fds),
        env=_ENVIRONMENT,
        start_new_session=True,
        close_fds=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End `process` and everything it started, at once, and reap it."""
    if process.poll() is None:
        # Its group may be gone already where it ended between the two calls.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(
    command: Sequence[str],
    *,
    seconds: float,
    max_output: int,
    max_errors: int = 1 << 18,
    max_memory: int = 1 << 30,
) -> Finished:
    """Run `command` for at most `seconds`, with `max_memory` bytes of address space.

    It may write no file. What it writes to its output beyond `max_output` bytes ends it; what it
    complains beyond `max_errors` bytes is dropped.
    """
    deadline = time.monotonic() + seconds
    process = start(command)
    try:
        _limit(process.pid, seconds, max_memory)
        return _collect(process, deadline, max_output, max_errors)
    finally:
        kill(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _limit(pid: int, seconds: float, max_memory: int) -> None:
    # Set from here on the running child: a function run between fork and exec is not safe in a
    # process with threads.
    cpu = max(1, int(seconds) + 1)
    for kind, value in (
        (resource.RLIMIT_AS, max_memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        # A short command may have ended already; then there is nothing to limit.
        try:
            resource.prlimit(pid, kind, (value, value))
        except ProcessLookupError:
            return


def _collect(
    process: subprocess.Popen[bytes], deadline: float, max_output: int, max_errors: int
) -> Finished:
    assert process.stdout is not None and process.stderr is not None
    limits = {process.stdout.fileno(): max_output, process.stderr.fileno(): max_errors}
    got = {fd: bytearray() for fd in limits}
    output = process.stdout.fileno()
    timed_out = overflowed = False
    with selectors.DefaultSelector() as selector:
        for fd in limits:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map() and not overflowed:
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready and time.monotonic() >= deadline:
                timed_out = True
                break
            for key, _ in ready:
                block = os.read(key.fd, _BLOCK)
                if not block:
                    selector.unregister(key.fd)
                got[key.fd] += block[: limits[key.fd] - len(got[key.fd])]
                overflowed |= key.fd == output and len(got[output]) >= max_output
    if timed_out or overflowed:
        kill(process)
    code = _wait(process, deadline)
    timed_out |= code is None
    errors = bytes(got[process.stderr.fileno()]).decode("utf-8", "replace")
    return Finished(
        -signal.SIGKILL if code is None else code,
        bytes(got[output]),
        errors,
        timed_out,
        overflowed,
    )


def _wait(process: subprocess.Popen[bytes], deadline: float) -> int | None:
    """Return the exit code, or None where it closed its pipes but ran on past the deadline."""
    try:
        return process.wait(max(0.01, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        kill(process)
        return None
