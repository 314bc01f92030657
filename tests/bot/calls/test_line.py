"""Lips and sound start and stop together, whatever order the threads take."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from bot.calls.line import VideoLine
from bot.calls.sound import Outgoing
from bot.live.transport import After, Mood, Piece, Speaker
from media.face.live import LiveFace
from media.face.live_motion import Bearing
from media.face.viseme import REST
from tests.bot.calls.scripted import babble


class Later(Executor):
    """Does what it is given when told to."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.jobs.append(lambda: fn(*args, **kwargs))
        return Future()

    def run(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()


def made() -> tuple[VideoLine, Outgoing, LiveFace, Later, list[Any]]:
    told: list[Any] = []
    sound, pool = Outgoing(told.append), Later()
    face = LiveFace(lambda mouth, pose: np.zeros((2, 2, 3), np.uint8), (2, 2))
    return VideoLine(sound, face, told.append, told.append, pool), sound, face, pool, told


def widest(face: LiveFace, begin: float, end: float) -> float:
    return max(face.mouth_at(at).jaw for at in np.arange(begin, end, 0.04))


def test_the_face_speaks_when_the_sound_does() -> None:
    line, sound, face, pool, _ = made()
    line.play(Piece("a", babble(2.0)))
    pool.run()
    assert widest(face, 0.0, 2.0) > 0.6
    for _ in range(110):
        sound.take()
    assert not sound.sounding


def test_what_was_cleared_is_not_said_afterwards() -> None:
    line, _, face, pool, _ = made()
    line.play(Piece("a", babble(2.0)))
    line.play(Piece("b", babble(2.0)))
    line.clear()
    pool.run()
    assert widest(face, 0.0, 4.0) == 0


def test_what_is_cleared_while_it_is_read_stops_too() -> None:
    line, sound, face, pool, _ = made()
    line.play(Piece("a", babble(2.0)))
    say = face.say

    def interrupted(*given: Any) -> None:
        sound.clear()
        say(*given)

    face.say = interrupted  # type: ignore[method-assign]
    pool.run()
    assert face.mouth_at(1.0) == REST


def test_what_follows_a_clear_is_said() -> None:
    line, _, face, pool, _ = made()
    line.play(Piece("a", babble(2.0)))
    line.clear()
    line.play(Piece("b", babble(2.0)))
    pool.run()
    assert widest(face, 0.0, 2.5) > 0.6


def test_moods_captions_and_the_end_are_told() -> None:
    line, _, face, _, told = made()
    line.show(Mood.THINKING)
    assert face.bearing_at(0.0) is Bearing.THINKING
    line.show(Mood.SPEAKING)
    assert face.bearing_at(0.0) is Bearing.THINKING
    line.show(Mood.LISTENING)
    assert face.bearing_at(0.0) is Bearing.LISTENING
    line.caption(Speaker.PERSON, "기초연금이 뭐예요?")
    line.end(After.HUMAN)
    assert told[-2:] == [
        {"type": "caption", "who": "person", "text": "기초연금이 뭐예요?"},
        After.HUMAN,
    ]
