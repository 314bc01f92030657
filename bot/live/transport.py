"""What lies between a live conversation and a person: a telephone stream, a video call."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from media.types import Speech


class Mood(StrEnum):
    """What the counsellor does, for whoever shows it."""

    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class Speaker(StrEnum):
    """Whose words a caption holds."""

    PERSON = "person"
    COUNSELLOR = "counsellor"


class After(StrEnum):
    """What follows a conversation that the counsellor ends."""

    GOODBYE = "goodbye"
    HUMAN = "human"
    RECORDED = "recorded"
    """The conversation cannot go on live; another way may take over."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end, and what is asked of their turns.

    `session` names this one conversation in the keys of its turns; `reply_to` goes to every turn
    (see `bot.conversation.asked`). `by_text` is said to whoever wants the answer in writing.
    """

    channel: str
    address: str
    session: str
    keep: bool = True
    """The recordings may be stored."""
    reply_to: dict[str, str] = field(default_factory=dict)
    by_text: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A clause or a sentence to be heard: `speech` (24 kHz, with its phonemes) under a `mark`."""

    mark: str
    speech: Speech


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the sound was stopped: so many `seconds` of the piece `mark` had been heard."""

    mark: str
    seconds: float


class Transport(Protocol):
    """What a live conversation asks of the line. Every method returns at once.

    The other way round a transport calls `hear`, `key`, `played` and `hang_up` of its
    `bot.live.engine.LiveConversation`.
    """

    def play(self, piece: Piece) -> None:
        """Let `piece` be heard after those before it; then call `played` with its mark."""
        ...

    def clear(self) -> Cut | None:
        """Stop the sound and forget the pieces that wait; say where, None if nothing sounded.

        The marks of what was cleared are not told to `played`.
        """
        ...

    def show(self, mood: Mood) -> None:
        """Show what the counsellor does."""
        ...

    def caption(self, speaker: Speaker, text: str) -> None:
        """Show what was said."""
        ...

    def end(self, after: After) -> None:
        """End the conversation; everything that was to be heard has been heard."""
        ...
