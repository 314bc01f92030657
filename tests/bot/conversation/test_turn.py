from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.columns import now
from bot.conversation.delivery import DeliveryError
from bot.conversation.lease import new_owner
from bot.conversation.models import DeliveryKind, MediaFile, Sending, State, Turn
from bot.conversation.parts import Parts
from bot.conversation.turn import advance, next_step
from bot.jobs import SPEECH, VIDEO
from bot.knowledge.types import Answer, Outcome
from media.errors import MediaError
from media.types import Transcript
from tests.bot.conversation.pipeline import (
    ARTICLE,
    QuickSteps,
    Sink,
    SinkChannel,
    ask,
    both,
    change,
    read,
)

Sessions = sessionmaker[Session]
TOO_LONG = MediaError("too_long", "It is too long.", "Send a shorter one.")


def finish(parts: Parts, turn_id: int) -> State:
    """Advance until the turn is at its end, as the jobs of its retries would."""
    for _ in range(30):
        advance(parts, turn_id)
        turn = read(parts.sessions, turn_id)
        if turn.finished_at is not None:
            return turn.state
    raise AssertionError(f"still {turn.state}: {turn.failure_detail}")


def jobs(folder: Path) -> list[str]:
    """Return the queues of the jobs in the embedded broker."""
    return sorted(path.name.split(".")[1] for path in (folder / "broker").glob("*.msg"))


@both
def test_a_recording_goes_all_the_way(sessions: Sessions, parts: Parts, sink: Sink) -> None:
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.DELIVERED
    turn = read(sessions, turn_id)
    assert [s.step for s in turn.steps] == ["fetch", "hear", "think", "voice", "render", "deliver"]
    assert all(s.error == "" and s.seconds >= 0 for s in turn.steps)
    assert (turn.text, turn.outcome, turn.article_id) == (
        "기초연금이 뭐예요",
        "answered",
        ARTICLE.id,
    )
    assert turn.words[0] == {"text": "기초연금이", "start": 0.1, "end": 0.6, "confidence": 0.9}
    assert turn.candidates == [{"id": ARTICLE.id, "title": ARTICLE.title, "score": 0.9}]
    assert turn.source_url == ARTICLE.source_url and turn.checked == ARTICLE.checked
    assert (turn.media_url, turn.reply_to, turn.lease_owner) == ("", {}, "")
    assert turn.recording is not None and turn.recording.content_type == "audio/ogg"
    assert turn.speech is not None and turn.speech.seconds == pytest.approx(0.5)
    assert turn.video is not None
    with parts.files.open(turn.video.key) as file:
        assert file.read() == b"video of " + ARTICLE.answer.encode()
    [delivery] = turn.deliveries
    assert (delivery.state, delivery.vendor_id) == (Sending.SENT, "m1")
    [message] = sink.taken
    assert (message["video"], message["text"]) == (turn.video.key, ARTICLE.answer)
    assert advance(parts, turn_id) is None
    assert len(sink.taken) == 1


def test_a_typed_question_is_not_heard_but_answered(
    sessions: Sessions, parts: Parts, sink: Sink
) -> None:
    turn_id = ask(sessions, text="기초연금이 뭐예요")
    assert advance(parts, turn_id) is State.DELIVERED
    turn = read(sessions, turn_id)
    assert [s.step for s in turn.steps] == ["think", "voice", "render", "deliver"]
    assert len(sink.taken) == 1


def test_a_turn_at_its_end_needs_no_step(sessions: Sessions, parts: Parts) -> None:
    turn_id = ask(sessions, text="네")
    advance(parts, turn_id)
    with sessions() as session, pytest.raises(ValueError, match="delivered"):
        next_step(parts, session.get_one(Turn, turn_id))


def test_a_turn_that_is_not_there_is_nothing_to_do(parts: Parts) -> None:
    assert advance(parts, 4711) is None


def test_numbers_that_were_spoken_are_masked(
    sessions: Sessions, parts: Parts, steps: QuickSteps
) -> None:
    number = "900101-1234567"
    steps.transcript = Transcript(f"제 번호는 {number} 이에요")
    turn_id = ask(sessions)
    advance(parts, turn_id)
    assert number not in read(sessions, turn_id).text


