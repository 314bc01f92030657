"""What reviewers think of turns."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.conversation.accounts import Account
from bot.conversation.columns import Base, UtcDateTime, now, word
from bot.conversation.models import Turn


class Verdict(StrEnum):
    """How an answer is judged."""

    RIGHT = "right"
    WRONG = "wrong"
    SHOULD_REFUSE = "should_refuse"
    UNCLEAR = "unclear"


class Review(Base):
    """One judgement of a turn; the newest counts, those before it stay."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    verdict: Mapped[Verdict] = mapped_column(word(Verdict), index=True)
    text: Mapped[str] = mapped_column(
        Text, default="", comment="What was really said, masked; empty where it was heard right"
    )
    article_id: Mapped[str] = mapped_column(
        String(100),
        default="",
        server_default="",
        comment="The article that is right, where the reviewer named one",
    )
    comment: Mapped[str] = mapped_column(Text, default="", comment="Masked like what was said")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)

    turn: Mapped[Turn] = relationship()
    account: Mapped[Account] = relationship()
