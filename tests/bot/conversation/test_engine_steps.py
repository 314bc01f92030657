"""A spoken question all the way on the real engines: the one test here that loads models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.engine_steps import EngineSteps
from bot.conversation.models import State
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from bot.knowledge.types import Answer, Outcome
from bot.settings import ROOT, Settings
from media.decode import decode, probe
from media.speech_file import write_wav
from media.types import Speech, Transcript
from tests.bot.conversation.pipeline import Sink, SinkChannel, ask, read

QUESTION = "기초연금은 누가 받나요?"
ARTICLES = ROOT / "tests" / "bot" / "knowledge" / "articles"


@dataclass
class Recorder(SinkChannel):
    """A sink whose recordings are `said`."""

    said: Speech | None = None

    def fetch(self, url: str, target: Path) -> str:
        assert self.said is not None
        write_wav(self.said.audio, target)
        return "audio/wav"


def test_a_spoken_question_becomes_a_video(
    sessions: sessionmaker[Session], parts: Parts, settings: Settings, sink: Sink
) -> None:
    few = settings.knowledge.model_copy(update={"folder": ARTICLES})
    steps = EngineSteps(settings.model_copy(update={"knowledge": few}))
    said = steps.voice(Answer(Outcome.ANSWERED, QUESTION))
    slower = steps.voice(Answer(Outcome.CLARIFIED, QUESTION, act="slower"))
    assert slower.audio.seconds > said.audio.seconds * 1.1
    again = steps.not_heard(Transcript("", heard=False, reason="silence"))
    assert again.outcome is Outcome.NOT_HEARD and again.text and again.contact_number

    real = replace(parts, steps=steps, channels={"sink": Recorder(sink.url, said=said)})
    turn_id = ask(sessions)
    assert advance(real, turn_id) is State.DELIVERED
    turn = read(sessions, turn_id)
    assert "누가" in turn.text and turn.outcome in set(Outcome) and turn.answer
    assert turn.video is not None and turn.speech is not None
    with real.files.local(turn.video.key) as video:
        found = probe(video)
        assert decode(video).seconds >= turn.speech.seconds - 0.1
    assert found.width == found.height == 512
    assert turn.video.seconds is not None and turn.video.seconds >= turn.speech.seconds
    [message] = sink.taken
    assert message["text"] == turn.answer and message["video"] == turn.video.key
