"""Telephone calls: their rows, who agreed to be recorded, and the prompts that are kept spoken."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.conversation.columns import Base, UtcDateTime, now, word
from bot.conversation.models import Identity, MediaFile


class Consent(StrEnum):
    """What a person answered to the recording notice."""

    AGREED = "agreed"
    REFUSED = "refused"


class Call(Base):
    """One telephone call. Its questions are the turns whose events carry its SID."""

    __tablename__ = "calls"

    id: Mapped[int] = mapped_column(primary_key=True)
    sid: Mapped[str] = mapped_column(String(64), unique=True, comment="The vendor's name")
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identities.id", ondelete="CASCADE"), index=True, comment="Who called"
    )
    mode: Mapped[str] = mapped_column(String(20), comment="recorded or live")
    status: Mapped[str] = mapped_column(
        String(20), default="in-progress", comment="The vendor's last word"
    )
    follows: Mapped[str] = mapped_column(
        String(20), default="", comment="What follows its live conversation: goodbye, human, …"
    )
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    identity: Mapped[Identity] = relationship()


class RecordingConsent(Base):
    """An answer to the recording notice, with the wording that was heard."""

    __tablename__ = "recording_consents"
    __table_args__ = (UniqueConstraint("call_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id", ondelete="SET NULL"))
    channel: Mapped[str] = mapped_column(String(30))
    wording: Mapped[str] = mapped_column(String(50), comment="Version of the notice")
    answer: Mapped[Consent] = mapped_column(word(Consent))
    means: Mapped[str] = mapped_column(
        String(20), comment="key, or stayed: went on after the notice"
    )
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Prompt(Base):
    """A sentence of the telephone line, spoken by the persona and kept."""

    __tablename__ = "prompts"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(
        String(64), unique=True, comment="Of the sentence and the voice, in hex"
    )
    file_id: Mapped[int] = mapped_column(ForeignKey("media_files.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    file: Mapped[MediaFile] = relationship()


class CallPicture(Base):
    """A picture of the caller of a video call, who agreed to its being kept."""

    __tablename__ = "call_pictures"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("media_files.id", ondelete="CASCADE"))
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    file: Mapped[MediaFile] = relationship()
