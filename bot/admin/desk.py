"""What the console's views share: settings, sessions, files, and the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, current_app
from sqlalchemy.orm import Session, sessionmaker

from bot.admin.measure import Laboratory
from bot.conversation.columns import now
from bot.conversation.database import start_write
from bot.conversation.models import MediaFile
from bot.knowledge.store import ArticleStore
from bot.settings import Settings

_NAME = "silverline.admin"


@dataclass(frozen=True)
class Desk:
    """`media` gives the path of a file under a signed link that soon expires."""

    settings: Settings
    sessions: sessionmaker[Session]
    media: Callable[[MediaFile], str]
    key: str
    """Signs cookies and form tokens."""
    clock: Callable[[], datetime] = now
    articles: ArticleStore = field(kw_only=True)
    laboratory: Laboratory = field(kw_only=True)

    def attach(self, app: Flask) -> None:
        """Make this the desk of `app`'s console."""
        app.extensions[_NAME] = self

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session whose transaction writes; it is committed where the block ends well."""
        with self.sessions() as session:
            start_write(session)
            yield session
            session.commit()


def desk() -> Desk:
    """Return the desk of the current application."""
    found: Desk = current_app.extensions[_NAME]
    return found
