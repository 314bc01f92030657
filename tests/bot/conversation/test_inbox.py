from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import inbox
from bot.conversation.columns import now
from bot.conversation.inbox import InboundMessage, note, receive, remember
from bot.conversation.models import Conversation, Identity, InboundEvent, Person, State, Turn
from tests.bot.conversation.pipeline import ask, both, read

Sessions = sessionmaker[Session]


def count(sessions: Sessions, table: type) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def at_once(number: int, work: Callable[[int], object]) -> None:
    """Run `work` in `number` threads that begin together; an error of one is raised."""
    barrier = threading.Barrier(number)

    def run(index: int) -> None:
        barrier.wait()
        work(index)

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(run, range(number)))


@both
def test_a_message_becomes_a_turn_and_a_job(sessions: Sessions, tmp_path: Path) -> None:
    turn_id = ask(sessions, "SM1")
    turn = read(sessions, turn_id)
    assert (turn.state, turn.number, turn.reply_to) == (State.RECEIVED, 1, {"token": "secret"})
    assert turn.media_url == "https://vendor.example/voice"
    [job] = (tmp_path / "broker").glob("*.msg")
    assert job.name.endswith(".speech.msg")
    with sessions() as session:
        event = session.scalars(select(InboundEvent)).one()
    assert (event.key, event.turn_id, event.kind) == ("SM1", turn_id, "recording")
    assert "vendor.example" not in str(event.payload) and "secret" not in str(event.payload)


@both
def test_a_hundred_copies_at_once_make_one_turn(sessions: Sessions, tmp_path: Path) -> None:
    results = []

    def tell(index: int) -> None:
        with sessions() as session:
            message = InboundMessage("kakao", "same", "u1", "text", text="안녕하세요")
            results.append(receive(session, message))

    at_once(100, tell)
    assert len(results) == 100
    assert len({result.turn_id for result in results}) == 1
    assert [result.duplicate for result in results].count(False) == 1
    assert count(sessions, Turn) == count(sessions, Person) == count(sessions, InboundEvent) == 1
    assert len(list((tmp_path / "broker").glob("*.msg"))) == 1


@both
def test_a_hundred_questions_at_once_are_all_kept(sessions: Sessions) -> None:
    at_once(100, lambda n: ask(sessions, f"k{n}", sender=f"u{n % 3}"))
    assert (count(sessions, Turn), count(sessions, InboundEvent)) == (100, 100)
    assert count(sessions, Identity) == count(sessions, Person) == 3
    with sessions() as session:
        for conversation in session.scalars(select(Conversation)):
            numbers = [turn.number for turn in conversation.turns]
            assert numbers == list(range(1, len(numbers) + 1))


def test_the_same_key_on_another_channel_is_another_message(sessions: Sessions) -> None:
    assert ask(sessions, "k", channel="kakao") != ask(sessions, "k", channel="whatsapp")
    assert count(sessions, Person) == 2


def test_typed_text_is_masked_before_it_is_stored(sessions: Sessions) -> None:
    turn = read(sessions, ask(sessions, text="제 번호는 900101-1234567 이에요"))
    assert "1234567" not in turn.text and "제 번호는" in turn.text


def test_a_replay_finds_the_first_response(sessions: Sessions) -> None:
    message = InboundMessage("kakao", "k", "u1", "text", text="네")
    with sessions() as session:
        first = receive(session, message)
        remember(session, first.event.id, {"status": 200, "body": "하나"})
        remember(session, first.event.id, {"status": 200, "body": "둘"})
    with sessions() as session:
        again = receive(session, message)
    assert again.duplicate and again.turn_id == first.turn_id
    assert again.event.response == {"status": 200, "body": "하나"}


def test_an_event_that_is_no_question_is_kept_once(sessions: Sessions, tmp_path: Path) -> None:
    with sessions() as session:
        first = note(session, "whatsapp", "SM1:delivered", "status", {"status": "delivered"})
        again = note(session, "whatsapp", "SM1:delivered", "status", {"status": "read"})
    assert (first.turn_id, first.duplicate, again.duplicate) == (None, False, True)
    assert again.event.payload == {"status": "delivered"}
    assert not list(tmp_path.glob("broker/*.msg"))


def test_a_long_silence_begins_another_conversation(sessions: Sessions) -> None:
    moment = now()
    turns = []
    for hours, key in ((0, "a"), (5, "b"), (10, "c"), (17, "d")):
        message = InboundMessage(
            "kakao", key, "u1", "text", text="네", received_at=moment + timedelta(hours=hours)
        )
        with sessions() as session:
            turns.append(receive(session, message).turn_id)
    numbers = [read(sessions, turn).number for turn in turns if turn]
    assert numbers == [1, 2, 3, 1]
    assert count(sessions, Conversation) == 2


def test_what_fails_leaves_nothing_and_no_job(
    sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_conversation", lambda *args: 1 / 0)
    with sessions() as session, pytest.raises(ZeroDivisionError):
        receive(session, InboundMessage("kakao", "k", "u1", "text", text="네"))
    assert count(sessions, Person) == count(sessions, InboundEvent) == 0
    assert not list(tmp_path.glob("broker/*.msg"))


def test_a_conflict_that_stays_is_raised(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def conflict(*args: object) -> None:
        raise IntegrityError("insert", {}, Exception("unique"))

    monkeypatch.setattr(inbox, "begin_turn", conflict)
    with sessions() as session, pytest.raises(IntegrityError):
        receive(session, InboundMessage("kakao", "k", "u1", "text", text="네"))
