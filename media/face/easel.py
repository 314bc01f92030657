"""Mouths painted by Wav2Lip while calls go on: one painter for all, what is due first before the
rest, and what comes too late not at all."""

from __future__ import annotations

import heapq
import itertools
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from media.face.motion import Pose
from media.face.portrait import Portrait
from media.face.wav2lip import MEL_RATE, SILENT, Box, face_box, network_input, paste
from media.types import FRAME_RATE, Audio, FloatArray, Frame

BATCH = 5
"""Pictures that are painted at a time: a fifth of a second, since the first one is waited for."""
ROUNDS = 3
MOST_JOBS = 4000
"""Batches that wait at most, over all calls; more are not taken."""


class Painter(Protocol):
    """The network (`media.networks.runtime.MouthPainter`)."""

    def paint(self, windows: FloatArray, faces: FloatArray) -> FloatArray:
        """Return (n, 3, 96, 96) for windows (n, 80, 16) and the one face (1, 6, 96, 96)."""
        ...


Take = Callable[[int, FloatArray], None]
"""Takes the mouth (3, 96, 96) of a frame."""


@dataclass(order=True)
class _Job:
    """Frames to paint: the first is due at `due`, monotonic seconds."""

    due: float
    number: int
    frames: list[int] = field(compare=False)
    windows: FloatArray = field(compare=False)
    wanted: Callable[[], bool] = field(compare=False)
    take: Take = field(compare=False)


class Easel:
    """The resting picture of one photo, and the thread that paints mouths for it."""

    def __init__(self, portrait: Portrait, painter: Painter) -> None:
        self.portrait = portrait
        self._painter = painter
        self.picture: Frame = portrait.mesh.picture
        self.box: Box = face_box(portrait.mesh.points, portrait.size)
        self._face = network_input([self.picture], [self.box])
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._over = False
        self._thread: threading.Thread | None = None

    @property
    def rest(self) -> FloatArray:
        """The mouth (3, 96, 96) BGR in [0, 1] of the photo itself."""
        return self._face[0, 3:]

    def measure(self, enough: float) -> float:
        """Return how many times faster than real time speaking frames are made on this machine.

        The median of `ROUNDS` rounds after one that warms up; a machine that is far from
        `enough` is not measured for longer.
        """
        from media.networks.mel import wav2lip_mel

        # What reads the sound is loaded too, or the first clause would wait for it.
        wav2lip_mel(Audio(np.zeros(MEL_RATE, np.float32), MEL_RATE))
        windows = np.random.default_rng(0).uniform(-4, 4, (2 * BATCH, 80, 16)).astype(np.float32)
        self._make(windows)
        speeds: list[float] = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            self._make(windows)
            speeds.append(len(windows) / FRAME_RATE / (time.perf_counter() - began))
            if speeds[0] < enough / 2:
                break
        return statistics.median(speeds)

    def order(
        self, windows: FloatArray, first: int, due: float, wanted: Callable[[], bool], take: Take
    ) -> list[int]:
        """Have the mouths of `windows` (n, 80, 16) painted from frame `first` on, due at `due`.

        Returns the frames that will be: silent ones are not. `take` is called on the easel's
        thread, while `wanted` still says so.
        """
        loud = np.flatnonzero(windows.mean(axis=(1, 2)) > SILENT)
        frames = [first + int(i) for i in loud]
        with self._changed:
            if self._over or len(self._jobs) + len(loud) // BATCH >= MOST_JOBS:
                return []
            for start in range(0, len(loud), BATCH):
                some = loud[start : start + BATCH]
                job = _Job(
                    due + float(some[0]) / FRAME_RATE,
                    next(self._numbers),
                    frames[start : start + BATCH],
                    windows[some],
                    wanted,
                    take,
                )
                heapq.heappush(self._jobs, job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="easel", daemon=True)
                self._thread.start()
            self._changed.notify()
        return frames

    def show(self, mouth: FloatArray, pose: Pose) -> Frame:
        """Return the picture with `mouth` (3, 96, 96) and the head in `pose`."""
        return self.portrait.pose(paste(self.picture, mouth, self.box), pose)

    def close(self) -> None:
        """Paint nothing more."""
        with self._changed:
            self._over = True
            self._jobs.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _make(self, windows: FloatArray) -> None:
        for mouth in self._painter.paint(windows, self._face):
            self.show(mouth, Pose(yaw=0.2))

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._over:
                    self._changed.wait()
                if self._over:
                    return
                job = heapq.heappop(self._jobs)
            over = job.due + (job.frames[-1] - job.frames[0] + 1) / FRAME_RATE
            if over < time.monotonic() or not job.wanted():
                continue
            painted = self._painter.paint(job.windows, self._face)
            if job.wanted():
                for frame, mouth in zip(job.frames, painted, strict=True):
                    job.take(frame, mouth)
