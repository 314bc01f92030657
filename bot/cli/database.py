"""`silverline db`: bring the database to a revision, take it back, say where it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.conversation import schema
from bot.conversation.database import DatabaseError, engine
from bot.settings import SettingsError, load_settings


@click.group()
def db() -> None:
    """Create, change or inspect the database's tables."""


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the tables up to REVISION (default: the newest)."""
    with _database() as database:
        before = schema.current(database)
        schema.upgrade(database, revision)
        click.echo(_moved(before, schema.current(database)))


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask before data is removed.")
def downgrade(revision: str, yes: bool) -> None:
    """Take the tables down to REVISION; what newer revisions keep is lost. `base` removes all."""
    if not yes:
        click.confirm("Data of newer revisions is removed for good. Go on?", abort=True)
    with _database() as database:
        before = schema.current(database)
        schema.downgrade(database, revision)
        click.echo(_moved(before, schema.current(database)))


@db.command()
def current() -> None:
    """Print the database's revision, and whether it is the newest."""
    with _database() as database:
        found, newest = schema.current(database), schema.head()
    if not found:
        click.echo("There are no tables yet. Run `silverline db upgrade`.")
    elif found == newest:
        click.echo(f"{found} (the newest)")
    else:
        click.echo(f"{found}; the newest is {newest}. Run `silverline db upgrade`.")


@contextmanager
def _database() -> Iterator[Engine]:
    """Give the engine of the settings in force; what goes wrong is told with its remedy."""
    try:
        database = engine(load_settings().database.url)
    except (SettingsError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error
    except ArgumentError as error:
        raise click.ClickException(
            "database.url cannot be read. Write sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/NAME."
        ) from error
    try:
        yield database
    except CommandError as error:
        known = ", ".join(schema.revisions())
        raise click.ClickException(f"{error} Revisions: base, {known}, head.") from error
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise click.ClickException(
            f"The database does not work: {cause}. Is it running, and is database.url right?"
        ) from error
    finally:
        database.dispose()


def _moved(before: str, after: str) -> str:
    if before == after:
        return f"Nothing to do: the database is at {after or 'base'}."
    return f"{before or 'base'} → {after or 'base'}"
