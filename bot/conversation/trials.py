"""Trials from the console: a question asked, or an answer spoken, as a person would get it.

A trial is a turn on a channel that reaches nobody. It goes through the steps of every turn, on the
workers that do them, so what is heard and seen is what a person would hear and see.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from sqlalchemy.orm import Session

from bot.conversation.columns import now
from bot.conversation.delivery import DeliveryError, Reply
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import Turn
from bot.conversation.stations import answered
from bot.knowledge.types import Answer

NAME = "console"


class Console:
    """The channel of trials."""

    name = NAME
    wants_early_text = False

    def fetch(self, url: str, target: Path) -> str:
        """Trials come as text: DeliveryError."""
        raise DeliveryError("a trial has no recording", permanent=True)

    def deliver(self, reply: Reply) -> str:
        """Keep the reply where it is: the console shows it."""
        return reply.key

    def find(self, reply: Reply) -> str | None:
        """Say that the reply is where it belongs."""
        return reply.key


def ask(session: Session, who: str, question: str) -> str:
    """Ask `question` as a person would, in a conversation of its own; return the turn's key."""
    return _begin(session, who, question, None)


def speak(session: Session, who: str, title: str, answer: Answer) -> str:
    """Have `answer` spoken and filmed; return the turn's key."""
    return _begin(session, who, title, answer)


def _begin(session: Session, who: str, text: str, answer: Answer | None) -> str:
    keys: list[str] = []

    def prepare(turn: Turn) -> None:
        turn.key = uuid4().hex
        keys.append(turn.key)
        # What was tried before is no context.
        turn.conversation.ended_at = now()
        if answer is not None:
            answered(session, turn, answer)

    receive(session, InboundMessage(NAME, uuid4().hex, who, "text", text=text), prepare)
    return keys[-1]