@pytest.mark.parametrize("reason", ["silence", "noise", "unclear"])
def test_what_was_not_heard_is_asked_for_again(
    sessions: Sessions, parts: Parts, steps: QuickSteps, sink: Sink, reason: str
) -> None:
    steps.transcript = Transcript("", heard=False, reason=reason)
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.DELIVERED
    turn = read(sessions, turn_id)
    assert (turn.outcome, turn.unheard, turn.confidence) == ("not_heard", reason, None)
    assert turn.lines[-1] == reason
    assert steps.contexts == []
    assert "다시" in sink.taken[0]["text"] and sink.taken[0]["video"]


def test_a_recording_that_cannot_be_used_gets_a_spoken_apology(
    sessions: Sessions, parts: Parts, steps: QuickSteps, sink: Sink
) -> None:
    steps.faults["hear"] = [TOO_LONG]
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.FAILED
    turn = read(sessions, turn_id)
    assert (turn.failure, turn.failed_step, turn.outcome) == ("too_long", "hear", "failed")
    assert "too long" in turn.failure_detail
    assert turn.steps[1].error.startswith("It is too long")
    [message] = sink.taken
    assert "짧게 다시" in message["text"] and message["video"]
    assert steps.spoken[0].text == message["text"]


def test_a_fetch_that_is_refused_gets_an_apology_with_a_number_to_call(
    sessions: Sessions, parts: Parts, channel: SinkChannel, sink: Sink
) -> None:
    channel.faults["fetch"] = [MediaError("address_refused", "Not the vendor's.", "None.")]
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.FAILED
    assert "110번으로 전화" in sink.taken[0]["text"]
    assert read(sessions, turn_id).recording is None


def test_a_fault_that_passes_is_tried_again(
    sessions: Sessions, parts: Parts, steps: QuickSteps, sink: Sink
) -> None:
    steps.faults["voice"] = [OSError("disk is busy"), TimeoutError("slow")]
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.ANSWERED
    assert finish(parts, turn_id) is State.DELIVERED
    turn = read(sessions, turn_id)
    voiced = [s.error for s in turn.steps if s.step == "voice"]
    assert voiced == ["OSError: disk is busy", "TimeoutError: slow", ""]
    assert (turn.failure, turn.failure_detail) == ("", "")
    assert len(sink.taken) == 1


def test_a_turn_waits_between_attempts(sessions: Sessions, parts: Parts, steps: QuickSteps) -> None:
    steps.faults["think"] = [OSError("away")]
    slow = replace(parts, retry_seconds=100.0)
    turn_id = ask(sessions)
    assert advance(slow, turn_id) is State.TRANSCRIBED
    turn = read(sessions, turn_id)
    assert turn.retry_at is not None and turn.lease_owner == ""
    assert now() + timedelta(seconds=30) < turn.retry_at <= now() + timedelta(seconds=60 * 1.25)
    assert advance(slow, turn_id) is None


def test_a_fault_that_stays_ends_in_an_apology(
    sessions: Sessions, parts: Parts, steps: QuickSteps, sink: Sink
) -> None:
    steps.faults["think"] = [OSError("away")] * 9
    turn_id = ask(sessions)
    assert finish(parts, turn_id) is State.FAILED
    turn = read(sessions, turn_id)
    assert (turn.failure, turn.failure_detail) == ("attempts", "OSError: away")
    assert len([s for s in turn.steps if s.step == "think"]) == parts.attempts
    assert "다시 말씀해 주세요" in sink.taken[0]["text"]


def test_a_step_that_kills_its_worker_is_given_up(
    sessions: Sessions, parts: Parts, sink: Sink
) -> None:
    turn_id = ask(sessions)
    change(sessions, turn_id, attempts=parts.attempts)
    assert advance(parts, turn_id) is State.FAILED
    assert read(sessions, turn_id).failure == "attempts"
    assert len(sink.taken) == 1


def test_an_unexpected_error_is_written_down_raised_and_tried_again(
    sessions: Sessions, parts: Parts, steps: QuickSteps
) -> None:
    steps.faults["think"] = [KeyError("surprise")]
    turn_id = ask(sessions)
    with pytest.raises(KeyError):
        advance(parts, turn_id)
    assert "KeyError" in read(sessions, turn_id).failure_detail
    assert advance(parts, turn_id) is State.DELIVERED


