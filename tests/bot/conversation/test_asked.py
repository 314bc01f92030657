"""What a channel asks of its turns: recordings not kept, copies deleted, videos later or never."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.delivery import DeliveryError
from bot.conversation.models import MediaFile, State, Turn
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from tests.bot.conversation.pipeline import Sink, SinkChannel, ask, change, quick_parts, read

Sessions = sessionmaker[Session]


@dataclass
class ForgettingChannel(SinkChannel):
    """A channel whose vendor keeps recordings."""

    forgotten: list[str] = field(default_factory=list)

    def forget(self, name: str) -> None:
        self._pass("forget")
        self.forgotten.append(name)


def begin(sessions: Sessions, **asked: str) -> int:
    turn_id = ask(sessions)
    change(sessions, turn_id, reply_to=asked)
    return turn_id


def steps(sessions: Sessions, turn_id: int) -> list[str]:
    return [step.step for step in read(sessions, turn_id).steps if not step.error]


def test_a_recording_that_is_not_kept_is_heard_and_never_stored(
    sessions: Sessions, parts: Parts, tmp_path: Path
) -> None:
    turn_id = begin(sessions, keep="no")
    assert advance(parts, turn_id) is State.DELIVERED
    assert steps(sessions, turn_id) == ["listen", "think", "voice", "render", "deliver"]
    turn = read(sessions, turn_id)
    assert (turn.text, turn.recording_id) == ("기초연금이 뭐예요", None)
    with sessions() as session:
        kinds = select(func.count()).where(MediaFile.kind == "recording")
        assert session.scalar(kinds) == 0
    assert all(b"sound from" not in path.read_bytes() for path in tmp_path.rglob("files/*/*"))


def test_the_vendor_deletes_its_recordings_once_the_answer_is_spoken(
    sessions: Sessions, tmp_path: Path, sink: Sink
) -> None:
    channel = ForgettingChannel(sink.url)
    parts = quick_parts(sessions, tmp_path, channel)
    turn_id = begin(sessions, vendor_copy="RE1 RE2")
    assert advance(parts, turn_id) is State.DELIVERED
    assert channel.forgotten == ["RE1", "RE2"]
    assert steps(sessions, turn_id).index("forget") == 4


def test_a_vendor_that_does_not_delete_stops_nothing(
    sessions: Sessions, tmp_path: Path, sink: Sink
) -> None:
    refusal = DeliveryError("not now", permanent=True)
    channel = ForgettingChannel(sink.url, faults={"forget": [refusal]})
    parts = quick_parts(sessions, tmp_path, channel)
    turn_id = begin(sessions, vendor_copy="RE1")
    assert advance(parts, turn_id) is State.DELIVERED
    assert channel.forgotten == []


def test_a_channel_without_copies_passes_the_step_over(sessions: Sessions, parts: Parts) -> None:
    turn_id = begin(sessions, vendor_copy="RE1")
    assert advance(parts, turn_id) is State.DELIVERED


def test_a_video_waits_until_its_moment(sessions: Sessions, parts: Parts) -> None:
    turn_id = begin(sessions, held_until=(now() + timedelta(minutes=5)).isoformat())
    assert advance(parts, turn_id) is State.VOICED
    assert advance(parts, turn_id) is None
    turn = read(sessions, turn_id)
    assert turn.lease_owner == ""
    change(sessions, turn_id, retry_at=None, reply_to={})
    assert advance(parts, turn_id) is State.DELIVERED


def test_a_spoken_answer_may_be_enough(sessions: Sessions, parts: Parts) -> None:
    turn_id = begin(sessions, video="no")
    assert advance(parts, turn_id) is State.DELIVERED
    with sessions() as session:
        turn = session.get_one(Turn, turn_id)
        assert turn.speech_id is not None and turn.video_id is None
