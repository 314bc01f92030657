"""What the web application's views share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask, current_app
from sqlalchemy.orm import Session, sessionmaker

from bot.channels.links import Links
from bot.conversation.database import sessions
from bot.conversation.files import FileStore
from bot.settings import Settings

_NAME = "silverline"


@dataclass(frozen=True)
class Services:
    """The settings in force and what was made from them, once for the process."""

    settings: Settings
    sessions: sessionmaker[Session]
    links: Links
    files: FileStore

    @classmethod
    def of(cls, settings: Settings) -> Services:
        """Return the services that `settings` describe."""
        return cls(settings, sessions(settings), Links.of(settings), FileStore(settings.files.url))

    def attach(self, app: Flask) -> None:
        """Make these the services of `app`'s views."""
        app.extensions[_NAME] = self


def services() -> Services:
    """Return the services of the current application."""
    found: Services = current_app.extensions[_NAME]
    return found


@contextmanager
def session() -> Iterator[Session]:
    """Yield a session of the current application's database."""
    with services().sessions() as opened:
        yield opened
