"""A live conversation: turns as they are stored, interruptions, keys, silence, failures."""

from __future__ import annotations

import time

import pytest

from bot.conversation.models import Question, State
from bot.knowledge.types import Answer, Outcome
from bot.live import engine
from bot.live.hearing import silence
from bot.live.lines import Line as Words
from bot.live.transport import After, Mood, Speaker
from media.errors import MediaError
from media.types import Transcript
from tests.bot.live.conftest import UNHEARD, Room, speech, until

ANSWER = ["기초연금은 예순다섯 살부터 받아요.", "주민센터에 가 보세요.", "신분증을 가져가세요."]


def said(room: Room) -> list[str]:
    """What was heard after the greeting."""
    return room.line.heard[1:]


def test_a_question_is_answered_and_stored(room: Room) -> None:
    room.say()
    until(lambda: said(room) == ANSWER)
    until(lambda: any(turn.speech for turn in room.turns()))
    (turn,) = room.hang_up()
    assert (turn.text, turn.outcome, turn.state) == ("기초연금이 뭐예요?", "answered", State.VOICED)
    assert turn.kind is Question.RECORDING and turn.recording is not None
    assert turn.identity.address == "+821012345678"
    assert turn.heard is None and turn.lease_owner == ""
    assert [step.step for step in turn.steps] == ["pause", "hear", "think", "voice", "say"]
    assert all(step.seconds >= 0 for step in turn.steps)
    assert turn.speech.seconds > 0.9, "three sentences and what lies between them"
    assert room.line.captions[0] == (Speaker.PERSON, "기초연금이 뭐예요?")
    assert Mood.THINKING in room.line.moods
    assert room.line.after is After.RECORDED, "the line was cut"


def test_the_conversation_goes_on(room: Room) -> None:
    room.say()
    until(lambda: len(said(room)) == 3 and room.line.moods[-1] is Mood.LISTENING)
    room.say()
    until(lambda: len(said(room)) == 6 and room.line.moods[-1] is Mood.LISTENING)
    first, second = room.hang_up()
    assert second.conversation_id == first.conversation_id and second.number == 2
    assert room.answerer.contexts[1].questions == ("기초연금이 뭐예요?",)


def test_a_pause_within_a_sentence_is_waited_for(room: Room) -> None:
    room.recogniser.texts = ["기초연금을", "기초연금을 어떻게 신청해요?"]
    room.say(1.0, pause=1.2)
    time.sleep(0.3)
    assert room.answerer.asked == []
    room.say(1.0)
    until(lambda: room.answerer.asked)
    assert room.answerer.asked == ["기초연금을 어떻게 신청해요?"]
    assert room.recogniser.heard[-1] > 3.0, "heard from its beginning"


def test_who_goes_on_while_it_is_thought_about_is_heard_out(room: Room) -> None:
    room.answerer.gate.clear()
    room.recogniser.texts = ["기초연금이 궁금해요.", "언제부터 받아요?"]
    room.say()
    until(lambda: room.line.moods[-1] is Mood.THINKING)
    room.say()
    until(lambda: room.line.moods[-2:] == [Mood.LISTENING, Mood.THINKING])
    room.answerer.gate.set()
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert turn.text == "기초연금이 궁금해요. 언제부터 받아요?"


def test_whoever_speaks_over_the_answer_stops_it(room: Room) -> None:
    room.line.holding = True
    room.say()
    until(lambda: len(room.line.waiting) == 3)
    room.line.let_go()
    room.recogniser.texts = ["노령연금은 뭐예요?"]
    time.sleep(0.1)
    room.line.cut_seconds = 0.42 + 0.15
    room.live.hear(speech(0.2))
    until(lambda: room.line.cleared)
    room.line.holding = False
    room.say(0.8)
    until(lambda: said(room)[1:] == ANSWER)
    until(lambda: room.line.moods[-1] is Mood.LISTENING)
    first, second = room.hang_up()
    assert first.heard == "기초연금은 예순다섯 살부터 받아요. 주민센터에"
    assert first.speech is not None, "all of it had been made"
    assert second.text == "노령연금은 뭐예요?" and second.heard is None


