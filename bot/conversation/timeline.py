"""What happened in a call, in the order of time: for whoever asks why it was slow or went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversation.calls import Call, RecordingConsent
from bot.conversation.models import InboundEvent, Turn, TurnStep


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, `at` seconds after the call began, taking `seconds` if known."""

    at: float
    what: str
    detail: str = ""
    seconds: float | None = None
    turn: int | None = None


def timeline(session: Session, sid: str) -> list[Moment] | None:
    """Return the moments of the call `sid`, the earliest first; None where there is no such call.

    What Twilio told, what each step of each turn took, what was heard and said.
    """
    call = session.scalar(select(Call).where(Call.sid == sid))
    if call is None:
        return None
    begun = call.started_at

    def at(moment: datetime) -> float:
        return round((moment - begun).total_seconds(), 3)

    events = session.scalars(
        select(InboundEvent).where(InboundEvent.key.startswith(f"{sid}:")).order_by(InboundEvent.id)
    ).all()
    found = [Moment(at(event.received_at), event.kind, _told(event)) for event in events]
    consent = session.scalar(select(RecordingConsent).where(RecordingConsent.call_id == call.id))
    if consent is not None:
        detail = f"{consent.answer} ({consent.means}, wording {consent.wording})"
        found.append(Moment(at(consent.given_at), "consent", detail))
    turns = {event.turn_id for event in events if event.turn_id is not None}
    for turn in session.scalars(select(Turn).where(Turn.id.in_(turns))):
        for step in turn.steps:
            detail = step.error or _result(turn, step)
            found.append(
                Moment(at(step.started_at), step.step, detail, round(step.seconds, 3), turn.number)
            )
    if call.ended_at is not None:
        found.append(Moment(at(call.ended_at), "ended", call.status))
    return sorted(found, key=lambda moment: moment.at)


def _told(event: InboundEvent) -> str:
    return ", ".join(f"{key} {value}" for key, value in event.payload.items() if value)


def _result(turn: Turn, step: TurnStep) -> str:
    match step.step:
        case "hear" | "listen":
            return turn.text or turn.unheard
        case "think":
            return f"{turn.outcome}: {turn.answer}"
        case "voice" if turn.speech is not None and turn.speech.seconds is not None:
            return f"{turn.speech.seconds:.1f} s of speech"
        case "pause":
            return "the question ended; waited until it was certain"
        case "say":
            return "heard to its end" if turn.heard is None else f"cut; heard: {turn.heard or '-'}"
        case _:
            return ""
