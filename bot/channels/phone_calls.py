"""The rows of a telephone call: who calls, what was agreed, its questions, its end."""

from __future__ import annotations

import re
from datetime import timedelta

import phonenumbers
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from bot.channels.phone_prompts import WORDING
from bot.conversation.asked import COPY, HOLD, KEEP, VIDEO
from bot.conversation.calls import Call, Consent, RecordingConsent
from bot.conversation.columns import now
from bot.conversation.database import enqueue_on_commit, start_write
from bot.conversation.inbox import InboundMessage, identity_of, receive
from bot.conversation.models import ENDS, InboundEvent, State, Turn
from bot.conversation.stations import answered
from bot.conversation.turn import queue_of
from bot.knowledge.dialogue import Act
from bot.knowledge.types import Answer, Outcome
from bot.settings import Settings

NAME = "phone"
RECORDED, LIVE = "recorded", "live"
HOLD_FOR = timedelta(minutes=30)
"""Videos are made after a call; where its end is never told, after so long."""

ANSWERED = "answered"
MOST_MESSAGES = 3
"""Answers of one call that are sent as messages, the newest."""

COMPLETE = "complete"
QUESTION = "question"
NO_QUESTION = "no-question"
"""What is told of a recording: words in the keys of events."""

SID = re.compile(r"(CA|RE)[0-9a-fA-F]{32}")

WANTS_HUMAN = "사람과 통화하고 싶어요. (0번을 누름)"
"""What a caller says by key 0."""


def address_of(number: str, sid: str) -> str:
    """Return the address of a caller: the number in E.164, or a name for this call alone.

    Callers without a number must not meet in one conversation.
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return f"unknown:{sid}"
    if not phonenumbers.is_possible_number(parsed):
        return f"unknown:{sid}"
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def takes_messages(address: str) -> bool:
    """Say whether a text message reaches `address`: in Korea only mobile numbers."""
    if not address.startswith("+"):
        return False
    return not address.startswith("+82") or address.startswith("+8210")


def begin(session: Session, sid: str, number: str) -> Call:
    """Return the call `sid`, made where it is new, its caller known by number; commits."""
    for _ in range(3):
        start_write(session)
        try:
            call = find(session, sid)
            if call is None:
                identity = identity_of(session, NAME, address_of(number, sid))
                call = Call(sid=sid, identity=identity, mode=RECORDED)
                session.add(call)
            session.commit()
        except IntegrityError:
            # Another request made the same call or person.
            session.rollback()
            continue
        return call
    raise RuntimeError(f"the call {sid} could not be stored")


def find(session: Session, sid: str) -> Call | None:
    """Return the call `sid`, if it is known."""
    return session.scalar(
        select(Call).where(Call.sid == sid).options(joinedload(Call.identity, innerjoin=True))
    )


def answer_notice(session: Session, call: Call, answer: Consent, means: str) -> None:
    """Store what was answered to the notice, and commit; the first answer of a call stays."""
    start_write(session)
    if consent_of(session, call) is None:
        session.add(
            RecordingConsent(
                person_id=call.identity.person_id,
                call_id=call.id,
                channel=NAME,
                wording=WORDING,
                answer=answer,
                means=means,
            )
        )
    try:
        session.commit()
    except IntegrityError:
        session.rollback()


def consent_of(session: Session, call: Call) -> RecordingConsent | None:
    """Return the answer to the notice, if one was given."""
    return session.scalar(select(RecordingConsent).where(RecordingConsent.call_id == call.id))


def question_key(sid: str, question: str) -> str:
    """Return the key of a question's event."""
    return f"{sid}:q:{question}"


def ask_recording(session: Session, settings: Settings, call: Call, recording: str) -> None:
    """Begin the turn of a recording, once; kept only where the caller agreed to it."""
    twilio = settings.twilio
    consent = consent_of(session, call)
    # Without an answer to the notice nothing is kept.
    kept = consent is not None and consent.answer is Consent.AGREED
    asked = {"call": call.sid, COPY: recording} | _hold(session, call)
    session.rollback()
    message = InboundMessage(
        channel=NAME,
        key=question_key(call.sid, recording),
        sender=call.identity.address,
        kind="recording",
        # Made from what is known, not from what a request says.
        media_url=f"{twilio.api_url}/2010-04-01/Accounts/{twilio.account_sid}"
        f"/Recordings/{recording}.wav",
        media_type="audio/wav",
        reply_to=asked if kept else asked | {KEEP: "no"},
        received_at=now(),
    )
    receive(session, message)


def settle(session: Session, settings: Settings, call: Call, recording: str) -> None:
    """Begin the turn of a recording as soon as it is both complete and known to be a question.

    The two are told by different requests, in either order. After the end of a call whatever
    was recorded is a question, unless a key of the menu had ended it.
    """
    keys = {word: f"{call.sid}:{word}:{recording}" for word in (COMPLETE, QUESTION, NO_QUESTION)}
    events = select(InboundEvent.key).where(
        InboundEvent.channel == NAME, InboundEvent.key.in_(keys.values())
    )
    told = set(session.scalars(events))
    over = _is_over(session, call)
    session.rollback()
    if keys[COMPLETE] not in told or keys[NO_QUESTION] in told:
        return
    if keys[QUESTION] in told or over:
        ask_recording(session, settings, call, recording)


