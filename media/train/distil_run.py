"""`python -m media.train.distil_run speech|student …`: the two processes of a distillation.

`silverline train distil` starts them; on a lent machine that has torch and onnx alone, the kit of
`media.train.kit` does.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from media.errors import MediaError
from media.train.distil_job import SHAPES, DistilJob, distil
from media.train.lessons import DONE, generate, read_lines
from media.train.run import device_for
from media.train.teacher import Teacher


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two processes; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    speech = kinds.add_parser("speech")
    speech.add_argument("--kokoro", type=Path, required=True)
    speech.add_argument("--style", type=Path, required=True)
    speech.add_argument("--hours", type=float, required=True)
    speech.add_argument("--workers", type=int, default=1)
    speech.add_argument("--shard", type=float, default=1800.0)
    speech.add_argument("--together", type=int, default=1600)
    student = kinds.add_parser("student")
    student.add_argument("--out", type=Path, required=True)
    student.add_argument("--size", choices=SHAPES, default="compact")
    student.add_argument("--steps", type=int, default=10**9)
    student.add_argument("--batch", type=int, default=32)
    student.add_argument("--held", type=int, default=48)
    student.add_argument("--first", type=int, default=2)
    student.add_argument("--eager", action="store_true")
    for each in (speech, student):
        each.add_argument("--lines", type=Path, required=True)
        each.add_argument("--folder", type=Path, required=True)
        each.add_argument("--seconds", type=float, default=math.inf)
        each.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    try:
        _speech(options) if options.kind == "speech" else _student(options)
    except MediaError as error:
        tell(str(error))
        return 1
    return 0


def tell(text: str) -> None:
    """Write `text` with the time."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _speech(options: argparse.Namespace) -> None:
    began = time.monotonic()
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        _generate(options, began)
    finally:
        # However it ended, nobody need wait for more.
        (options.folder / DONE).touch()


def _generate(options: argparse.Namespace, began: float) -> None:
    known = read_lines(options.lines)
    device = str(device_for(options.device))
    teacher = Teacher(options.kokoro, np.load(options.style), known.gap, device)
    tell(f"teacher loaded in {time.monotonic() - began:.0f} s")
    total = generate(
        teacher,
        known.lines,
        options.folder,
        options.workers,
        options.hours * 3600,
        began + options.seconds,
        options.shard,
        options.together,
    )
    tell(f"{total / 3600:.2f} h of speech in {time.monotonic() - began:.0f} s")


def _student(options: argparse.Namespace) -> None:
    place = distil(
        DistilJob(
            speech=options.folder,
            out=options.out,
            tokens=read_lines(options.lines).tokens,
            size=options.size,
            device=options.device,
            steps=options.steps,
            seconds=options.seconds,
            batch=options.batch,
            held=options.held,
            first=options.first,
            graphs=not options.eager,
        ),
        tell,
    )
    tell(f"the voice is in {place}")


if __name__ == "__main__":
    sys.exit(main())
