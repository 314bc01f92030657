from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import lease
from bot.conversation.columns import now
from bot.conversation.lease import heartbeat, is_gone, new_owner
from bot.settings import ROOT
from tests.bot.conversation.pipeline import ask, change, read

SAY_OWNER = "from bot.conversation.lease import new_owner; print(new_owner(), flush=True); input()"


def test_owners_differ_and_fit_their_column() -> None:
    owners = {new_owner() for _ in range(100)}
    assert len(owners) == 100
    assert max(map(len, owners)) <= 100


def test_a_process_is_known_to_be_gone_only_when_it_is() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SAY_OWNER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    owner = process.stdout.readline().strip()
    assert not is_gone(owner)
    process.kill()
    process.wait()
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()
    assert is_gone(owner)


def test_another_process_with_the_same_number_is_not_the_owner() -> None:
    place, pid, started, word = new_owner().split(":")
    assert not is_gone(":".join((place, pid, started, word)))
    assert is_gone(":".join((place, pid, str(int(started) - 1), word)))


@pytest.mark.parametrize("owner", ["", "another", "elsewhere:1:2:3", "elsewhere"])
def test_a_process_of_elsewhere_is_never_known_to_be_gone(owner: str) -> None:
    assert not is_gone(owner)


def test_a_name_without_numbers_is_never_known_to_be_gone() -> None:
    place = new_owner().split(":")[0]
    assert not is_gone(f"{place}:x:1:2")
    assert not is_gone(f"{place}:{os.getpid()}::2")


def test_without_a_process_table_nobody_is_known_to_be_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(path: object) -> str:
        raise FileNotFoundError(path)

    before = new_owner()
    monkeypatch.setattr(os, "readlink", absent)
    lease._place.cache_clear()
    assert not is_gone(before.replace(str(os.getpid()), "999999"))
    lease._place.cache_clear()


def test_a_heartbeat_renews_its_own_lease_only(sessions: sessionmaker[Session]) -> None:
    mine, other = ask(sessions, "k1"), ask(sessions, "k2")
    first = now() + timedelta(seconds=1)
    change(sessions, mine, lease_owner="me", lease_until=first)
    change(sessions, other, lease_owner="another", lease_until=first)

    def until(turn: int) -> object:
        return read(sessions, turn).lease_until

    with heartbeat(sessions, mine, "me", 0.3), heartbeat(sessions, other, "me", 0.3):
        end = time.monotonic() + 20
        while until(mine) == first and time.monotonic() < end:
            time.sleep(0.02)
    assert until(mine) != first
    assert until(other) == first


def test_a_heartbeat_outlives_a_database_that_fails(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with sessions() as session:
        session.execute(text("ALTER TABLE turns RENAME TO away"))
        session.commit()
    with heartbeat(sessions, 1, "me", 0.03):
        time.sleep(0.1)
    with sessions() as session:
        session.execute(text("ALTER TABLE away RENAME TO turns"))
        session.commit()
