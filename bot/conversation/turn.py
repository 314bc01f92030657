"""The turn: a row that moves from received to delivered, one transaction a step.

`advance` takes the turn's lease, does the next step without a transaction, and writes its result
in one, if it still holds the lease. Whatever dies in between, the row says where to go on.

A step that cannot succeed ends in an apology that travels the rest of the way like an answer; the
turn is `failed` once it is delivered. An answer whose video cannot be made is delivered in writing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, joinedload, selectinload

from bot.conversation import dispatch, family, stations
from bot.conversation.apology import apologise
from bot.conversation.asked import (
    COPY,
    held_until,
    keeps_recording,
    vendor_copies,
    wants_video,
    without,
)
from bot.conversation.columns import now
from bot.conversation.database import enqueue_on_commit, start_write
from bot.conversation.delivery import DeliveryError
from bot.conversation.lease import LeaseLostError, heartbeat, is_gone, new_owner
from bot.conversation.models import (
    ENDS,
    DeliveryKind,
    Question,
    State,
    Turn,
    TurnStep,
)
from bot.conversation.parts import Parts, Result
from bot.jobs import SPEECH, VIDEO
from bot.metrics import STEP_SECONDS, TURN_SECONDS
from bot.tracing import span
from media.errors import MediaError

LONGEST_WAIT = 60.0
"""Seconds; the wait between two attempts never grows beyond."""

log = structlog.get_logger(__name__)


def advance(parts: Parts, turn_id: int) -> State | None:
    """Move the turn as far as this worker's queues and the vendor allow; return its state.

    None where there is nothing to do: another worker has it, it waits for another attempt, or it
    is gone. An unexpected error of a step is raised after it was written down.
    """
    owner = new_owner()
    state: State | None = None
    while claim := _claim(parts, turn_id, owner):
        state, held = _do(parts, claim)
        if not held:
            break
    return state


def queue_of(turn: Turn) -> str:
    """Return the queue of the turn's next step."""
    return VIDEO if turn.state is State.VOICED and not vendor_copies(turn) else SPEECH


class _Moved(NamedTuple):
    """Where a step has brought its turn, and whether this worker still holds the lease."""

    state: State | None
    held: bool


LOST = _Moved(None, held=False)


@dataclass(frozen=True)
class _Claim:
    """A turn whose lease this worker holds, read in full, and the step to do."""

    turn: Turn
    step: str


def _write(parts: Parts, turn: Turn) -> Result:
    """Deliver the answer in writing, ahead of the video."""
    return dispatch.send(parts, turn, DeliveryKind.TEXT, lambda session, row: None)


def _deliver(parts: Parts, turn: Turn) -> Result:
    """Deliver the reply and end the turn."""

    def done(session: Session, row: Turn) -> None:
        family.share(session, row)
        _end(row)

    return dispatch.send(parts, turn, DeliveryKind.VIDEO, done)


STATIONS: dict[str, stations.Station] = {
    "fetch": stations.fetch,
    "listen": stations.listen,
    "hear": stations.hear,
    "think": stations.think,
    "write": _write,
    "voice": stations.voice,
    "forget": stations.forget,
    "render": stations.render,
    "deliver": _deliver,
}


def next_step(parts: Parts, turn: Turn) -> str:
    """Return the name of the step that `turn` needs next; it must not have ended."""
    match turn.state:
        case State.RECEIVED if turn.kind is Question.RECORDING and not keeps_recording(turn):
            return "listen"
        case State.RECEIVED if turn.kind is Question.RECORDING:
            return "fetch" if turn.recording_id is None else "hear"
        case State.RECEIVED | State.TRANSCRIBED:
            return "think"
        case State.ANSWERED:
            return "write" if _is_early_text_due(parts, turn) else "voice"
        case State.VOICED | State.RENDERED if vendor_copies(turn):
            return "forget"
        case State.VOICED:
            return "render" if wants_video(turn) else "deliver"
        case State.RENDERED:
            return "deliver"
        case ended:
            raise ValueError(f"a turn that is {ended} needs nothing more")


