"""Speech made by the teacher, written in shards while it is made, and read back onto a device."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from media.speak.kokoro_source import RATE
from media.train.teacher import Lesson, Line, Said, Teacher, lesson

DONE = "done"
"""Name of the file that says that no more shards will come."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Sentences to say, the student's `tokens` in the order of their ids, and Kokoro's `gap`."""

    lines: list[Line]
    tokens: tuple[str, ...]
    gap: int


def write_lines(found: Lines, path: Path) -> None:
    """Write `found` as JSON."""
    rows = [[line.symbols, line.ids, line.own] for line in found.lines]
    table = {"tokens": found.tokens, "gap": found.gap, "lines": rows}
    path.write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")


def read_lines(path: Path) -> Lines:
    """Return what `write_lines` wrote."""
    table = json.loads(path.read_text(encoding="utf-8"))
    lines = [
        Line(tuple(symbols), tuple(tuple(ids) for ids in each), tuple(own))
        for symbols, each, own in table["lines"]
    ]
    return Lines(lines, tuple(table["tokens"]), int(table["gap"]))


def generate(
    teacher: Teacher,
    lines: Sequence[Line],
    folder: Path,
    workers: int,
    seconds: float,
    until: float,
    shard: float = 1800.0,
    together: int = 1600,
) -> float:
    """Have `teacher` say `lines` into shards in `folder`; return the seconds of speech there.

    What an earlier call left is kept and not said again. It ends after `seconds` of speech or at
    `until` (`time.monotonic()`). Alignment runs in `workers` processes beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)
    total, number = 0.0, 0
    said_before: set[tuple[int, ...]] = set()
    for path in sorted(folder.glob("*.npz")):
        for one in read_shard(path):
            said_before.add(tuple(one.tokens.tolist()))
            total += len(one.sound) / RATE
        number += 1
    lines = [line for line in lines if line.own not in said_before]
    if total >= seconds:
        lines = []
    kept: list[Lesson] = []
    with ProcessPoolExecutor(workers, get_context("spawn"), _alone) as pool:
        pending: list[Future[Lesson | None]] = []
        for said in _said(teacher, lines, together):
            pending.append(pool.submit(lesson, said))
            while pending and (pending[0].done() or len(pending) > 40 * workers):
                found = _taken(pending.pop(0))
                if found is not None:
                    kept.append(found)
                    total += len(found.sound) / RATE
            if sum(len(one.sound) for one in kept) > shard * RATE:
                write_shard(kept, folder / f"{number:04}.npz")
                kept, number = [], number + 1
            if total > seconds or time.monotonic() > until:
                break
        kept += [found for one in pending if (found := _taken(one)) is not None]
    total += sum(len(one.sound) for one in kept[-len(pending) :]) / RATE if pending else 0.0
    write_shard(kept, folder / f"{number:04}.npz")
    (folder / DONE).touch()
    return total


def _said(teacher: Teacher, lines: Sequence[Line], together: int) -> Iterator[Said]:
    for start in range(0, len(lines), together):
        yield from teacher.say(lines[start : start + together])


def _taken(pending: Future[Lesson | None]) -> Lesson | None:
    """Return what an alignment found; None where the sound fits none of its sentence."""
    try:
        return pending.result()
    except (ValueError, IndexError):
        return None


def _alone() -> None:
    torch.set_num_threads(1)


def write_shard(lessons: Sequence[Lesson], path: Path) -> None:
    """Write `lessons` to `path`, which appears when it is whole."""
    if not lessons:
        return
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            counts=np.array([len(one.tokens) for one in lessons]),
            lengths=np.array([len(one.sound) for one in lessons]),
            tokens=np.concatenate([one.tokens for one in lessons]),
            frames=np.concatenate([one.frames for one in lessons]),
            pitch=np.concatenate([one.pitch for one in lessons]),
            energy=np.concatenate([one.energy for one in lessons]),
            sound=np.concatenate([one.sound for one in lessons]),
        )
    unfinished.replace(path)


def read_shard(path: Path) -> list[Lesson]:
    """Return the lessons of the shard at `path`."""
    with np.load(path) as table:
        part = np.cumsum(table["counts"])[:-1]
        columns = [np.split(table[name], part) for name in ("tokens", "frames", "pitch", "energy")]
        sound = np.split(table["sound"], np.cumsum(table["lengths"])[:-1])
    return [Lesson(*row) for row in zip(*columns, sound, strict=True)]


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and deviation of pitch (log Hz) and energy (dB), over the tokens that have them."""

    pitch: tuple[float, float]
    energy: tuple[float, float]

    @staticmethod
    def of(lessons: Iterable[Lesson]) -> Scale:
        """Return the scale of `lessons`."""
        known = list(lessons)
        pitch = np.concatenate([one.pitch for one in known])
        pitch = pitch[pitch > 0]
        energy = np.concatenate([one.energy for one in known])
        return Scale(
            (float(pitch.mean()), float(pitch.std())), (float(energy.mean()), float(energy.std()))
        )

    def pitched(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `values` of pitch around 0, those without one at 0."""
        mean, spread = self.pitch
        return np.where(values > 0, (values - mean) / spread, 0.0).astype(np.float32)

    def levelled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `values` of energy around 0."""
        mean, spread = self.energy
        return ((values - mean) / spread).astype(np.float32)


class Shelf:
    """Lessons on `device`, padded, ready to be drawn from by number.

    `tokens`, `frames` (rows, N), `pitch`, `energy` (rows, N); `sound` (samples,) int16 with
    `offsets` (rows,) into it, `gap` zeros after each. `count` (1,) rows are filled, of which the
    first `held` are kept for checking.
    """

    def __init__(
        self, rows: int, longest: int, samples: int, gap: int, held: int, device: str
    ) -> None:
        self.longest, self.held, self._gap, self._device = longest, held, gap, device
        self.tokens = torch.zeros(rows, longest, dtype=torch.int32, device=device)
        self.frames = torch.zeros(rows, longest, dtype=torch.int32, device=device)
        self.pitch = torch.zeros(rows, longest, device=device)
        self.energy = torch.zeros(rows, longest, device=device)
        self.sound = torch.zeros(samples, dtype=torch.int16, device=device)
        self.offsets = torch.zeros(rows, dtype=torch.int64, device=device)
        self.count = torch.zeros(1, device=device)
        self.rows, self.used, self.seconds = 0, 0, 0.0

    def add(self, lessons: Sequence[Lesson], scale: Scale, most: int) -> None:
        """Put `lessons` on the shelf; those of more than `most` frames or tokens are left out."""
        kept = [
            one for one in lessons if len(one.tokens) <= self.longest and one.frames.sum() <= most
        ]
        kept = kept[: len(self.tokens) - self.rows]
        for one in kept:
            end = self.used + len(one.sound)
            if end + self._gap > len(self.sound):
                break
            row, count = self.rows, len(one.tokens)
            self.tokens[row, :count] = self._put(one.tokens)
            self.frames[row, :count] = self._put(one.frames)
            self.pitch[row, :count] = self._put(scale.pitched(one.pitch))
            self.energy[row, :count] = self._put(scale.levelled(one.energy))
            self.sound[self.used : end] = self._put(one.sound)
            self.offsets[row] = self.used
            self.used, self.rows = end + self._gap, row + 1
            self.seconds += len(one.sound) / RATE
        self.count.fill_(self.rows)

    def _put(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)


class Feeder:
    """Brings shards from a folder to a shelf as they appear.

    Sentences of more than `most` frames are left out.
    """

    def __init__(self, shelf: Shelf, folder: Path, most: int) -> None:
        self._shelf, self._folder, self._most = shelf, folder, most
        self._seen: set[Path] = set()
        self._scale: Scale | None = None

    @property
    def done(self) -> bool:
        """Whether no more shards will come."""
        return (self._folder / DONE).exists()

    @property
    def pitch_deviation(self) -> float:
        """The deviation of the log pitch that is taught as 1; 0 before anything was read."""
        return self._scale.pitch[1] if self._scale else 0.0

    def waiting(self) -> list[Path]:
        """Return the shards that have not been read."""
        return sorted(path for path in self._folder.glob("*.npz") if path not in self._seen)

    def feed(self) -> int:
        """Read what is waiting; return the rows on the shelf."""
        for path in self.waiting():
            lessons = read_shard(path)
            self._seen.add(path)
            # Sentences of one length stand together; the held-out ones should be of all.
            order = np.random.default_rng(len(self._seen)).permutation(len(lessons))
            lessons = [lessons[place] for place in order]
            self._scale = self._scale or Scale.of(lessons)
            self._shelf.add(lessons, self._scale, self._most)
        return self._shelf.rows
