"""What tests of the service share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversation import schema
from bot.conversation.database import engine


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables and nothing in them."""
    path = tmp_path_factory.mktemp("tables") / "empty.db"
    made = engine(f"sqlite:///{path}")
    schema.upgrade(made)
    made.dispose()
    return path
