"""What a worker brings to a turn: sessions, engines' steps, channels and the file store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.delivery import Channel
from bot.conversation.files import FileStore
from bot.conversation.models import Turn
from bot.jobs import QUEUES
from bot.knowledge.types import Answer, Context
from media.types import Speech, Transcript


class Rendered(Protocol):
    """A video that has been written."""

    @property
    def seconds(self) -> float:
        """Its length."""
        ...


class Steps(Protocol):
    """The work of a turn without its state; MediaError where the input cannot be used."""

    def hear(self, recording: Path) -> Transcript:
        """Return what is said in `recording`."""
        ...

    def think(self, question: str, context: Context) -> Answer:
        """Return the answer to `question`."""
        ...

    def not_heard(self, transcript: Transcript) -> Answer:
        """Return the request to say it again, for a `transcript` without words."""
        ...

    def voice(self, answer: Answer) -> Speech:
        """Return `answer` spoken."""
        ...

    def render(self, speech: Speech, out: Path, poster: Path, title: str) -> Rendered:
        """Write the video of `speech` to `out` and its first picture to `poster`."""
        ...


@dataclass(frozen=True)
class Parts:
    """Everything that moves a turn. `queues` are those that this process works for."""

    sessions: sessionmaker[Session]
    steps: Steps
    channels: Mapping[str, Channel]
    files: FileStore
    human_name: str
    human_number: str
    attempts: int = 5
    """How often a step is tried before the turn fails."""
    lease_seconds: float = 120.0
    queues: Collection[str] = QUEUES
    retry_seconds: float = 1.0
    """The wait after the first failure; it doubles with each."""
    stopping: Event = field(default_factory=Event)
    """Set when this process is told to stop: it finishes its steps and passes their turns on."""


@dataclass(frozen=True)
class Result:
    """What a step did: how the row changes, and the keys of the files it stored."""

    apply: Callable[[Session, Turn], None]
    files: tuple[str, ...] = field(default=())
