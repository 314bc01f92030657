"""The tables of family links: codes that are read out, who is linked to whom, wrong tries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.conversation.columns import Base, UtcDateTime, now
from bot.conversation.models import Identity


class FamilyCode(Base):
    """Six digits that a senior reads to a family member; good once, for ten minutes."""

    __tablename__ = "family_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    senior_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64), index=True, comment="SHA-256 of the digits")
    wording: Mapped[str] = mapped_column(String(50), comment="Version of what the senior was told")
    receives: Mapped[bool | None] = mapped_column(
        comment="Whether answers are sent to the family, too; empty: not said yet"
    )
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class FamilyLink(Base):
    """A family member who may see what a senior asked, until either of them ends it."""

    __tablename__ = "family_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    senior_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identities.id", ondelete="CASCADE"), comment="Where the member is reached"
    )
    code_id: Mapped[int] = mapped_column(
        ForeignKey("family_codes.id", ondelete="CASCADE"), unique=True, comment="The consent"
    )
    receives: Mapped[bool] = mapped_column(comment="Answers are sent to the member, too")
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    identity: Mapped[Identity] = relationship()


class FamilyTry(Base):
    """A code that was none: too many of them and no code is taken for a while."""

    __tablename__ = "family_tries"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
