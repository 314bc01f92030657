"""Databases, a sink and a quick pipeline for tests of the conversation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import schema
from bot.conversation.database import engine
from bot.conversation.database import sessions as make_sessions
from bot.conversation.parts import Parts
from bot.settings import Settings, load_settings
from tests.bot.conversation.pipeline import QuickSteps, Sink, SinkChannel, quick_parts
from tests.bot.servers import postgres_database


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database: SQLite, where the test is not marked with `both`."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database_url(kind: str, tmp_path: Path, tables: Path) -> Iterator[str]:
    """A database of that kind with its tables."""
    if kind == "sqlite":
        shutil.copy(tables, tmp_path / "test.db")
        yield f"sqlite:///{tmp_path}/test.db"
        return
    with postgres_database() as url:
        migrate(url)
        yield url


def migrate(url: str) -> None:
    """Make the tables."""
    made = engine(url)
    schema.upgrade(made)
    made.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings on that database, with every file under the test's folder."""
    return load_settings(
        database={"url": database_url},
        app={"data_dir": tmp_path},
        files={"url": str(tmp_path / "files")},
    )


@pytest.fixture
def sessions(settings: Settings) -> Iterator[sessionmaker[Session]]:
    """Sessions on that database, with its tables."""
    maker = make_sessions(settings)
    yield maker
    maker.kw["bind"].dispose()


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A vendor that counts."""
    with Sink().running() as running:
        yield running


@pytest.fixture
def channel(sink: Sink) -> SinkChannel:
    """The channel that delivers to the sink."""
    return SinkChannel(sink.url)


@pytest.fixture
def steps() -> QuickSteps:
    """The quick pipeline."""
    return QuickSteps()


@pytest.fixture
def parts(
    sessions: sessionmaker[Session], tmp_path: Path, channel: SinkChannel, steps: QuickSteps
) -> Parts:
    """Parts with the quick pipeline and the sink, that retry at once."""
    return quick_parts(sessions, tmp_path, channel, steps, retry_seconds=0.0)
