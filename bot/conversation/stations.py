"""The steps of a turn between two transactions: each takes the row as read and gives a `Result`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from bot.conversation import family, handover
from bot.conversation.asked import COPY, vendor_copies, without
from bot.conversation.delivery import Channel, DeliveryError, Forgets
from bot.conversation.files import FileStore, plain_type
from bot.conversation.models import MediaFile, State, Turn
from bot.conversation.parts import Parts, Result
from bot.conversation.record import context_of, store_answer, store_transcript, stored_answer
from bot.knowledge.dialogue import Act
from bot.knowledge.types import Answer
from media.errors import MediaError
from media.speech_file import read_speech, write_timings, write_wav
from media.types import Speech, Transcript

ABUSE = "abuse"
"""The dialogue act of an answer that warns an abusive person."""


def fetch(parts: Parts, turn: Turn) -> Result:
    """Copy the recording from the vendor, whose address of it soon expires, into the store."""
    channel = channel_of(parts, turn)
    with _folder() as folder:
        target = folder / "recording"
        content_type = plain_type(channel.fetch(turn.media_url, target) or turn.media_type)
        stored = parts.files.put(target, content_type)

    def apply(session: Session, row: Turn) -> None:
        row.recording = stored.record("recording")
        row.media_url = ""

    return Result(apply, (stored.key,))


def listen(parts: Parts, turn: Turn) -> Result:
    """Recognise a recording that must not be stored: it is gone when this step ends."""
    with _folder() as folder:
        target = folder / "recording"
        channel_of(parts, turn).fetch(turn.media_url, target)
        transcript = parts.steps.hear(target)

    def apply(session: Session, row: Turn) -> None:
        store_transcript(row, transcript)
        row.media_url = ""
        row.state = State.TRANSCRIBED

    return Result(apply)


def hear(parts: Parts, turn: Turn) -> Result:
    """Recognise the recording."""
    if turn.recording is None:
        raise MediaError("no_recording", "The recording is gone.", "Ask for it again.")
    with parts.files.local(turn.recording.key) as path:
        transcript = parts.steps.hear(path)

    def apply(session: Session, row: Turn) -> None:
        store_transcript(row, transcript)
        row.state = State.TRANSCRIBED

    return Result(apply)


def think(parts: Parts, turn: Turn) -> Result:
    """Find the answer, or ask to say it again where nothing was heard; a human may have it."""
    with parts.sessions() as session:
        if handover.is_with_human(session, turn.conversation_id):
            return Result(lambda session, row: handover.acknowledge(row))
    if turn.unheard:
        answer = parts.steps.not_heard(Transcript("", heard=False, reason=turn.unheard))
    else:
        answer = answer_to(parts, turn)

    return Result(lambda session, row: answered(session, row, answer))


def answer_to(parts: Parts, turn: Turn) -> Answer:
    """Return what to say to the question of `turn`: about the family, or from the articles."""
    identity = turn.identity
    own = family.respond(parts.sessions, identity.channel, identity.address, turn.text)
    if own is not None:
        return own
    with parts.sessions() as session:
        context = context_of(session, turn)
    return parts.steps.think(turn.text, context)


def answered(session: Session, row: Turn, answer: Answer) -> None:
    """Write `answer` to the row, and what the conversation keeps of it."""
    store_answer(row, answer)
    row.state = State.ANSWERED
    if answer.act == Act.HUMAN:
        handover.ask(session, row)
    if answer.act == ABUSE:
        row.conversation.state = {**row.conversation.state, "warned": True}


def voice(parts: Parts, turn: Turn) -> Result:
    """Speak the answer."""
    return keep_speech(parts.files, parts.steps.voice(stored_answer(turn)))


def keep_speech(files: FileStore, speech: Speech) -> Result:
    """Store the spoken answer."""
    with _folder() as folder:
        wav, timings = folder / "speech.wav", folder / "timings.json"
        write_wav(speech.audio, wav)
        write_timings(speech, timings)
        sound = files.put(wav, "audio/wav")
        marks = files.put(timings, "application/json")

    def apply(session: Session, row: Turn) -> None:
        row.speech = sound.record("speech", speech.audio.seconds)
        row.timings = marks.record("timings")
        row.state = State.VOICED

    return Result(apply, (sound.key, marks.key))


def forget(parts: Parts, turn: Turn) -> Result:
    """Have the vendor delete its recordings of the question, which this house needs no more."""
    channel = channel_of(parts, turn)
    if isinstance(channel, Forgets):
        for name in vendor_copies(turn):
            channel.forget(name)

    return Result(lambda session, row: without(row, COPY))


def render(parts: Parts, turn: Turn) -> Result:
    """Make the video of the spoken answer."""
    speech_file, timings_file = _required(turn.speech), _required(turn.timings)
    with (
        parts.files.local(speech_file.key) as wav,
        parts.files.local(timings_file.key) as timings,
        _folder() as folder,
    ):
        out, poster = folder / "reply.mp4", folder / "reply.jpg"
        rendered = parts.steps.render(read_speech(wav, timings), out, poster, turn.article_title)
        video = parts.files.put(out, "video/mp4")
        picture = parts.files.put(poster, "image/jpeg")

    def apply(session: Session, row: Turn) -> None:
        row.video = video.record("video", rendered.seconds)
        row.poster = picture.record("poster")
        row.state = State.RENDERED

    return Result(apply, (video.key, picture.key))


def channel_of(parts: Parts, turn: Turn) -> Channel:
    """Return the channel of `turn`; DeliveryError where this worker has none of that name."""
    name = turn.identity.channel
    if name not in parts.channels:
        raise DeliveryError(
            f"There is no channel {name!r} here. Enable it in the worker's settings.",
            permanent=True,
        )
    return parts.channels[name]


Station = Callable[[Parts, Turn], Result]


def _required(file: MediaFile | None) -> MediaFile:
    if file is None:
        raise MediaError("no_speech", "The speech of this turn is gone.", "Ask again.")
    return file


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="silverline-") as name:
        yield Path(name)