def told(session: Session, sid: str, word: str) -> list[str]:
    """Return the recordings of the call of which `word` has been told."""
    start = f"{sid}:{word}:"
    keys = session.scalars(
        select(InboundEvent.key)
        .where(InboundEvent.channel == NAME, InboundEvent.key.startswith(start))
        .order_by(InboundEvent.id)
    )
    return [key.removeprefix(start) for key in keys]


def ask_text(session: Session, call: Call, question: str, text: str) -> None:
    """Begin a turn for what a key stands for, once."""
    asked = {"call": call.sid} | _hold(session, call)
    session.rollback()
    message = InboundMessage(
        channel=NAME,
        key=question_key(call.sid, question),
        sender=call.identity.address,
        kind="text",
        text=text,
        reply_to=asked,
        received_at=now(),
    )
    receive(session, message)


def turn_of(session: Session, sid: str, question: str) -> Turn | None:
    """Return the turn of a question of the call, with its speech."""
    return session.scalar(
        select(Turn)
        .join(InboundEvent, InboundEvent.turn_id == Turn.id)
        .where(InboundEvent.channel == NAME, InboundEvent.key == question_key(sid, question))
        .options(joinedload(Turn.speech))
    )


def want_human(session: Session, call: Call, told: str) -> None:
    """Keep that the caller asked for a human and heard `told` instead, once a call; commit.

    It is a turn that has ended, so that whoever calls back finds it among what was said.
    """

    def prepare(turn: Turn) -> None:
        answer = Answer(Outcome.HANDED_OVER, told, act=Act.HUMAN.value, lines=(told,))
        answered(session, turn, answer)
        turn.state, turn.finished_at, turn.seconds = State.DELIVERED, now(), 0.0

    message = InboundMessage(
        NAME, f"{call.sid}:human", call.identity.address, "text", text=WANTS_HUMAN
    )
    receive(session, message, prepare)


def turns_of(session: Session, sid: str) -> list[Turn]:
    """Return the turns of the call, the oldest first."""
    return list(
        session.scalars(
            select(Turn)
            .join(InboundEvent, InboundEvent.turn_id == Turn.id)
            .where(InboundEvent.channel == NAME, InboundEvent.key.startswith(f"{sid}:q:"))
            .order_by(Turn.id)
        )
    )


def end(session: Session, settings: Settings, call: Call, status: str) -> None:
    """Write down that the call is over and let its videos be made; commits.

    Of the answers that were heard only the newest of each article is worth a message.
    """
    start_write(session)
    row = session.get_one(Call, call.id, with_for_update=True)
    row.status = status
    if row.ended_at is None:
        row.ended_at = now()
        _release(session, call.sid)
    complete = told(session, call.sid, COMPLETE)
    session.commit()
    for recording in complete:
        settle(session, settings, call, recording)


def go_live(session: Session, sid: str) -> Call | None:
    """Write down that the call `sid` is held live, and commit; None where it is not known."""
    start_write(session)
    call = find(session, sid)
    if call is None:
        session.rollback()
        return None
    call.mode, call.follows = LIVE, ""
    session.commit()
    return call


def follow(session: Session, sid: str, after: str) -> None:
    """Write down what follows the live conversation of a call, and commit."""
    start_write(session)
    call = find(session, sid)
    if call is not None:
        call.follows = after
    session.commit()


def live_reply_to(session: Session, call: Call) -> dict[str, str]:
    """Return what is asked of the turns of a live call."""
    return {"call": call.sid} | _hold(session, call)


def left(session: Session, settings: Settings, call: Call) -> None:
    """Let the turns go on that were stored after the call had ended; commits."""
    start_write(session)
    if _is_over(session, call):
        _release(session, call.sid)
    session.commit()


def _release(session: Session, sid: str) -> None:
    """Let the turns of the call go on, the last of them with recordings that nobody needs."""
    turns = turns_of(session, sid)
    for turn in turns:
        session.refresh(turn, with_for_update=True)
    chosen = _worth_a_message(turns)
    going = [turn for turn in turns if turn.state not in ENDS]
    for turn in going:
        asked = {name: value for name, value in turn.reply_to.items() if name != HOLD}
        if turn.outcome and turn.id not in chosen:
            asked[VIDEO] = "no"
        if turn is going[-1]:
            copies = [asked.get(COPY, ""), *told(session, sid, NO_QUESTION)]
            asked[COPY] = " ".join(copies).strip()
        turn.reply_to = asked
        if not turn.lease_owner:
            turn.retry_at = None
            turn.queued_at = now()
            enqueue_on_commit(session, turn.id, queue_of(turn))


def _worth_a_message(turns: list[Turn]) -> set[int]:
    newest = {t.article_id: t.id for t in turns if t.outcome == ANSWERED and t.article_id}
    return set(sorted(newest.values())[-MOST_MESSAGES:])


def _is_over(session: Session, call: Call) -> bool:
    """Say whether the call has ended, as the database knows it."""
    return session.scalar(select(Call.ended_at).where(Call.id == call.id)) is not None


def _hold(session: Session, call: Call) -> dict[str, str]:
    """Return what puts off a turn's video while the call goes on."""
    return {} if _is_over(session, call) else {HOLD: (now() + HOLD_FOR).isoformat()}
