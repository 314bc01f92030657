"""The index of words follows the turns, on both databases."""

from __future__ import annotations

from sqlalchemy import delete, text
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import Turn
from bot.conversation.search import candidates, pairs, rebuild
from tests.bot.conversation.pipeline import both

Maker = sessionmaker[Session]


def ask(sessions: Maker, words: str, key: str) -> int:
    with sessions() as session:
        received = receive(session, InboundMessage("kakao", key, "u1", "text", text=words))
    assert received.turn_id is not None
    return received.turn_id


def found(sessions: Maker, words: str, most: int = 10) -> list[int] | None:
    with sessions() as session:
        return candidates(session, words.split(), most)


@both
def test_a_turn_is_found_by_parts_of_its_words(sessions: Maker) -> None:
    one = ask(sessions, "기초연금은 100% EBS?", "1")
    two = ask(sessions, "연극 표는 '기금'인가요", "2")
    assert found(sessions, "초연") == [one]
    assert found(sessions, "연금 100%") == [one]
    assert found(sessions, "ebs?") == [one]
    assert found(sessions, "'기금'") == [two]
    assert found(sessions, "극") == [two]
    assert sorted(found(sessions, "연") or []) == [one, two]
    assert found(sessions, "연", most=1) is None
    assert found(sessions, "없는말") == []


@both
def test_what_changes_is_found_as_it_is(sessions: Maker) -> None:
    one = ask(sessions, "기초연금", "1")
    with sessions() as session:
        turn = session.get_one(Turn, one)
        turn.text, turn.answer = "버스", "무료예요"
        session.commit()
    assert found(sessions, "연금") == []
    assert found(sessions, "무료") == [one]
    with sessions() as session:
        session.get_one(Turn, one).attempts = 2
        session.commit()
    assert found(sessions, "버스") == [one]
    with sessions() as session:
        session.execute(delete(Turn).where(Turn.id == one))
        session.commit()
        assert session.scalar(text("SELECT count(*) FROM turn_search")) == 0


@both
def test_the_index_is_made_anew(sessions: Maker) -> None:
    one = ask(sessions, "기초연금", "1")
    with sessions() as session:
        session.execute(text("DELETE FROM turn_search"))
        assert rebuild(session.connection()) == 1
        session.commit()
    assert found(sessions, "연금") == [one]


def test_pairs_are_plain_words() -> None:
    assert pairs("가나 가나") == f"{ord('가'):x}x{ord('나'):x} {ord('나'):x}x"
    assert pairs("a\x00'&|!").replace("x", "").replace(" ", "").isalnum()
