"""What a reply is, and what a channel offers to deliver it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol, runtime_checkable

from bot.conversation.models import DeliveryKind


class DeliveryError(Exception):
    """The vendor did not take a reply, or a recording could not be fetched from it.

    `permanent` says that trying again cannot help.
    """

    def __init__(self, message: str, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file in the file store. `key` is its name there; the channel makes the signed link."""

    key: str
    content_type: str
    bytes: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to one person. `key` is unique to it, and the same each time it is tried.

    `kind` `text` is the answer in writing, sent early, the video follows; `video` is the reply
    itself, whose `video` is None only where none could be made: then the text is the reply.
    """

    key: str
    channel: str
    address: str
    reply_to: dict[str, str]
    text: str
    lines: tuple[str, ...]
    outcome: str
    contact_name: str = ""
    contact_number: str = ""
    article_title: str = ""
    source_name: str = ""
    checked: date | None = None
    watch_path: str = ""
    """Path of the turn's watch page, `/watch/KEY`, not yet signed."""
    video: FileRef | None = None
    poster: FileRef | None = None
    speech: FileRef | None = None
    kind: DeliveryKind = DeliveryKind.VIDEO
    turn_id: int = 0


class Channel(Protocol):
    """A way to reach a person. The worker gives the turn one for each name."""

    @property
    def name(self) -> str:
        """The channel's name, as in `InboundMessage.channel`."""
        ...

    @property
    def wants_early_text(self) -> bool:
        """Say whether the answer is delivered in writing as soon as it is known, video later."""
        ...

    def fetch(self, url: str, target: Path) -> str:
        """Write the recording at `url` to `target`; return its content type.

        MediaError where it is not what may be fetched; DeliveryError where the vendor fails.
        """
        ...

    def deliver(self, reply: Reply) -> str:
        """Send `reply` and return the vendor's id of it. DeliveryError where it is not taken."""
        ...

    def find(self, reply: Reply) -> str | None:
        """Return the vendor's id of `reply` if it has arrived already, else None.

        Asked when a worker died between sending and writing that down. DeliveryError where the
        vendor does not say.
        """
        ...


@runtime_checkable
class Forgets(Protocol):
    """A channel whose vendor keeps recordings, until it is told to delete them."""

    def forget(self, name: str) -> None:
        """Have the vendor delete its recording `name`; it is no error if it is gone already.

        DeliveryError where the vendor fails.
        """
        ...