@pytest.mark.parametrize("step", ["voice", "render"])
def test_an_answer_without_video_is_delivered_in_writing(
    sessions: Sessions, parts: Parts, steps: QuickSteps, sink: Sink, step: str
) -> None:
    steps.faults[step] = [MediaError("no_engine", "There is none.", "Install one.")]
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.FAILED
    turn = read(sessions, turn_id)
    assert (turn.failed_step, turn.outcome) == (step, "answered")
    [message] = sink.taken
    assert message["video"] == ""
    assert message["text"].endswith(ARTICLE.answer) and "죄송" in message["text"]


def test_an_apology_without_a_voice_is_delivered_in_writing(
    sessions: Sessions, parts: Parts, steps: QuickSteps, sink: Sink
) -> None:
    steps.faults = {"hear": [TOO_LONG], "voice": [TOO_LONG]}
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.FAILED
    turn = read(sessions, turn_id)
    assert (turn.failure, turn.failed_step) == ("too_long", "hear")
    assert sink.taken[0] == sink.taken[0] | {"video": "", "text": turn.answer}


def test_a_recording_that_was_deleted_fails_the_turn(sessions: Sessions, parts: Parts) -> None:
    steps = parts.steps
    assert isinstance(steps, QuickSteps)
    steps.faults["hear"] = [OSError("first")]
    turn_id = ask(sessions)
    advance(parts, turn_id)
    recording = read(sessions, turn_id).recording
    assert recording is not None
    parts.files.delete(recording.key)
    assert finish(parts, turn_id) is State.FAILED
    assert "FileNotFoundError" in read(sessions, turn_id).failure_detail


def test_a_reply_that_the_vendor_refuses_fails_the_turn(
    sessions: Sessions, parts: Parts, channel: SinkChannel, sink: Sink
) -> None:
    channel.faults["before-send"] = [DeliveryError("blocked by the person", permanent=True)]
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.FAILED
    turn = read(sessions, turn_id)
    assert (turn.failure, turn.failed_step) == ("vendor", "deliver")
    assert turn.deliveries[0].state is Sending.FAILED
    assert turn.deliveries[0].last_error == "blocked by the person"
    assert sink.taken == []


def test_a_vendor_that_is_away_is_tried_again_and_asked_first(
    sessions: Sessions, parts: Parts, channel: SinkChannel, sink: Sink
) -> None:
    away = DeliveryError("away", permanent=False)
    # The first call fails before it is taken, the second after: only the vendor knows which.
    channel.faults = {"before-send": [away], "after-send": [away]}
    turn_id = ask(sessions)
    assert finish(parts, turn_id) is State.DELIVERED
    assert channel.asked == 2
    assert len(sink.taken) == 1
    [delivery] = read(sessions, turn_id).deliveries
    assert (delivery.state, delivery.vendor_id, delivery.attempts) == (Sending.SENT, "m1", 3)


def test_a_vendor_that_stays_away_fails_the_turn(
    sessions: Sessions, parts: Parts, channel: SinkChannel
) -> None:
    channel.faults["before-send"] = [DeliveryError("away", permanent=False)] * 9
    turn_id = ask(sessions)
    assert finish(parts, turn_id) is State.FAILED
    assert read(sessions, turn_id).deliveries[0].state is Sending.FAILED


def test_a_channel_that_is_not_enabled_fails_the_turn(sessions: Sessions, parts: Parts) -> None:
    turn_id = ask(sessions, text="안녕하세요", channel="pigeon")
    assert finish(parts, turn_id) is State.FAILED
    turn = read(sessions, turn_id)
    assert "pigeon" in turn.failure_detail and turn.failure == "vendor"


def test_a_channel_may_have_the_text_early(
    sessions: Sessions, parts: Parts, channel: SinkChannel, sink: Sink
) -> None:
    channel.wants_early_text = True
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.DELIVERED
    assert [m["kind"] for m in sink.taken] == ["text", "video"]
    turn = read(sessions, turn_id)
    assert [d.kind for d in turn.deliveries] == [DeliveryKind.TEXT, DeliveryKind.VIDEO]
    assert len({d.key for d in turn.deliveries}) == 2
    assert [s.step for s in turn.steps].index("write") < [s.step for s in turn.steps].index("voice")


def test_an_early_text_that_fails_does_not_stop_the_video(
    sessions: Sessions, parts: Parts, channel: SinkChannel, sink: Sink
) -> None:
    channel.wants_early_text = True
    channel.faults["before-send"] = [DeliveryError("expired", permanent=True)]
    turn_id = ask(sessions)
    assert advance(parts, turn_id) is State.DELIVERED
    assert [m["kind"] for m in sink.taken] == ["video"]
    assert read(sessions, turn_id).deliveries[0].state is Sending.FAILED


