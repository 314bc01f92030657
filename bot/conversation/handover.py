"""A human instead of the counsellor: who waits for one, who answers now, and what they write.

While a hand-over is taken, what the person says is passed on and acknowledged, and the counsellor
keeps quiet. What the human writes is a turn that begins at its last step, so that it travels like
every reply: through the person's channel, exactly once.
"""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.conversation.accounts import Account
from bot.conversation.casework import Handover, Stage
from bot.conversation.columns import now
from bot.conversation.database import enqueue_on_commit
from bot.conversation.models import Conversation, Question, State, Turn
from bot.conversation.record import HUMAN, PASSED_ON
from bot.jobs import SPEECH

MESSENGERS = ("kakao", "whatsapp")
"""Channels on which a human can write back; others are called."""

MOST_LETTERS = 900
ACKNOWLEDGED = "상담원에게 전했어요. 상담원이 읽고 답을 드릴게요."
HERE = "안녕하세요. 이제부터 사람 상담원이 답해 드릴게요."
BACK = "상담원과의 이야기를 마쳤어요. 이제 AI 상담사 실버라인이 다시 답해 드릴게요."


def ask(session: Session, turn: Turn) -> None:
    """Write down that the person of `turn` wants a human; asking again changes nothing."""
    with session.no_autoflush:
        # The turn may be on its way into the session.
        if open_of(session, turn.conversation.id) is None:
            session.add(Handover(turn=turn, conversation=turn.conversation))


def open_of(session: Session, conversation_id: int) -> Handover | None:
    """Return the hand-over of a conversation that is not closed, or None."""
    return session.scalar(
        select(Handover).where(
            Handover.conversation_id == conversation_id, Handover.stage != Stage.CLOSED
        )
    )


def is_with_human(session: Session, conversation_id: int) -> bool:
    """Say whether a human answers in this conversation now."""
    found = open_of(session, conversation_id)
    return found is not None and found.stage is Stage.TAKEN


def take(session: Session, handover: Handover, account: Account) -> bool:
    """Let `account` answer from now on; False where somebody else does, or it is closed."""
    if handover.stage is not Stage.WAITING:
        return handover.stage is Stage.TAKEN and handover.account_id == account.id
    handover.stage, handover.account_id, handover.taken_at = Stage.TAKEN, account.id, now()
    if handover.conversation.channel in MESSENGERS:
        # The conversation goes on as long as the human is in it.
        handover.conversation.ended_at = None
        say(session, handover, HERE)
    return True


def close(session: Session, handover: Handover, result: str, note: str = "") -> None:
    """End the hand-over: `given_back` to the counsellor, `called`, or `dismissed`."""
    told = handover.stage is Stage.TAKEN and handover.conversation.channel in MESSENGERS
    if told:
        say(session, handover, BACK)
    handover.stage, handover.closed_at = Stage.CLOSED, now()
    handover.result, handover.note = result, note


def say(session: Session, handover: Handover, text: str, key: str = "") -> Turn:
    """Send `text` to the person as a human's words, once `session` has committed.

    A `key` that was used before gives the turn that was made then: a form sent twice says a thing
    once.
    """
    known = session.scalar(select(Turn).where(Turn.key == key)) if key else None
    if known is not None:
        return known
    asked = handover.turn
    last = session.scalar(
        select(func.max(Turn.number)).where(Turn.conversation_id == asked.conversation_id)
    )
    made = Turn(
        key=key or uuid4().hex,
        conversation_id=asked.conversation_id,
        identity_id=asked.identity_id,
        number=(last or 0) + 1,
        kind=Question.TEXT,
        state=State.RENDERED,
        outcome=HUMAN,
        answer=text,
        lines=[line for line in text.splitlines() if line.strip()][:3],
        queued_at=now(),
    )
    session.add(made)
    session.flush()
    session.get_one(Conversation, asked.conversation_id).last_activity_at = now()
    enqueue_on_commit(session, made.id, SPEECH)
    return made


def acknowledge(turn: Turn) -> None:
    """Make it the answer of `turn` that a human has its question now."""
    turn.outcome = PASSED_ON
    turn.answer, turn.lines = ACKNOWLEDGED, [ACKNOWLEDGED]
    turn.state = State.RENDERED
