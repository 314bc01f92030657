"""What people at the console do with turns: hand-overs, cases to look at, remarks, words to say."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.conversation.accounts import Account
from bot.conversation.columns import Base, UtcDateTime, now, word
from bot.conversation.models import Conversation, Turn


class Stage(StrEnum):
    """How far a hand-over has come. While it is `TAKEN`, a human answers instead."""

    WAITING = "waiting"
    TAKEN = "taken"
    CLOSED = "closed"


class Handover(Base):
    """Someone asked for a human, at a turn of theirs."""

    __tablename__ = "handovers"
    __table_args__ = (Index(None, "conversation_id", "stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    stage: Mapped[Stage] = mapped_column(word(Stage), default=Stage.WAITING, index=True)
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("accounts.id"), index=True, comment="Who took it"
    )
    result: Mapped[str] = mapped_column(
        String(20), default="", comment="given_back, called or dismissed"
    )
    note: Mapped[str] = mapped_column(Text, default="", comment="Masked like what was said")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    turn: Mapped[Turn] = relationship()
    conversation: Mapped[Conversation] = relationship()
    account: Mapped[Account | None] = relationship()


class Case(Base):
    """A turn that somebody is to look at, until it is resolved."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), unique=True)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    resolved_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)

    turn: Mapped[Turn] = relationship()
    assignee: Mapped[Account | None] = relationship(foreign_keys=[assignee_id])
    opened_by: Mapped[Account] = relationship(foreign_keys=[opened_by_id])
    resolved_by: Mapped[Account | None] = relationship(foreign_keys=[resolved_by_id])


class Remark(Base):
    """Something said about a turn by one who works on it, for the others."""

    __tablename__ = "remarks"

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    text: Mapped[str] = mapped_column(Text, comment="Masked like what was said")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    account: Mapped[Account] = relationship()


class Pronunciation(Base):
    """A word and how it is said, beside those that come with the voice."""

    __tablename__ = "pronunciations"

    word: Mapped[str] = mapped_column(String(50), primary_key=True)
    sounds: Mapped[str] = mapped_column(String(50), comment="Hangul, as many syllables")
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    account: Mapped[Account] = relationship()