@pytest.mark.parametrize("heard", ["네", UNHEARD])
def test_a_nod_and_a_noise_let_the_answer_go_on(room: Room, heard: str | Transcript) -> None:
    room.line.holding = True
    room.say()
    until(lambda: len(room.line.waiting) == 3)
    room.line.let_go()
    time.sleep(0.1)
    room.recogniser.texts = [heard]
    room.line.holding = False
    room.say(0.3)
    until(lambda: said(room) == ANSWER), "from the sentence that was cut"
    until(lambda: room.line.moods[-1] is Mood.LISTENING)
    (turn,) = room.hang_up()
    assert turn.heard is None and turn.speech is not None


def test_noise_is_no_question(room: Room) -> None:
    room.recogniser.texts = [UNHEARD]
    room.say()
    until(lambda: room.recogniser.heard)
    room.live.hear(silence(1.0))
    time.sleep(0.2)
    assert room.hang_up() == [] and said(room) == []


def test_what_is_not_understood_is_asked_again(room: Room) -> None:
    room.recogniser.texts = [Transcript("", heard=False, reason="unclear")]
    room.say()
    until(lambda: said(room))
    assert "한 번 더" in " ".join(said(room))
    (turn,) = room.hang_up()
    assert turn.outcome == "not_heard" and turn.unheard == "unclear"


def test_a_monologue_is_divided_and_answered_whole(room: Room) -> None:
    room.recogniser.texts = ["첫째 이야기이고"]
    for _ in range(4):
        room.live.hear(speech(5.5))
        time.sleep(0.05)
        room.live.hear(silence(0.3))
        time.sleep(0.05)
    until(lambda: max(room.recogniser.heard, default=0) > 20)
    room.recogniser.texts = ["둘째 이야기예요."]
    room.say(5.0)
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert turn.text.startswith("첫째") and turn.text.endswith("둘째 이야기예요.")
    assert max(room.recogniser.heard) < 29
    assert turn.recording is not None and turn.recording.seconds > 27


def test_nobody_speaks_for_ever(room: Room) -> None:
    for _ in range(12):
        room.live.hear(speech(5.0))
        time.sleep(0.02)
    until(lambda: said(room) == ANSWER)
    assert len(room.hang_up()) == 1


def test_keys_mean_the_same_everywhere(room: Room) -> None:
    room.line.holding = True
    room.say()
    until(lambda: len(room.line.waiting) == 3)
    room.live.key("2")
    until(lambda: room.line.cleared)
    room.line.holding = False
    until(lambda: room.answerer.asked[1:] == ["천천히 다시 말해 주세요"])
    room.line.let_go(3)
    room.live.key("5")
    until(lambda: said(room)[-1:] == [Words.NO_SUCH_KEY.value.partition(". ")[2]])
    first, second = room.hang_up()
    assert first.heard is not None
    assert (second.kind, second.text) == (Question.TEXT, "천천히 다시 말해 주세요")


def test_a_key_without_a_meaning_does_not_end_a_question(room: Room) -> None:
    """A cheek that touches the telephone."""
    room.live.hear(speech(1.0))
    until(lambda: room.live._ear.open)
    room.live.key("5")
    room.say()
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert turn.text == "기초연금이 뭐예요?"
    assert turn.recording is not None and (turn.recording.seconds or 0) > 2


def test_a_key_during_a_question_takes_its_place(room: Room) -> None:
    room.live.hear(speech(1.0))
    until(lambda: room.live._ear.open)
    room.live.key("1")
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert turn.text == "다시 말해 주세요", "who presses it wants nothing else"


def test_a_choice_is_made_by_key(room: Room) -> None:
    room.answerer.answers["기초연금이 뭐예요?"] = Answer(
        Outcome.CLARIFIED, "하나요, 둘이요?", choices=("a", "b")
    )
    room.say()
    until(lambda: said(room))
    room.live.key("2")
    until(lambda: room.answerer.asked[1:] == ["2번"])


