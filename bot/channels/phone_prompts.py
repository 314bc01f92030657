"""What the telephone line itself says, spoken by the persona: prepared once by a worker, kept.

A webhook never speaks by itself: it plays what is there, and what is not there yet is read out by
the vendor's own voice.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.conversation.calls import Prompt
from bot.conversation.files import Stored
from bot.conversation.models import State, Turn
from bot.conversation.parts import Parts
from bot.knowledge.types import Answer, Outcome
from bot.settings import CONFIG, Settings
from media.hold import MELODY, note
from media.personas import load_persona
from media.speech_file import write_wav
from media.types import Audio

WORDING = "2026-11"
"""The version of the recording notice; it changes with `Line.NOTICE`."""

PATIENCE = 60.0
LOOK_SECONDS = 1.0
"""Seconds that a line waits for turns before it is spoken all the same, and between two looks."""

log = structlog.get_logger(__name__)


class Line(StrEnum):
    """A sentence of the line. `{name}` and `{number}` are the human's to call instead."""

    NOTICE = (
        "안녕하세요, 저는 사람이 아니라 인공지능 상담원이고, 답을 찾고 상담을 더 잘하려고 "
        "이 통화를 녹음하는데, 원하지 않으시면 지금 아무 숫자나 눌러 주세요."
    )
    NOT_KEPT = "네, 녹음을 남기지 않을게요. 하신 말씀은 답을 찾는 데만 쓰고 바로 지워요."
    ASK = (
        "삐 소리가 나면 궁금한 것을 천천히 말씀해 주세요. "
        "다 말씀하시면 우물 정 자를 누르시거나, 잠시 기다려 주세요."
    )
    WAIT = "네, 잘 들었어요. 답을 찾고 있으니 잠시만 기다려 주세요."
    STILL = "조금만 더 기다려 주세요. 아직 찾고 있어요."
    MORE = (
        "다시 들으시려면 일 번, 천천히 들으시려면 이 번, 사람과 통화하시려면 영 번, "
        "문자로 받으시려면 구 번을 눌러 주세요. 더 궁금한 것은 삐 소리가 나면 말씀해 주세요."
    )
    SILENCE = "말씀이 들리지 않았어요. 삐 소리가 나면 조금 더 크게 말씀해 주세요."
    SILENCE_AGAIN = (
        "아직 말씀이 들리지 않아요. 더 궁금한 것이 없으시면 끊으셔도 돼요. "
        "사람과 통화하시려면 영 번을 누르시고, 아니면 삐 소리가 나면 말씀해 주세요."
    )
    GOODBYE = "전화해 주셔서 고맙습니다. 안녕히 계세요."
    LATE = "죄송해요. 답을 찾는 데 너무 오래 걸려요. 한 번 더 말씀해 주세요."
    HUMAN = "사람에게 연결해 드릴게요. 잠시만 기다려 주세요."
    NO_HUMAN = "지금은 여기에서 연결해 드릴 수 없어요. {name} {number}번으로 전화해 주세요."
    BY_TEXT = "네, 전화를 끊으시면 답을 문자로 보내 드릴게요."
    NO_TEXT = "죄송해요. 이 전화로는 문자를 보내 드릴 수 없어요."
    BROKEN = "죄송해요. 잠깐 문제가 생겨서 다른 방법으로 도와 드릴게요."
    NOTHING_YET = "아직 들려 드린 답이 없어요. 먼저 궁금한 것을 말씀해 주세요."


def text_of(settings: Settings, line: Line) -> str:
    """Return the words of `line`."""
    knowledge = settings.knowledge
    return line.value.format(name=knowledge.human_name, number=knowledge.human_number)


def digest_of(settings: Settings, line: Line) -> str:
    """Return the name under which `line` in the persona's present voice is kept."""
    words = [text_of(settings, line), _voice(settings.persona.name)]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


@lru_cache(maxsize=8)
def _voice(persona: str) -> str:
    """Return what makes the voice of `persona`: another voice, other prompts."""
    table = load_persona(CONFIG / "personas", persona).voice_table
    return json.dumps(table, ensure_ascii=False, sort_keys=True, default=str)


def hold_digest(place: int) -> str:
    """Return the name under which note `place` of the sound of waiting is kept."""
    return hashlib.sha256(f"hold:1:{place % len(MELODY)}".encode()).hexdigest()


def find(session: Session, digest: str) -> Prompt | None:
    """Return the prompt kept under `digest`, if it has been prepared."""
    return session.scalar(select(Prompt).where(Prompt.digest == digest))


def prepare(settings: Settings, parts: Parts) -> int:
    """Keep the sound of waiting, and every line spoken, that is not there yet; return how many.

    Lets turns go first: they need the same voice. Stops early when this process is told to stop.
    MediaError where the voice fails.
    """
    made = sum(_keep_note(parts, place) for place in range(len(MELODY)))
    for line in Line:
        digest = digest_of(settings, line)
        with parts.sessions() as session:
            known = find(session, digest) is not None
        if not known:
            _let_turns_go_first(parts)
        if parts.stopping.is_set():
            break
        if not known:
            made += _keep(parts, digest, text_of(settings, line))
    if made:
        log.info("prompts_prepared", prompts=made)
    return made


def _let_turns_go_first(parts: Parts) -> None:
    """Wait, though not for ever, until no turn that can go on is short of its speech."""
    end = time.monotonic() + PATIENCE
    speechless = select(Turn.id).where(
        Turn.state.in_((State.RECEIVED, State.TRANSCRIBED, State.ANSWERED)),
        Turn.retry_at.is_(None),
    )
    while time.monotonic() < end:
        with parts.sessions() as session:
            if session.scalar(speechless.limit(1)) is None:
                return
        if parts.stopping.wait(LOOK_SECONDS):
            return


def _keep_note(parts: Parts, place: int) -> bool:
    digest = hold_digest(place)
    with parts.sessions() as session:
        if find(session, digest) is not None:
            return False
    return _keep_sound(parts, digest, note(place))


def _keep(parts: Parts, digest: str, text: str) -> bool:
    return _keep_sound(parts, digest, parts.steps.voice(Answer(Outcome.ANSWERED, text)).audio)


def _keep_sound(parts: Parts, digest: str, audio: Audio) -> bool:
    with tempfile.TemporaryDirectory(prefix="silverline-") as folder:
        wav = Path(folder) / "prompt.wav"
        write_wav(audio, wav)
        stored: Stored = parts.files.put(wav, "audio/wav")
    with parts.sessions() as session:
        session.add(Prompt(digest=digest, file=stored.record("prompt", audio.seconds)))
        try:
            session.commit()
        except IntegrityError:
            # Another worker was quicker.
            session.rollback()
            parts.files.delete(stored.key)
            return False
    return True
