"""Kills a working worker a hundred times; every question must get exactly one reply.

A worker process moves turns of a quick pipeline (real database, broker, files and leases; no
models). It is killed with SIGKILL at each step in turn, before and after the vendor took the
reply, and at random moments. Prints what was lost and what was sent twice; both must be 0.

    python benchmarks/bench_kills.py [--kills 100] [--broker filesystem] [--database URL]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import schema
from bot.conversation.database import sessions as make_sessions
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import State, Turn
from bot.settings import Settings, load_settings
from tests.bot.conversation.pipeline import Sink
from tests.bot.workers import kill, wait_until, worker

POINTS = ("fetch", "hear", "think", "voice", "render", "before-send", "after-send")
ANYWHERE = "anywhere"
PATIENCE = 600.0


def ask(sessions: sessionmaker[Session], number: int) -> None:
    """Send one question."""
    message = InboundMessage(
        "sink", f"k{number}", f"u{number}", "recording", media_url="https://vendor.example/a"
    )
    with sessions() as session:
        receive(session, message)


def strike(settings: Settings, folder: Path, sink: str, point: str) -> None:
    """Start a worker and kill it at `point`."""
    reached, hold = folder / f"at-{point}", folder / f"hold-{point}"
    reached.unlink(missing_ok=True)
    if point == ANYWHERE:
        reached = folder / "at-hear"
        reached.unlink(missing_ok=True)
    else:
        hold.touch()
    with worker(settings, folder, sink) as process:
        wait_until(reached.exists, point)
        if point == ANYWHERE:
            time.sleep(random.uniform(0.0, 0.4))
        kill(process)
    hold.unlink(missing_ok=True)


def main() -> int:
    """Run the benchmark; return 1 where a reply was lost or sent twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--broker", default="filesystem")
    parser.add_argument("--database", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Sink().running() as sink:
        folder = Path(name)
        settings = load_settings(
            database={"url": options.database or f"sqlite:///{folder}/bench.db"},
            app={"data_dir": folder},
            jobs={"broker": options.broker, "sweep_seconds": 1, "stuck_seconds": 10},
        )
        sessions = make_sessions(settings)
        schema.upgrade(sessions.kw["bind"])
        began = time.monotonic()
        struck: Counter[str] = Counter()
        for number in range(options.kills):
            point = [*POINTS, ANYWHERE][number % (len(POINTS) + 1)]
            ask(sessions, number)
            strike(settings, folder, sink.url, point)
            struck[point] += 1
        with worker(settings, folder, sink.url):
            wait_until(lambda: finished(sessions) == options.kills, "the last replies", PATIENCE)
        sent = Counter(message["key"] for message in sink.taken)
        with sessions() as session:
            turns = session.scalars(select(Turn)).all()
        lost = [turn.id for turn in turns if f"{turn.key}-video" not in sent]
        failed = [turn.id for turn in turns if turn.state is not State.DELIVERED]
        twice = [key for key, count in sent.items() if count > 1]
    print(f"kills         {sum(struck.values())}  ({dict(struck)})")
    print(f"questions     {len(turns)}")
    print(f"lost          {len(lost)}")
    print(f"sent twice    {len(twice)}")
    print(f"apologies     {len(failed)}")
    print(f"seconds       {time.monotonic() - began:.0f}")
    return 1 if lost or twice or failed else 0


def finished(sessions: sessionmaker[Session]) -> int:
    """Return how many turns have ended."""
    with sessions() as session:
        return len([1 for turn in session.scalars(select(Turn)) if turn.finished_at])


if __name__ == "__main__":
    raise SystemExit(main())