def _is_early_text_due(parts: Parts, turn: Turn) -> bool:
    channel = parts.channels.get(turn.identity.channel)
    if channel is None or not channel.wants_early_text:
        return False
    sent = [d for d in turn.deliveries if d.kind is DeliveryKind.TEXT]
    return not sent or sent[0].state not in dispatch.DONE


def _claim(parts: Parts, turn_id: int, owner: str) -> _Claim | None:
    """Take or renew the lease for the next step; None where it is not this worker's to do."""
    with parts.sessions() as session:
        start_write(session)
        turn = _read(session, turn_id)
        if turn is None or not _is_free(turn, owner):
            session.rollback()
            return None
        step = next_step(parts, turn)
        if turn.attempts >= parts.attempts:
            # Whatever tried last did not live to write down why.
            _give_up(parts, session, turn, step, "attempts", turn.failure_detail)
            if turn.state in ENDS:
                session.commit()
                return None
            step = next_step(parts, turn)
        if queue_of(turn) not in parts.queues:
            _pass_on(session, turn)
            session.commit()
            return None
        turn.lease_owner = owner
        turn.lease_until = _lease_end(parts)
        turn.attempts += 1
        session.commit()
        return _Claim(turn, step)


def _read(session: Session, turn_id: int) -> Turn | None:
    """Return the row, locked, with everything that a step needs of it."""
    return session.scalar(
        select(Turn)
        .where(Turn.id == turn_id)
        .options(
            joinedload(Turn.identity, innerjoin=True),
            joinedload(Turn.conversation, innerjoin=True),
            joinedload(Turn.recording),
            joinedload(Turn.speech),
            joinedload(Turn.timings),
            joinedload(Turn.video),
            joinedload(Turn.poster),
            selectinload(Turn.deliveries),
        )
        .with_for_update(of=Turn)
    )


def _is_free(turn: Turn, owner: str) -> bool:
    if turn.state in ENDS:
        return False
    moment = now()
    held = turn.lease_until is not None and turn.lease_until > moment
    if held and turn.lease_owner not in ("", owner) and not is_gone(turn.lease_owner):
        return False
    return turn.retry_at is None or turn.retry_at <= moment


def _do(parts: Parts, claim: _Claim) -> _Moved:
    """Do the step and write down its result, or why there is none."""
    turn, step = claim.turn, claim.step
    begun, clock = now(), time.monotonic()
    record = _recorder(turn, step, begun, clock)
    try:
        with (
            heartbeat(parts.sessions, turn.id, turn.lease_owner, parts.lease_seconds),
            span(step, turn=turn.id, channel=turn.identity.channel),
        ):
            result = STATIONS[step](parts, turn)
        return _finish(parts, turn, record, result)
    except LeaseLostError:
        log.warning("lease_lost", turn=turn.id, step=step)
        return LOST
    except MediaError as error:
        return _fail(parts, turn, record, error.code, f"{error.cause} {error.remedy}")
    except DeliveryError as error:
        if error.permanent:
            return _fail(parts, turn, record, "vendor", str(error))
        return _postpone(parts, turn, record, str(error))
    except (OSError, SQLAlchemyError) as error:
        return _postpone(parts, turn, record, f"{type(error).__name__}: {error}")
    except Exception as error:
        _postpone(parts, turn, record, f"{type(error).__name__}: {error}")
        raise


Recorder = Callable[[str], TurnStep]


def _recorder(turn: Turn, step: str, begun: datetime, clock: float) -> Recorder:
    def record(error: str) -> TurnStep:
        seconds = time.monotonic() - clock
        log.info("step", turn=turn.id, step=step, seconds=round(seconds, 3), error=error)
        STEP_SECONDS.labels(step, "failed" if error else "done").observe(seconds)
        return TurnStep(
            turn_id=turn.id,
            step=step,
            started_at=begun,
            finished_at=now(),
            seconds=seconds,
            worker=turn.lease_owner,
            error=error,
        )

    return record


def _held(session: Session, turn: Turn) -> Turn:
    """Return the row, locked; LeaseLostError where another worker has taken it."""
    start_write(session)
    row = session.get(Turn, turn.id, with_for_update=True)
    if row is None or row.lease_owner != turn.lease_owner:
        raise LeaseLostError
    return row


