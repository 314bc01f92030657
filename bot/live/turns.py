"""The turns of a live conversation: the ordinary rows, moved by the process that holds the line.

A turn is stored when its answer is about to be heard. Its lease belongs to this process: if that
dies, a worker goes on from the row. What remains (video, message) is a worker's in any case.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import family
from bot.conversation.asked import KEEP, held_until
from bot.conversation.columns import now
from bot.conversation.database import enqueue_on_commit, start_write
from bot.conversation.files import FileStore
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.lease import new_owner
from bot.conversation.models import ENDS, State, Turn, TurnStep
from bot.conversation.record import context_now, store_transcript
from bot.conversation.stations import answered, keep_speech
from bot.conversation.turn import queue_of
from bot.knowledge.types import Answer, Context
from bot.live.transport import Caller
from media.hear.stream import RATE
from media.speech_file import write_wav
from media.types import Audio, FloatArray, Speech, Transcript

LEASE = timedelta(minutes=5)
"""Longer than an answer is spoken."""


@dataclass(frozen=True, slots=True)
class Took:
    """A step of a turn: it `began` (monotonic seconds) and ended."""

    step: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it came: a text, or a transcript with its sound (16 kHz)."""

    number: int
    text: str = ""
    transcript: Transcript | None = None
    samples: FloatArray | None = None


class Turns:
    """Stores the turns of one conversation."""

    def __init__(
        self, sessions: sessionmaker[Session], files: FileStore, caller: Caller, clock: float
    ) -> None:
        self._sessions, self._files, self._caller = sessions, files, caller
        self._owner = new_owner()
        self._begun = now() - timedelta(seconds=clock)
        """The moment at which the monotonic clock was zero."""

    def context(self) -> Context:
        """Return what the conversation so far brings to the next question."""
        with self._sessions() as session:
            return context_now(session, self._caller.channel, self._caller.address)

    def own_answer(self, text: str) -> Answer | None:
        """Return the answer to what the house itself is asked, None where it is no such thing."""
        return family.respond(self._sessions, self._caller.channel, self._caller.address, text)

    def store(self, asked: Asked, answer: Answer, took: Sequence[Took]) -> int:
        """Store question and answer; return the turn's id."""
        caller = self._caller
        stored = None
        if asked.samples is not None and caller.keep:
            with tempfile.TemporaryDirectory(prefix="silverline-") as folder:
                wav = Path(folder) / "recording.wav"
                write_wav(Audio(asked.samples, RATE), wav)
                stored = self._files.put(wav, "audio/wav")

        def prepare(turn: Turn) -> None:
            turn.lease_owner, turn.lease_until = self._owner, now() + LEASE
            if stored is not None and asked.samples is not None:
                turn.recording = stored.record("recording", len(asked.samples) / RATE)
            if asked.transcript is not None:
                store_transcript(turn, asked.transcript)
            answered(session, turn, answer)
            turn.steps = [self._step(one) for one in took]

        message = InboundMessage(
            channel=caller.channel,
            key=f"{caller.session}:q:{asked.number}",
            sender=caller.address,
            kind="text" if asked.transcript is None else "recording",
            text=asked.text,
            media_type="" if asked.transcript is None else "audio/wav",
            reply_to=caller.reply_to if caller.keep else caller.reply_to | {KEEP: "no"},
            received_at=now(),
        )
        with self._sessions() as session:
            turn_id = receive(session, message, prepare).turn_id
        assert turn_id is not None
        return turn_id

    def spoken(
        self, turn_id: int, speech: Speech | None, heard: str | None, took: Sequence[Took]
    ) -> None:
        """Store how the answer was heard and let the turn go; a worker does the rest.

        `speech` is the whole answer, None where not all of it was made; `heard` is what was heard
        of it where it was cut.
        """
        kept = keep_speech(self._files, speech) if speech is not None else None
        with self._sessions() as session:
            start_write(session)
            row = session.get(Turn, turn_id, with_for_update=True)
            if row is None or row.lease_owner != self._owner or row.state in ENDS:
                session.rollback()
                return
            if kept is not None and row.state is State.ANSWERED:
                kept.apply(session, row)
            row.heard = heard
            session.add_all(self._step(one, turn_id) for one in took)
            row.lease_owner, row.lease_until = "", None
            row.attempts, row.retry_at = 0, held_until(row)
            if row.ends:
                row.conversation.ended_at = now()
            if row.retry_at is None:
                row.queued_at = now()
                enqueue_on_commit(session, row.id, queue_of(row))
            session.commit()

    def _step(self, took: Took, turn_id: int | None = None) -> TurnStep:
        return TurnStep(
            turn_id=turn_id,
            step=took.step,
            started_at=self._at(took.began),
            finished_at=self._at(took.ended),
            seconds=took.ended - took.began,
            worker=self._owner,
        )

    def _at(self, moment: float) -> datetime:
        return self._begun + timedelta(seconds=moment)
