"""Between rows and values: answers, context and replies of a turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from bot.conversation.columns import now
from bot.conversation.delivery import FileRef, Reply
from bot.conversation.models import Conversation, DeliveryKind, Identity, MediaFile, Turn
from bot.knowledge.mask import mask
from bot.knowledge.types import Answer, Context, Outcome
from media.types import Transcript

CONTEXT_TURNS = 5
QUIET = timedelta(hours=6)
"""A silence this long ends a conversation: what came before is no context any more."""

FAILED = "failed"
"""The outcome of a turn whose answer is an apology."""

HUMAN = "human"
"""The outcome of a turn that is a human's words."""

SUMMARY = "summary"
"""The outcome of a turn that sums up a video call for a message."""

PASSED_ON = "with_human"
"""The outcome of a question that a human has, who answers instead of the counsellor."""

NO_CONTEXT = ("", FAILED, HUMAN, SUMMARY, PASSED_ON, Outcome.NOT_HEARD.value)
"""Turns that came to nothing: a choice offered before them still stands."""

IN_WRITING = "죄송해요. 영상을 만들지 못해서 글로 알려 드려요."


def store_transcript(turn: Turn, transcript: Transcript) -> None:
    """Write what was heard to the row, personal numbers masked in text and words."""
    turn.text = mask(transcript.text)
    known = set(turn.text.split())
    masked = turn.text != transcript.text
    turn.confidence = transcript.confidence if transcript.heard else None
    turn.unheard = "" if transcript.heard else (transcript.reason or "unclear")
    turn.words = [
        {
            "text": "" if masked and word.text.strip() not in known else word.text,
            "start": round(word.start, 3),
            "end": round(word.end, 3),
            "confidence": round(word.confidence, 3),
        }
        for word in transcript.words
    ]


def store_answer(turn: Turn, answer: Answer) -> None:
    """Write `answer` to the row."""
    article = answer.article
    turn.outcome = answer.outcome.value
    turn.answer = answer.text
    turn.lines = list(answer.lines)
    turn.article_id = article.id if article else ""
    turn.article_title = article.title if article else ""
    turn.source_name = article.source_name if article else ""
    turn.source_url = article.source_url if article else ""
    turn.checked = article.checked if article else None
    turn.score = float(answer.score)
    turn.candidates = [
        _candidate(c.article.id, c.article.title, c.score) for c in answer.candidates
    ]
    turn.choices = list(answer.choices)
    turn.act = answer.act
    turn.contact_name = answer.contact_name
    turn.contact_number = answer.contact_number
    turn.ends = answer.end


def stored_answer(turn: Turn) -> Answer:
    """Return what of the answer the steps after it need; its article stays in the row."""
    outcome = Outcome.NOT_HEARD if turn.outcome == FAILED else Outcome(turn.outcome)
    return Answer(
        outcome,
        turn.answer,
        score=turn.score or 0.0,
        choices=tuple(turn.choices),
        act=turn.act,
        contact_name=turn.contact_name,
        contact_number=turn.contact_number,
        lines=tuple(turn.lines),
        end=turn.ends,
    )


def context_of(session: Session, turn: Turn) -> Context:
    """Return what the turns before `turn` bring to its question.

    Those of its conversation count, and what the same person asked lately on another channel:
    whoever has telephoned may ask on in the messenger.
    """
    return _context(session, turn.conversation, Turn.id < turn.id, turn.created_at)


def context_now(session: Session, channel: str, address: str) -> Context:
    """Return what the turns so far bring to the next question from `address`."""
    identity = session.scalar(
        select(Identity).where(Identity.channel == channel, Identity.address == address)
    )
    if identity is None:
        return Context()
    going = going_on(session, identity, now())
    conversation = going or Conversation(
        id=0, person_id=identity.person_id, channel=channel, state={}
    )
    return _context(session, conversation, true(), now())


def going_on(session: Session, identity: Identity, moment: datetime) -> Conversation | None:
    """Return the conversation of `identity` that a message at `moment` continues, if any."""
    return session.scalar(
        select(Conversation)
        .where(
            Conversation.person_id == identity.person_id,
            Conversation.channel == identity.channel,
            Conversation.ended_at.is_(None),
            Conversation.last_activity_at > moment - QUIET,
        )
        .order_by(Conversation.last_activity_at.desc())
        .limit(1)
        .with_for_update()
    )


def _context(
    session: Session, conversation: Conversation, before: ColumnElement[bool], moment: datetime
) -> Context:
    elsewhere = and_(
        Conversation.person_id == conversation.person_id,
        Conversation.channel != conversation.channel,
        Turn.created_at > moment - QUIET,
    )
    found = session.scalars(
        select(Turn)
        .join(Conversation)
        .where(before, or_(Turn.conversation_id == conversation.id, elsewhere))
        .where(Turn.outcome.not_in(NO_CONTEXT))
        .order_by(Turn.id.desc())
        .limit(CONTEXT_TURNS)
    ).all()
    return Context(
        article_ids=tuple(t.article_id for t in found if t.article_id),
        questions=tuple(t.text for t in found if t.text),
        choices=tuple(found[0].choices) if found else (),
        last_answer=found[0].answer if found else "",
        warned=bool(conversation.state.get("warned")),
    )


def reply_of(turn: Turn, kind: DeliveryKind) -> Reply:
    """Return the message of `kind` that carries the turn's answer."""
    whole = kind is DeliveryKind.VIDEO
    never_spoken = turn.outcome in (FAILED, HUMAN, SUMMARY, PASSED_ON)
    in_writing = whole and turn.video is None and not never_spoken
    return Reply(
        key=f"{turn.key}-{kind.value}",
        channel=turn.identity.channel,
        address=turn.identity.address,
        reply_to=dict(turn.reply_to),
        text=f"{IN_WRITING} {turn.answer}" if in_writing else turn.answer,
        lines=tuple(turn.lines),
        outcome=turn.outcome,
        contact_name=turn.contact_name,
        contact_number=turn.contact_number,
        article_title=turn.article_title,
        source_name=turn.source_name,
        checked=turn.checked,
        watch_path=f"/watch/{turn.key}",
        video=_ref(turn.video) if whole else None,
        poster=_ref(turn.poster) if whole else None,
        speech=_ref(turn.speech),
        kind=kind,
        turn_id=turn.id,
    )


def _ref(file: MediaFile | None) -> FileRef | None:
    return FileRef(file.key, file.content_type, file.bytes, file.seconds) if file else None


def _candidate(article_id: str, title: str, score: float) -> dict[str, Any]:
    return {"id": article_id, "title": title, "score": round(float(score), 4)}
