"""The tables: people and their identities, conversations, turns, events, files, deliveries."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.conversation.columns import Base, Document, UtcDateTime, now, word


class State(StrEnum):
    """How far a turn has come. `DELIVERED` and `FAILED` are ends."""

    RECEIVED = "received"
    TRANSCRIBED = "transcribed"
    ANSWERED = "answered"
    VOICED = "voiced"
    RENDERED = "rendered"
    DELIVERED = "delivered"
    FAILED = "failed"


ENDS = (State.DELIVERED, State.FAILED)


class Question(StrEnum):
    """What a question came as."""

    TEXT = "text"
    RECORDING = "recording"


class Sending(StrEnum):
    """How far a delivery has come. `SENDING` is committed before the vendor is called."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryKind(StrEnum):
    """`TEXT` is an early answer in writing; `VIDEO` is the reply itself."""

    TEXT = "text"
    VIDEO = "video"


def _key() -> str:
    return uuid.uuid4().hex


class Person(Base):
    """A senior or a family member, whichever ways they come in by."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    display_name: Mapped[str] = mapped_column(String(100), default="", comment="Empty if unknown")
    language: Mapped[str] = mapped_column(String(10), default="ko", comment="BCP 47")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    identities: Mapped[list[Identity]] = relationship(back_populates="person")
    conversations: Mapped[list[Conversation]] = relationship(back_populates="person")


class Identity(Base):
    """A person's address on one channel."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("channel", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(30), comment="Name of the channel")
    address: Mapped[str] = mapped_column(
        String(255), comment="Phone number or user id as the channel writes it"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    person: Mapped[Person] = relationship(back_populates="identities")


class Conversation(Base):
    """Turns that belong together: one person, one channel, no long silence between."""

    __tablename__ = "conversations"
    __table_args__ = (Index(None, "person_id", "channel", "last_activity_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(30), comment="Where it began")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_activity_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="Set when the person or the counsellor closed it"
    )
    state: Mapped[dict[str, Any]] = mapped_column(
        Document, default=dict, comment="What dialogue rules keep between turns"
    )

    person: Mapped[Person] = relationship(back_populates="conversations")
    turns: Mapped[list[Turn]] = relationship(
        back_populates="conversation", order_by="Turn.number", passive_deletes=True
    )


class MediaFile(Base):
    """A file in the file store."""

    __tablename__ = "media_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True, comment="Its name in the store")
    kind: Mapped[str] = mapped_column(
        String(20), comment="recording, speech, timings, video or poster"
    )
    content_type: Mapped[str] = mapped_column(String(100))
    bytes: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float | None] = mapped_column(comment="Length of sound or video")
    sha256: Mapped[str] = mapped_column(String(64), comment="Of the content, in hex")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, index=True, comment="May be deleted after this moment; empty: kept"
    )


def _file() -> Mapped[int | None]:
    return mapped_column(ForeignKey("media_files.id", ondelete="SET NULL"), index=True)


