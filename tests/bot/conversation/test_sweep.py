from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.lease import new_owner
from bot.conversation.models import State
from bot.conversation.sweep import sweep
from tests.bot.conversation.pipeline import ask, both, change, read

Sessions = sessionmaker[Session]
LONG_AGO = timedelta(hours=1)


def gone() -> str:
    """Return the owner of a lease whose process is known to be gone."""
    place, pid, started, word = new_owner().split(":")
    return ":".join((place, pid, str(int(started) - 1), word))


def empty(folder: Path) -> None:
    for path in (folder / "broker").glob("*.msg"):
        path.unlink()


def queues(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[1] for path in (folder / "broker").glob("*.msg"))


@both
def test_only_turns_that_nobody_moves_are_queued(sessions: Sessions, tmp_path: Path) -> None:
    soon, past = now() + LONG_AGO, now() - LONG_AGO
    turns = [ask(sessions, f"k{n}", sender=f"s{n}") for n in range(8)]
    fresh, old, alive, expired, dead, waiting, voiced, ended = turns
    for turn in turns[1:]:
        change(sessions, turn, queued_at=past)
    change(sessions, alive, lease_owner=new_owner(), lease_until=soon)
    change(sessions, expired, lease_owner="elsewhere", lease_until=past, queued_at=now())
    change(sessions, dead, lease_owner=gone(), lease_until=soon, queued_at=now())
    change(sessions, waiting, retry_at=soon)
    change(sessions, voiced, state=State.VOICED)
    change(sessions, ended, state=State.DELIVERED)
    empty(tmp_path)
    assert sweep(sessions, stuck_seconds=120) == 4
    assert queues(tmp_path) == ["speech", "speech", "speech", "video"]
    for turn in (old, expired, dead, voiced):
        assert read(sessions, turn).lease_owner == ""
    assert read(sessions, alive).lease_owner != ""
    assert sweep(sessions, stuck_seconds=120) == 0
    assert sweep(sessions, stuck_seconds=120, everything=True) == 5
    assert read(sessions, fresh).queued_at is not None


def test_a_turn_that_never_got_a_job_is_queued(sessions: Sessions, tmp_path: Path) -> None:
    turn = ask(sessions)
    change(sessions, turn, queued_at=None)
    empty(tmp_path)
    assert sweep(sessions, stuck_seconds=120) == 1
    assert queues(tmp_path) == ["speech"]
