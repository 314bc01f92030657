"""The channel `call`: what was asked in a video call, or left as a recording on its page.

An answer is heard in the call or seen on its watch page, so there is nothing to send. Recordings
that the page uploads wait in the file store until the turn fetches them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.conversation.calls import Call
from bot.conversation.delivery import DeliveryError, Reply
from bot.conversation.files import FileStore
from bot.conversation.models import InboundEvent, Turn
from bot.settings import Settings

CHANNEL = "call"
MOST_OFFER_BYTES = 48 * 1024
SCHEME = "store:"
SHOWN = "shown"
"""The vendor's id of a reply that was heard in the call or is on its page."""


class VideoCalls:
    """The channel `call`."""

    name = CHANNEL
    wants_early_text = False

    def __init__(self, settings: Settings) -> None:
        self._files = FileStore(settings.files.url)

    def fetch(self, url: str, target: Path) -> str:
        """Copy the uploaded recording to `target`; its type is what the page said."""
        try:
            with self._files.local(url.removeprefix(SCHEME)) as path:
                shutil.copyfile(path, target)
        except FileNotFoundError as error:
            raise DeliveryError("The uploaded recording is gone.", permanent=True) from error
        return ""

    def forget(self, name: str) -> None:
        """Delete the upload `name`."""
        try:
            self._files.delete(name)
        except FileNotFoundError:
            return

    def deliver(self, reply: Reply) -> str:
        """Return that the reply is where the person looks already."""
        return SHOWN

    def find(self, reply: Reply) -> str | None:
        """Return that the reply is where the person looks already."""
        return SHOWN


def turns_of(session: Session, key: str) -> list[Turn]:
    """Return the turns of the call `key`, the oldest first."""
    return list(
        session.scalars(
            select(Turn)
            .join(InboundEvent, InboundEvent.turn_id == Turn.id)
            .where(InboundEvent.channel == CHANNEL, InboundEvent.key.startswith(f"{key}:q:"))
            .order_by(Turn.id)
        )
    )


def call_of(session: Session, key: str, person: str) -> Call | None:
    """Return the call `key` if `person` made it."""
    row = session.scalar(
        select(Call).where(Call.sid == key).options(joinedload(Call.identity, innerjoin=True))
    )
    return row if row is not None and str(row.identity.person_id) == person else None


def address_of(person: int) -> str:
    """Return the address of a person on this channel."""
    return f"person:{person}"
