"""Starts a distillation on this machine: the teacher in one process, the student in this one."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media.errors import MediaError
from media.speak.kokoro_engine import styles
from media.speak.kokoro_graph import prepare
from media.train.distil_job import DistilJob, distil
from media.train.lessons import DONE, Lines, write_lines
from media.train.lines import lines_of
from media.train.run import Tell

STYLE = "korean_woman"
"""The default voice's."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """How much the teacher says: `hours` of speech in `style`, aligned in `workers` processes;
    a shard every `shard` seconds of it."""

    hours: float = 6.0
    workers: int = 2
    style: str = STYLE
    shard: float = 1800.0
    together: int = 1600


def lines_from(texts: Iterable[str], without: Sequence[str] = ()) -> Lines:
    """Return what is said of `texts`; those that hold a sentence of `without` are left out.

    MediaError `no_texts` where nothing is left.
    """
    apart = {_letters(text) for text in without}
    kept = [
        text
        for text in texts
        if not any(sentence in _letters(text) for sentence in apart if sentence)
    ]
    found = lines_of(kept)
    # So that what is learnt from first is of all kinds.
    random.Random(len(kept)).shuffle(found.lines)
    if not found.lines:
        raise MediaError(
            "no_texts",
            "There is no text for the teacher to say.",
            "Put .txt files with a sentence a line into the folder.",
        )
    return found


def start(lines: Lines, speaking: Speaking, job: DistilJob, tell: Tell) -> Path:
    """Distil a voice by `job` from `lines` as the teacher says them; return its folder.

    The run's folder also keeps lines, speech and what the teacher's process printed.
    """
    if speaking.style not in styles():
        raise MediaError(
            "no_style",
            f"There is no voice style {speaking.style!r}.",
            f"Choose from {', '.join(sorted(styles()))}.",
        )
    job.out.mkdir(parents=True, exist_ok=True)
    job.speech.mkdir(parents=True, exist_ok=True)
    (job.speech / DONE).unlink(missing_ok=True)
    write_lines(lines, job.out / "lines.json")
    np.save(job.out / "style.npy", styles()[speaking.style])
    options = {
        "kokoro": prepare().published,
        "style": job.out / "style.npy",
        "lines": job.out / "lines.json",
        "folder": job.speech,
        "hours": speaking.hours,
        "workers": speaking.workers,
        "shard": speaking.shard,
        "together": speaking.together,
        "device": job.device,
    }
    command = [sys.executable, "-m", "media.train.distil_run", "speech"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    with (job.out / "speech.log").open("w", encoding="utf-8") as log:
        teacher = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            return distil(job, tell)
        finally:
            teacher.terminate()
            teacher.wait()


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text)