def test_a_key_while_it_is_thought_about_loses_nothing(room: Room) -> None:
    room.answerer.gate.clear()
    room.say()
    until(lambda: room.line.moods[-1] is Mood.THINKING)
    room.live.key("1")
    time.sleep(0.1)
    room.answerer.gate.set()
    until(lambda: len(room.turns()) == 2)
    assert {turn.text for turn in room.hang_up()} == {"기초연금이 뭐예요?", "다시 말해 주세요"}


def test_words_after_a_key_lose_neither(room: Room) -> None:
    room.answerer.gate.clear()
    room.live.key("1")
    until(lambda: room.line.moods[-1] is Mood.THINKING)
    room.say()
    until(lambda: (Speaker.PERSON, "기초연금이 뭐예요?") in room.line.captions)
    room.answerer.gate.set()
    until(lambda: said(room) == ANSWER)
    until(lambda: len(room.turns()) == 2)
    assert {turn.text for turn in room.hang_up()} == {"기초연금이 뭐예요?", "다시 말해 주세요"}


def test_a_human_is_wanted(room: Room) -> None:
    text = "사람과 연결해 드릴게요."
    room.answerer.answers["사람 연결해 주세요"] = Answer(Outcome.HANDED_OVER, text, act="human")
    room.live.key("0")
    assert room.live.join(10)
    assert said(room) == [text] and room.line.after is After.HUMAN


def test_goodbye_ends_it(room: Room) -> None:
    room.recogniser.texts = ["안녕히 계세요"]
    room.answerer.answers["안녕히 계세요"] = Answer(Outcome.ANSWERED, "네, 건강하세요.", end=True)
    room.say()
    assert room.live.join(10)
    assert said(room) == ["네, 건강하세요."] and room.line.after is After.GOODBYE
    (turn,) = room.turns()
    assert turn.conversation.ended_at is not None


def test_silence_is_asked_about_and_then_ends(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SILENCE_AFTER", 0.2)
    assert room.live.join(10)
    assert " ".join(said(room)) == f"{Words.SILENCE} {Words.SILENCE_AGAIN} {Words.GOODBYE}"
    assert room.line.after is After.GOODBYE and room.turns() == []


def test_a_long_thought_is_filled(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FILL_AFTER", 0.2)
    room.answerer.gate.clear()
    room.say()
    until(lambda: said(room) == [Words.FILLER])
    room.answerer.gate.set()
    until(lambda: said(room)[1:] == ANSWER)


@pytest.mark.parametrize("moment", ["speaking", "pausing", "thinking", "answering"])
def test_whoever_hangs_up_loses_nothing(room: Room, moment: str) -> None:
    room.line.holding = True
    if moment == "thinking":
        room.answerer.gate.clear()
    room.say(1.0, {"speaking": 0.0, "pausing": 0.4}.get(moment, 3.0))
    if moment == "thinking":
        until(lambda: room.line.moods[-1] is Mood.THINKING)
        room.answerer.gate.set()
    if moment == "answering":
        until(lambda: len(room.line.waiting) == 3)
    (turn,) = room.hang_up()
    assert turn.text == "기초연금이 뭐예요?" and turn.outcome == "answered"
    assert turn.lease_owner == "", "a worker goes on with it"
    assert turn.state in (State.ANSWERED, State.VOICED)


@pytest.mark.parametrize("part", ["recogniser", "voice"])
def test_where_a_model_fails_another_way_takes_over(room: Room, part: str) -> None:
    fault = MediaError("broken", "It is broken.", "Mend it.")
    if part == "voice":
        room.voice.fault = fault
    else:
        room.recogniser.texts = [fault]
    room.say()
    assert room.live.join(10)
    assert room.line.after is After.RECORDED


def test_a_recording_that_may_not_be_kept_is_not(room: Room) -> None:
    object.__setattr__(room.live._caller, "keep", False)
    room.say()
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert turn.recording is None and turn.text == "기초연금이 뭐예요?"


def test_personal_numbers_are_masked(room: Room) -> None:
    room.recogniser.texts = ["제 번호는 010-1234-5678이에요."]
    room.say()
    until(lambda: said(room) == ANSWER)
    (turn,) = room.hang_up()
    assert "1234-5678" not in turn.text
    assert "1234-5678" not in room.answerer.asked[0] + room.line.captions[0][1]