def test_speech_and_video_may_be_made_by_different_workers(
    sessions: Sessions, parts: Parts, tmp_path: Path, sink: Sink
) -> None:
    speech, video = replace(parts, queues=(SPEECH,)), replace(parts, queues=(VIDEO,))
    turn_id = ask(sessions)
    assert jobs(tmp_path) == [SPEECH]
    assert advance(speech, turn_id) is State.VOICED
    assert jobs(tmp_path) == [SPEECH, VIDEO]
    assert advance(speech, turn_id) is None
    assert advance(video, turn_id) is State.RENDERED
    assert sink.taken == []
    assert advance(speech, turn_id) is State.DELIVERED


def test_a_lease_that_lives_is_respected(sessions: Sessions, parts: Parts) -> None:
    turn_id = ask(sessions)
    other = new_owner()
    change(sessions, turn_id, lease_owner=other, lease_until=now() + timedelta(seconds=60))
    assert advance(parts, turn_id) is None
    change(sessions, turn_id, lease_until=now() - timedelta(seconds=1))
    assert advance(parts, turn_id) is State.DELIVERED


@pytest.mark.parametrize("end", ["result", "fault", "error", "sending"])
def test_a_worker_that_lost_its_lease_changes_nothing(
    sessions: Sessions, parts: Parts, steps: QuickSteps, sink: Sink, end: str
) -> None:
    turn_id = ask(sessions)
    faults = {"result": [], "fault": [TOO_LONG], "error": [OSError("away")], "sending": []}
    steps.faults["voice"] = list(faults[end])
    point = "render" if end == "sending" else "voice"

    def lose(reached: str) -> None:
        if reached == point:
            change(sessions, turn_id, lease_owner="another")

    steps.gate = lose  # type: ignore[assignment]
    before = {"voice": State.ANSWERED, "render": State.VOICED}[point]
    assert advance(parts, turn_id) is None
    turn = read(sessions, turn_id)
    assert (turn.state, turn.lease_owner, turn.failure) == (before, "another", "")
    assert sink.taken == []
    with sessions() as session:
        recorded = session.scalar(select(func.count()).select_from(MediaFile))
    folder = parts.files
    stored = [p for p in Path(folder._root).rglob("*") if p.is_file()]
    assert len(stored) == recorded


@both
def test_many_workers_at_once_make_one_reply(sessions: Sessions, parts: Parts, sink: Sink) -> None:
    turns = [ask(sessions, key=f"k{n}", sender=f"s{n}") for n in range(4)]
    threads = [threading.Thread(target=advance, args=(parts, turn)) for turn in turns * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read(sessions, turn).state for turn in turns) == [State.DELIVERED] * 4
    assert len(sink.taken) == 4
    for turn in turns:
        assert len(read(sessions, turn).steps) == 6


def test_a_turn_knows_the_turns_before_it(
    sessions: Sessions, parts: Parts, steps: QuickSteps
) -> None:
    first, second = ask(sessions, "k1", "기초연금이 뭐예요"), ask(sessions, "k2", "얼마예요")
    advance(parts, first)
    steps.answer = Answer(Outcome.CLARIFIED, "어느 쪽이세요?", choices=("a", "b"), act="abuse")
    advance(parts, second)
    steps.transcript = Transcript("", heard=False, reason="noise")
    advance(parts, ask(sessions, "unheard"))
    third = ask(sessions, "k3", "첫 번째")
    steps.answer = Answer(Outcome.ANSWERED, "네.", end=True)
    advance(parts, third)
    empty, one, two = steps.contexts
    assert empty.questions == () and not empty.warned
    assert (one.questions, one.article_ids) == (("기초연금이 뭐예요",), (ARTICLE.id,))
    assert two.questions == ("얼마예요", "기초연금이 뭐예요")
    assert (two.choices, two.last_answer, two.warned) == (("a", "b"), "어느 쪽이세요?", True)
    fourth = ask(sessions, "k4", "또 물어볼게요")
    turns = [read(sessions, turn) for turn in (first, second, third, fourth)]
    assert [turn.number for turn in turns] == [1, 2, 4, 1]
    assert turns[2].conversation.ended_at is not None
    advance(parts, fourth)
    assert steps.contexts[3].questions == ()
