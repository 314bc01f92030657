"""Answers found ahead, while it is not certain that a question is over; turns stored beside it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot.conversation.models import State
from bot.knowledge.types import Answer, Context, Outcome
from bot.live import engine
from bot.live.foresight import Foresight
from bot.live.hearing import silence
from bot.live.lines import Line as Words
from bot.live.transport import After, Mood
from bot.live.turns import Turns
from tests.bot.live.conftest import Room, speech, until
from tests.bot.live.test_engine import ANSWER, said


def test_an_answer_is_found_in_the_pause_and_said_after_it(room: Room) -> None:
    room.recogniser.texts = ["기초연금 신청"]
    room.live.hear(speech(1.0))
    room.live.hear(silence(0.7))
    until(lambda: room.answerer.asked)
    assert Mood.THINKING not in room.line.moods, "it may still go on"
    room.live.hear(silence(0.6))
    until(lambda: said(room) == ANSWER)
    assert room.answerer.asked == ["기초연금 신청"], "it was thought about once"


def test_who_goes_on_is_answered_to_all_of_it(room: Room) -> None:
    room.recogniser.texts = ["기초연금 신청", "기초연금 신청 서류요."]
    room.live.hear(speech(1.0))
    room.live.hear(silence(0.7))
    until(lambda: room.answerer.asked)
    room.say()
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert turn.text == "기초연금 신청 서류요." == room.answerer.asked[-1]


class Head:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.contexts = [Context()]
        self.fails = False

    def answer(self, text: str, context: Context) -> Answer:
        self.asked += 1
        if self.fails:
            raise OSError("the disk is full")
        return Answer(Outcome.ANSWERED, f"{text} {self.asked}")

    def foresight(self) -> Foresight:
        return Foresight(self.answer, lambda: self.contexts[-1], lambda job: job())


def test_what_was_found_ahead_counts_only_where_nothing_has_changed() -> None:
    head = Head()
    ahead = head.foresight()
    for text in ("", "가", "가"):
        ahead.look(text)
    assert (ahead.answer("가").text, head.asked) == ("가 1", 1)
    assert (ahead.answer("나").text, head.asked) == ("나 2", 2)
    head.contexts.append(Context(questions=("가",)))
    assert ahead.answer("가").text == "가 3", "it was another conversation then"


def test_nothing_asked_ahead_waits_for_nothing() -> None:
    assert Head().foresight().answer("").text == " 1"


def test_turns_are_stored_while_the_process_ends(room: Room) -> None:
    # So it is when the interpreter ends: its executors take nothing any more.
    room.live._keeper._pool.shutdown()
    room.say()
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert (turn.text, turn.state, turn.lease_owner) == ("기초연금이 뭐예요?", State.VOICED, "")


def test_what_failed_ahead_is_thought_about_again() -> None:
    head = Head()
    ahead = head.foresight()
    head.fails = True
    ahead.look("가")
    head.fails = False
    assert ahead.answer("가").text == "가 2"


def test_whoever_waits_long_is_told_so(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FILL_AFTER", 0.1)
    monkeypatch.setattr(engine, "STILL_AFTER", 0.2)
    room.answerer.gate.clear()
    room.say()
    until(lambda: " ".join(said(room)) == f"{Words.FILLER} {Words.STILL}")
    room.answerer.gate.set()
    until(lambda: said(room)[-3:] == ANSWER)


def test_who_goes_on_over_a_filler_stops_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FILL_AFTER", 0.2)
    room.line.holding = True
    room.answerer.gate.clear()
    room.say()
    until(lambda: [p.speech.text for p in room.line.waiting] == [Words.FILLER])
    room.recogniser.texts = ["언제부터 받아요?"]
    room.live.hear(speech(0.3))
    until(lambda: room.line.cleared)
    room.line.holding = False
    room.answerer.gate.set()
    room.say()
    until(lambda: said(room)[-3:] == ANSWER)
    (turn,) = room.hang_up()
    assert turn.text == "기초연금이 뭐예요? 언제부터 받아요?"


@pytest.mark.parametrize("what", ["store", "spoken"])
def test_a_turn_that_cannot_be_stored_is_no_live_call(
    room: Room, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fail(*arguments: Any) -> int:
        raise OperationalError("insert", {}, OSError("the disk is full"))

    monkeypatch.setattr(Turns, what, fail)
    room.say()
    assert room.live.join(10)
    assert room.line.after is After.RECORDED
    assert len(room.turns()) == (0 if what == "store" else 1)
