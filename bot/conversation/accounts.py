"""Who works at the console, and the trail of what they looked at."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.conversation.columns import Base, UtcDateTime, now, word


class Role(StrEnum):
    """What an account may do; each may also do what those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    EDITOR = "editor"
    OPERATOR = "operator"
    OWNER = "owner"

    def covers(self, needed: Role) -> bool:
        """Say whether this role is enough where `needed` is asked."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Account(Base):
    """Someone who may log in to the console. Never deleted: the trail names it."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True, comment="In small letters")
    name: Mapped[str] = mapped_column(String(100), default="")
    role: Mapped[Role] = mapped_column(word(Role))
    password_hash: Mapped[str] = mapped_column(String(255), comment="argon2id")
    must_change: Mapped[bool] = mapped_column(default=True, comment="The password is one-time")
    totp_secret: Mapped[str] = mapped_column(String(64), comment="Base 32")
    totp_step: Mapped[int] = mapped_column(
        default=0, comment="The last time step whose code was used; a code works once"
    )
    failed: Mapped[int] = mapped_column(default=0, comment="Wrong log-ins since the last right one")
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    session_version: Mapped[int] = mapped_column(
        default=1, comment="Raised to end every session of the account"
    )
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Access(Base):
    """One thing that was done or looked at; each row holds the hash of the one before it.

    The database refuses to change or delete a row. Nothing refers to other tables, so that erasing
    a person leaves the trail whole.
    """

    __tablename__ = "access_trail"

    number: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="1, 2, 3 … without gaps"
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    account_id: Mapped[int | None] = mapped_column(comment="Empty: nobody was logged in")
    account: Mapped[str] = mapped_column(String(254), default="", comment="The e-mail address then")
    origin: Mapped[str] = mapped_column(String(45), comment="The address it came from")
    what: Mapped[str] = mapped_column(String(40), index=True, comment="A stable word")
    person_id: Mapped[int | None] = mapped_column(index=True, comment="Whose data")
    subject: Mapped[str] = mapped_column(String(200), default="", comment="Which row or page")
    why: Mapped[str] = mapped_column(Text, default="", comment="The reason that was given")
    previous: Mapped[str] = mapped_column(String(64), comment="Hash of the row before")
    hash: Mapped[str] = mapped_column(String(64), unique=True, comment="SHA-256 of all the above")
