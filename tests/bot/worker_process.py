"""A real worker with the quick pipeline: `python -m tests.bot.worker_process FOLDER SINK QUEUES`.

Its settings come from the environment. A file `hold-POINT` in FOLDER makes it stay at that point
of a turn, where a test then kills it.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from bot.conversation.database import sessions
from bot.settings import load_settings
from bot.worker import run_worker
from tests.bot.conversation.pipeline import Gate, QuickSteps, SinkChannel, quick_parts


def main(folder: Path, sink: str, queues: list[str]) -> int:
    logging.basicConfig(level=logging.INFO)
    settings = load_settings()
    gate = Gate(folder)
    parts = quick_parts(
        sessions(settings),
        folder,
        SinkChannel(sink, gate),
        QuickSteps(gate),
        queues=queues,
        lease_seconds=settings.jobs.stuck_seconds,
        attempts=settings.jobs.attempts,
    )
    return run_worker(settings, queues, parts)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")))
