"""What a live conversation makes of real sound: speech of all kinds, and what is no speech."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.engines import Engines
from bot.conversation.files import FileStore
from bot.live import engine
from bot.live.engine import LiveConversation
from bot.live.hearing import Ear, Sign, silence
from bot.live.house import LiveHouse
from bot.live.transport import Caller, Mood
from media.hear.score import character_error_rate
from media.hear.stream import RATE, VoiceActivity
from media.hear.whisper import WhisperRecogniser
from media.speak.kokoro import KokoroVoice
from media.speak.telephone import resampled, telephone
from media.types import Audio, FloatArray, Manner
from tests.bot.live.conftest import Line, QuickAnswerer, QuickVoice, Room, until
from tests.media import sounds

PIECE = RATE // 50


@lru_cache
def said(text: str, pitch: float = 1.0) -> FloatArray:
    """Our voice through a telephone, 16 kHz."""
    audio = KokoroVoice().speak(text, Manner(pitch=pitch)).audio
    return resampled(telephone(audio), RATE).samples


def song() -> FloatArray:
    """An instrument that plays a melody with overtones."""
    t = np.arange(RATE // 2) / RATE
    notes = [
        sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 6)) * np.exp(-3 * t)
        for pitch in (262, 330, 392, 523, 392, 330) * 3
    ]
    return (0.2 * np.concatenate(notes)).astype(np.float32)


@pytest.fixture
def heard(
    opened: sessionmaker[Session],
    tmp_path: Path,
    caller: Caller,
    recogniser: WhisperRecogniser,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Room]:
    """A conversation with a real ear and recogniser, and a quick head and voice."""
    monkeypatch.setattr(engine, "FILL_AFTER", 60.0)
    # Loading the voice takes its time; nobody is asked meanwhile whether they are there.
    monkeypatch.setattr(engine, "SILENCE_AFTER", 600.0)
    answerer, voice, line = QuickAnswerer(), QuickVoice(), Line()
    engines = Engines(
        limits=cast(Any, None),
        recogniser=recogniser,
        answerer=cast(Any, answerer),
        persona=cast(Any, None),
        voice=voice,
    )
    house = replace(LiveHouse.around(engines, opened, FileStore(str(tmp_path / "files")), 4))
    live = LiveConversation(house, caller, line, "무엇이 궁금하세요?")
    line.live = live
    made = Room(house, cast(Any, recogniser), answerer, voice, line, live)
    live.start()
    until(lambda: line.moods[-1:] == [Mood.LISTENING])
    yield made
    live.hang_up("end of test")
    live.join(20)
    house.close()


def listen(room: Room, sound: FloatArray) -> None:
    """Let `sound` be heard in frames, and the quiet after it."""
    whole = np.concatenate([sound, silence(3.0)])
    for at in range(0, len(whole), PIECE * 10):
        room.live.hear(whole[at : at + PIECE * 10])


@pytest.mark.parametrize(
    ("text", "pitch"),
    [
        ("기초연금은 어떻게 신청해요?", 1.0),
        ("지는유 기초연금을 워디서 신청하는지 모르겄슈.", 1.0),
        ("우리 할머니 연금은 어디서 신청해요?", 1.35),
    ],
    ids=["plain", "dialect", "child"],
)
def test_everybody_is_heard(heard: Room, text: str, pitch: float) -> None:
    listen(heard, said(text, pitch))
    until(lambda: heard.answerer.asked, 60)
    (turn,) = heard.hang_up()
    assert character_error_rate(text, turn.text) < 0.5
    assert turn.outcome == "answered" and turn.recording is not None


MONOLOGUE = (
    "제가 올해 일흔셋인데 혼자 산 지가 벌써 십 년이 넘었어요.",
    "아들은 멀리 부산에 살고, 딸은 일이 바빠서 자주 못 와요.",
    "그런데 지난달부터 무릎이 아파서 시장에 다니기가 힘들어요.",
    "동네 사람이 그러는데 집으로 와서 도와주는 사람이 있다고 하대요.",
    "밥도 해 주고 청소도 해 주고 병원에도 같이 가 준다고 들었어요.",
    "그래서 그런 것을 어디에 가서 신청하면 되는지 알고 싶어요.",
    "기초연금은 어떻게 신청해요?",
)


def test_half_a_minute_without_a_pause_for_breath_is_heard_to_its_end(heard: Room) -> None:
    parts = [part for text in MONOLOGUE for part in (said(text), silence(0.3))]
    whole = np.concatenate(parts)
    assert len(whole) / RATE > 30
    listen(heard, whole)
    until(lambda: heard.answerer.asked, 120)
    (turn,) = heard.hang_up()
    assert character_error_rate(" ".join(MONOLOGUE), turn.text) < 0.5
    assert turn.recording is not None and (turn.recording.seconds or 0) > 30


@pytest.mark.parametrize(
    "sound",
    [
        sounds.silence(6),
        sounds.white(6),
        sounds.coloured(2),
        sounds.hum(6),
        sounds.tones(6),
        song(),
    ],
    ids=["silence", "white", "brown", "hum", "ringing", "music"],
)
def test_no_sentence_is_invented(heard: Room, sound: FloatArray) -> None:
    listen(heard, sound)
    until(lambda: heard.live._events.empty())
    heard.live.hear(silence(1.0))
    assert heard.hang_up() == [] and heard.answerer.asked == []


def test_an_answer_over_noise_goes_on(heard: Room) -> None:
    listen(heard, said("기초연금은 어떻게 신청해요?"))
    until(lambda: len(heard.line.heard) >= 4, 60)
    listen(heard, sounds.white(3))
    (turn,) = heard.hang_up()
    assert turn.heard is None


def test_the_ear_finds_where_speech_begins_and_pauses() -> None:
    ear = Ear(VoiceActivity())
    first, second = said("기초연금은 어떻게 신청해요?"), silence(1.0)
    signs = list(ear.hear(np.concatenate([silence(1.0), first, second])))
    assert signs[0] is Sign.STARTED and signs[-1] is Sign.PAUSED
    assert ear.paused and 0.6 < ear.quiet < 1.2
    kept = ear.close()
    assert len(first) / RATE < len(kept) / RATE < len(first) / RATE + 1.6
    assert not ear.open and Audio(kept, RATE).seconds > 1