def _finish(parts: Parts, turn: Turn, record: Recorder, result: Result) -> _Moved:
    with parts.sessions() as session:
        try:
            row = _held(session, turn)
        except LeaseLostError:
            for key in result.files:
                parts.files.delete(key)
            raise
        result.apply(session, row)
        session.add(record(""))
        _step_over(parts, session, row)
        session.commit()
        return _moved(row)


def _fail(parts: Parts, turn: Turn, record: Recorder, code: str, detail: str) -> _Moved:
    """Write down that the step cannot succeed, and go on with the apology."""
    step = record(detail)
    try:
        with parts.sessions() as session:
            row = _held(session, turn)
            session.add(step)
            _give_up(parts, session, row, step.step, code, detail)
            _step_over(parts, session, row)
            session.commit()
            return _moved(row)
    except LeaseLostError:
        return LOST


def _postpone(parts: Parts, turn: Turn, record: Recorder, detail: str) -> _Moved:
    """Write down that the step failed for now; it is tried again after a wait, or given up."""
    if turn.attempts >= parts.attempts:
        return _fail(parts, turn, record, "attempts", detail)
    wait = min(parts.retry_seconds * 2 ** (turn.attempts - 1), LONGEST_WAIT)
    wait *= random.uniform(1.0, 1.25)
    try:
        with parts.sessions() as session:
            row = _held(session, turn)
            session.add(record(detail))
            row.failure_detail = detail
            row.retry_at = now() + timedelta(seconds=wait)
            _let_go(row)
            enqueue_on_commit(session, row.id, queue_of(row), delay=wait)
            session.commit()
            return _moved(row)
    except LeaseLostError:
        return LOST


def _give_up(parts: Parts, session: Session, row: Turn, step: str, code: str, detail: str) -> None:
    """Turn the row to what is delivered instead of the result of `step`."""
    row.attempts, row.retry_at = 0, None
    if step == "forget":
        log.error("recording_left_with_vendor", turn=row.id, error=detail)
        without(row, COPY)
        return
    if step == "write":
        dispatch.note_failure(session, row, DeliveryKind.TEXT, detail)
        return
    if not row.failure:
        row.failure, row.failed_step, row.failure_detail = code, step, detail
    if step == "deliver":
        dispatch.note_failure(session, row, DeliveryKind.VIDEO, detail)
        _end(row)
    elif step in ("voice", "render"):
        row.state = State.RENDERED
    else:
        apologise(row, code, parts.human_name, parts.human_number)
        row.state = State.ANSWERED


def _step_over(parts: Parts, session: Session, row: Turn) -> None:
    """Make the row ready for its next step: kept by this worker, passed on, or let go."""
    row.attempts, row.retry_at = 0, None
    if row.state in ENDS:
        _let_go(row)
    elif row.state is State.VOICED and not vendor_copies(row) and held_until(row):
        _let_go(row)
        row.retry_at = held_until(row)
    elif queue_of(row) not in parts.queues or parts.stopping.is_set():
        _pass_on(session, row)
    else:
        row.lease_until = _lease_end(parts)


def _pass_on(session: Session, row: Turn) -> None:
    _let_go(row)
    row.queued_at = now()
    enqueue_on_commit(session, row.id, queue_of(row))


def _moved(row: Turn) -> _Moved:
    return _Moved(row.state, held=row.lease_owner != "")


def _let_go(row: Turn) -> None:
    row.lease_owner, row.lease_until = "", None


def _end(row: Turn) -> None:
    """End the turn; what was kept only to reply is removed."""
    row.state = State.FAILED if row.failure else State.DELIVERED
    row.finished_at = now()
    row.seconds = (row.finished_at - row.created_at).total_seconds()
    TURN_SECONDS.labels(row.conversation.channel, row.outcome).observe(row.seconds)
    row.reply_to, row.media_url = {}, ""
    if not row.failure:
        row.failure_detail = ""
    if row.ends:
        row.conversation.ended_at = row.finished_at


def _lease_end(parts: Parts) -> datetime:
    return now() + timedelta(seconds=parts.lease_seconds)
