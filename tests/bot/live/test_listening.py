"""The recogniser that conversations share: who is heard first, and what is not heard at all."""

from __future__ import annotations

import queue

import numpy as np
import pytest

from bot.live import listening
from bot.live.hearing import Ear, silence
from bot.live.listening import Listener, Question, Recognised
from media.errors import MediaError
from media.types import Audio, Transcript
from tests.bot.live.conftest import QuickRecogniser, loud, speech, until


def test_what_is_certain_goes_before_guesses_and_what_was_dropped_is_not_heard() -> None:
    recogniser = QuickRecogniser()
    recogniser.gate.clear()
    listener, done = Listener(recogniser), queue.Queue[Recognised]()
    listener.listen(silence(0.1), 1, done.put, guess=True)
    until(lambda: not listener._waiting)
    for number in (2, 3, 4, 5):
        ticket = listener.listen(silence(number / 10), number, done.put, guess=number != 4)
        if number == 3:
            ticket.dropped = True
        if number == 5:
            ticket.guess = False
    recogniser.gate.set()
    assert [done.get(timeout=10).number for _ in range(4)] == [1, 4, 5, 2]
    listener.close()
    assert recogniser.heard == [0.1, 0.4, 0.5, 0.2]


def test_where_several_are_heard_a_guess_waits_until_it_is_likely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener, others = Listener(QuickRecogniser()), queue.Queue[Recognised]()
    mine: list[Recognised] = []
    ear = Ear(loud)
    question = Question(ear, listener, mine.append)
    listener.listen(silence(0.1), 1, others.put, guess=False)
    others.get(timeout=10)
    for sign in ear.hear(np.concatenate([speech(1.0), silence(0.25)])):
        question.notice(sign)
    assert ear.paused and not question.is_over()
    assert question._current is None, "a short pause is not worth what others wait for"
    list(ear.hear(silence(0.15)))
    question.is_over()
    until(lambda: mine)
    monkeypatch.setattr(listening, "CROWD_SECONDS", 0.0)
    assert not listener.crowded(mine.append), "the others have long been silent"
    listener.close()


def test_a_failure_ends_nobody_elses_hearing() -> None:
    class Failing(QuickRecogniser):
        def recognise(self, audio: Audio) -> Transcript:
            if audio.seconds < 0.15:
                raise ValueError("nobody thought of this")
            return super().recognise(audio)

    listener, done = Listener(Failing()), queue.Queue[Recognised]()
    for number in (1, 2):
        listener.listen(silence(number / 10), number, done.put, guess=False)
    first, second = (done.get(timeout=10).result for _ in range(2))
    assert isinstance(first, MediaError) and isinstance(second, Transcript)
    listener.close()
