"""Migrations: bring a database to a revision, and say where it is."""

from __future__ import annotations

from typing import Any, cast

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from bot.conversation import accounts, calls, casework, kin, reviews, summaries
from bot.conversation.columns import Base
from bot.knowledge import tables
from bot.settings import ROOT

FOLDER = ROOT / "migrations"

MODELS = (accounts, calls, casework, kin, reviews, summaries)
"""The modules that define tables; the other ones are imported by the calls."""

TABLES = [Base.metadata, tables.METADATA]
"""Every table."""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database up to `revision`."""
    _run(engine, command.upgrade, revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database down to `revision`; `base` removes every table and what is in it."""
    _run(engine, command.downgrade, revision)


def current(engine: Engine) -> str:
    """Return the database's revision, empty for a database without tables."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def head() -> str:
    """Return the newest revision."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def revisions() -> list[str]:
    """Return all revisions, the oldest first."""
    script = ScriptDirectory.from_config(_config())
    return [found.revision for found in reversed(list(script.walk_revisions()))]


def differences(engine: Engine) -> list[Any]:
    """Return what the models have and the database has not, and the other way round."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options())
        return list(compare_metadata(context, cast(Any, TABLES)))


def options() -> dict[str, Any]:
    """Return how migrations are run and models compared."""
    return {
        "target_metadata": TABLES,
        "render_as_batch": True,
        "compare_type": True,
        "transaction_per_migration": True,
        "include_name": _is_ours,
    }


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Say whether a name in the database is one of a model: the search index has none."""
    return kind != "table" or not (name or "").startswith("turn_search")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def _run(engine: Engine, action: Any, revision: str) -> None:
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        action(config, revision)
