"""Families: the code, the link, what may be seen, what is sent, the end of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import family
from bot.conversation.columns import now
from bot.conversation.family import respond
from bot.conversation.kin import FamilyCode, FamilyLink, FamilyTry
from bot.conversation.models import ENDS, State, Turn
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from bot.knowledge.types import Answer
from tests.bot.conversation.pipeline import Sink, ask, both

MOTHER = "+821011112222"
DAUGHTER = "+821033334444"


def say(sessions: sessionmaker[Session], who: str, text: str) -> Answer | None:
    return respond(sessions, "sink", who, text)


def digits(answer: Answer | None) -> str:
    """The code that an answer shows; it is said in words."""
    assert answer is not None and answer.act == family.CODE
    return "".join(letter for letter in answer.lines[0] if letter.isdecimal())


def turn(parts: Parts, who: str, text: str, key: str) -> Turn:
    """Ask on the whole way; return the turn at its end."""
    turn_id = ask(parts.sessions, key, text, who)
    advance(parts, turn_id)
    with parts.sessions() as session:
        return session.get_one(Turn, turn_id)


def linked(parts: Parts, receives: str = "네") -> None:
    code = digits_of(turn(parts, MOTHER, "가족 연결 번호 알려 주세요", f"code-{receives}"))
    turn(parts, MOTHER, receives, f"receives-{receives}")
    turn(parts, DAUGHTER, code, f"digits-{receives}")


def digits_of(asked: Turn) -> str:
    return "".join(letter for letter in asked.lines[0] if letter.isdecimal())


@both
def test_a_daughter_links_sees_and_receives(parts: Parts, sink: Sink) -> None:
    linked(parts)
    with parts.sessions() as session:
        (link,) = session.scalars(select(FamilyLink))
        (code,) = session.scalars(select(FamilyCode))
        assert link.receives and code.receives and code.wording == family.WORDING
        assert link.senior_id != link.member_id and link.linked_at <= now()
    question = turn(parts, MOTHER, "기초연금이 뭐예요?", "question")
    with parts.sessions() as session:
        copies = session.scalars(
            select(Turn).where(Turn.text.startswith("(가족이 물어봤어요)"))
        ).all()
    assert [copy.state for copy in copies] == [State.RENDERED]
    advance(parts, copies[0].id)
    texts = [sent["text"] for sent in sink.taken]
    assert texts.count(question.answer) == 2, "to both, once each"
    seen = say(parts.sessions, DAUGHTER, "엄마가 뭐 물어봤어?")
    assert seen is not None and "기초연금이 뭐예요" in seen.text and question.answer in seen.text


def test_what_was_not_allowed_is_not_sent(parts: Parts, sink: Sink) -> None:
    linked(parts, "아니요")
    turn(parts, MOTHER, "기초연금이 뭐예요?", "question")
    with parts.sessions() as session:
        assert not session.scalars(select(Turn).where(Turn.state.not_in(ENDS))).all()
    seen = say(parts.sessions, DAUGHTER, "어머니가 물어본 것 보여 줘")
    assert seen is not None and "기초연금" in seen.text


@pytest.mark.parametrize("who", [MOTHER, DAUGHTER])
def test_either_ends_it(parts: Parts, who: str) -> None:
    linked(parts)
    turn(parts, MOTHER, "기초연금이 뭐예요?", "question")
    answer = say(parts.sessions, who, "가족 연결 끊어 주세요")
    assert answer is not None and "끊었어요" in answer.text
    seen = say(parts.sessions, DAUGHTER, "엄마가 뭐 물어봤어")
    assert seen is not None and "연결된 가족이 없어요" in seen.text
    again = say(parts.sessions, who, "딸이랑 연결 해제해 줘")
    assert again is not None and "없어요" in again.text


def test_a_code_is_good_once_and_only_now(sessions: sessionmaker[Session]) -> None:
    first = digits(say(sessions, MOTHER, "딸이랑 연결해 줘"))
    assert linked_by(sessions, DAUGHTER, f"{first[:3]} {first[3:]}")
    assert linked_by(sessions, DAUGHTER, first), "said again, as after a crash"
    assert not linked_by(sessions, "+821055556666", first), "by another"
    new = digits(say(sessions, MOTHER, "아들하고 연결해 주세요"))
    newer = digits(say(sessions, MOTHER, "아들하고 연결해 주세요"))
    assert not linked_by(sessions, DAUGHTER, new), "a newer one was given"
    with sessions() as session:
        for code in session.scalars(select(FamilyCode)):
            code.expires_at = now() - timedelta(seconds=1)
        session.commit()
    assert not linked_by(sessions, DAUGHTER, newer), "too old"


def linked_by(sessions: sessionmaker[Session], who: str, code: str) -> bool:
    answer = say(sessions, who, code)
    assert answer is not None
    return "연결됐어요" in answer.text


def test_nobody_links_with_themselves_or_guesses(sessions: sessionmaker[Session]) -> None:
    code = digits(say(sessions, MOTHER, "딸이랑 연결해 줘"))
    own = say(sessions, MOTHER, code)
    assert own is not None and "가족이 보내야" in own.text
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(family.OWN_TRIES):
        assert not linked_by(sessions, DAUGHTER, wrong)
    stopped = say(sessions, DAUGHTER, code)
    assert stopped is not None and "너무 많이" in stopped.text
    with sessions() as session:
        assert len(session.scalars(select(FamilyTry)).all()) == family.OWN_TRIES


@pytest.mark.parametrize(
    "text",
    [
        "기초연금은 어떻게 신청해요?",
        "가족관계증명서 번호 알려 주세요",
        "네",
        "아니요",
        "1234567",
        "",
    ],
)
def test_everything_else_is_for_the_articles(sessions: sessionmaker[Session], text: str) -> None:
    assert say(sessions, MOTHER, text) is None


def test_the_code_is_said_in_words(sessions: sessionmaker[Session]) -> None:
    answer = say(sessions, MOTHER, "가족 연결 번호 알려 주세요")
    code = digits(answer)
    assert answer is not None
    words = " ".join("영일이삼사오육칠팔구"[int(digit)] for digit in code[:3])
    assert answer.text.count(words) >= 2 and code not in answer.text
    with sessions() as session:
        assert code not in [kept.digest for kept in session.scalars(select(FamilyCode))]