class Turn(Base):
    """One question and its answer. The row moves through `State`, one transaction a step."""

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("conversation_id", "number"),
        Index(None, "state", "queued_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(
        String(32), unique=True, default=_key, comment="Unguessable name for links and deliveries"
    )
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identities.id", ondelete="CASCADE"), index=True, comment="Where to reply"
    )
    number: Mapped[int] = mapped_column(comment="1 for the first turn of its conversation")
    state: Mapped[State] = mapped_column(word(State), default=State.RECEIVED)

    # The question.
    kind: Mapped[Question] = mapped_column(word(Question))
    reply_to: Mapped[dict[str, str]] = mapped_column(
        Document, default=dict, comment="What the channel needs to reply; cleared at the end"
    )
    media_url: Mapped[str] = mapped_column(
        Text, default="", comment="The vendor's address of the recording; cleared when fetched"
    )
    media_type: Mapped[str] = mapped_column(String(100), default="", comment="As the vendor says")
    recording_id: Mapped[int | None] = _file()
    text: Mapped[str] = mapped_column(
        Text, default="", comment="What was asked, personal numbers masked"
    )
    confidence: Mapped[float | None] = mapped_column(comment="Of the recogniser, 0 to 1")
    words: Mapped[list[dict[str, Any]]] = mapped_column(
        Document, default=list, comment="text, start, end (s) and confidence of each word"
    )
    unheard: Mapped[str] = mapped_column(
        String(20),
        default="",
        index=True,
        comment="Why nothing was heard: silence, noise or unclear",
    )

    # The answer.
    outcome: Mapped[str] = mapped_column(
        String(20), default="", index=True, comment="How the answer came out"
    )
    answer: Mapped[str] = mapped_column(Text, default="", comment="What is spoken")
    lines: Mapped[list[str]] = mapped_column(Document, default=list, comment="In three lines")
    article_id: Mapped[str] = mapped_column(String(100), default="", index=True)
    article_title: Mapped[str] = mapped_column(String(300), default="")
    source_name: Mapped[str] = mapped_column(String(300), default="")
    source_url: Mapped[str] = mapped_column(Text, default="")
    checked: Mapped[date | None] = mapped_column(Date, comment="When the article was last checked")
    score: Mapped[float | None] = mapped_column(comment="Of the article, 0 to 1")
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(
        Document, default=list, comment="id, title and score of the articles found, best first"
    )
    choices: Mapped[list[str]] = mapped_column(
        Document, default=list, comment="Article ids offered to choose from"
    )
    act: Mapped[str] = mapped_column(String(30), default="", index=True, comment="Dialogue act")
    contact_name: Mapped[str] = mapped_column(String(200), default="")
    contact_number: Mapped[str] = mapped_column(String(30), default="")
    ends: Mapped[bool] = mapped_column(default=False, comment="The conversation ends here")
    heard: Mapped[str | None] = mapped_column(
        Text, comment="What of the answer was heard, where the person spoke over the rest"
    )
    speech_id: Mapped[int | None] = _file()
    timings_id: Mapped[int | None] = _file()
    video_id: Mapped[int | None] = _file()
    poster_id: Mapped[int | None] = _file()

    # The work.
    failed_step: Mapped[str] = mapped_column(String(20), default="")
    failure: Mapped[str] = mapped_column(
        String(50),
        default="",
        index=True,
        comment="A stable word; the turn ends as failed once delivered",
    )
    failure_detail: Mapped[str] = mapped_column(Text, default="", comment="Cause, for operators")
    attempts: Mapped[int] = mapped_column(default=0, comment="Of the step that is next")
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="Not before this")
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="Last put on a queue")
    lease_owner: Mapped[str] = mapped_column(
        String(100), default="", comment="The worker that moves it now"
    )
    lease_until: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="Renewed by the owner's heartbeat; free after it"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seconds: Mapped[float | None] = mapped_column(
        index=True, comment="From the question until its reply had left"
    )
    helpful: Mapped[bool | None] = mapped_column(
        index=True, comment="What the person thought of the answer"
    )

    conversation: Mapped[Conversation] = relationship(back_populates="turns")
    identity: Mapped[Identity] = relationship()
    recording: Mapped[MediaFile | None] = relationship(foreign_keys=[recording_id])
    speech: Mapped[MediaFile | None] = relationship(foreign_keys=[speech_id])
    timings: Mapped[MediaFile | None] = relationship(foreign_keys=[timings_id])
    video: Mapped[MediaFile | None] = relationship(foreign_keys=[video_id])
    poster: Mapped[MediaFile | None] = relationship(foreign_keys=[poster_id])
    steps: Mapped[list[TurnStep]] = relationship(
        back_populates="turn", order_by="TurnStep.id", passive_deletes=True
    )
    deliveries: Mapped[list[Delivery]] = relationship(
        back_populates="turn", order_by="Delivery.id", passive_deletes=True
    )


class TurnStep(Base):
    """One attempt at one step of a turn, and its time."""

    __tablename__ = "turn_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    step: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seconds: Mapped[float] = mapped_column(comment="By the monotonic clock")
    worker: Mapped[str] = mapped_column(String(100))
    error: Mapped[str] = mapped_column(Text, default="", comment="Empty where it succeeded")

    turn: Mapped[Turn] = relationship(back_populates="steps")


class InboundEvent(Base):
    """Something a vendor told us, once: a replay finds the first and gets its response again."""

    __tablename__ = "inbound_events"
    __table_args__ = (UniqueConstraint("channel", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(30))
    key: Mapped[str] = mapped_column(String(200), comment="Unique on its channel")
    kind: Mapped[str] = mapped_column(String(30), comment="text, recording, status, …")
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(
        Document, default=dict, comment="What was told, without personal data and secrets"
    )
    response: Mapped[dict[str, Any] | None] = mapped_column(
        Document, comment="What was answered first"
    )
    turn_id: Mapped[int | None] = mapped_column(
        ForeignKey("turns.id", ondelete="SET NULL"), index=True
    )


class Delivery(Base):
    """One message that carries a reply to the person."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("turn_id", "kind"),
        Index(None, "channel", "vendor_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(30))
    address: Mapped[str] = mapped_column(String(255))
    kind: Mapped[DeliveryKind] = mapped_column(word(DeliveryKind))
    key: Mapped[str] = mapped_column(String(64), unique=True, comment="Idempotency key")
    state: Mapped[Sending] = mapped_column(word(Sending), default=Sending.PENDING)
    vendor_id: Mapped[str] = mapped_column(String(100), default="", comment="The vendor's name")
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    turn: Mapped[Turn] = relationship(back_populates="deliveries")
