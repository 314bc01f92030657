"""`silverline admin`: who may log in to the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.admin.credentials import (
    hash_password,
    new_totp_secret,
    one_time_password,
    provisioning_uri,
)
from bot.admin.trail import Visitor, record
from bot.conversation.accounts import Account, Role
from bot.conversation.columns import now
from bot.conversation.database import DatabaseError, sessions, start_write
from bot.settings import Settings, SettingsError, load_settings

ORIGIN = "command line"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@click.group()
def admin() -> None:
    """Add, list, reset and disable accounts of the console."""


@admin.command()
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="What the account's person is called.")
def add(email: str, role: str, name: str) -> None:
    """Make an account; prints its one-time password and its authenticator's address, once."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise click.ClickException(f"{email!r} is no e-mail address.")
    password, secret = one_time_password(), new_totp_secret()
    with _writing() as (settings, session):
        if session.scalar(select(Account).where(Account.email == email)):
            raise click.ClickException(
                f"{email} has an account already. `silverline admin reset {email}` renews it."
            )
        account = Account(
            email=email,
            name=name,
            role=Role(role),
            password_hash=hash_password(password),
            totp_secret=secret,
        )
        session.add(account)
        _note(session, settings, "account_added", f"{email} {role}")
    _hand_over(settings, email, password, secret)


@admin.command("list")
def list_() -> None:
    """List the accounts, with their roles."""
    with _writing() as (_, session):
        for account in session.scalars(select(Account).order_by(Account.email)):
            state = "disabled" if account.disabled else "must change password"
            state = state if account.disabled or account.must_change else ""
            click.echo(f"{account.email}\t{account.role}\t{account.name}\t{state}".rstrip())


@admin.command()
@click.argument("email")
def reset(email: str) -> None:
    """Renew an account's password and authenticator, unlock it, and end its sessions."""
    password, secret = one_time_password(), new_totp_secret()
    with _writing() as (settings, session):
        account = _account(session, email)
        account.password_hash, account.must_change = hash_password(password), True
        account.totp_secret, account.totp_step = secret, 0
        account.failed, account.locked_until, account.disabled = 0, None, False
        account.session_version += 1
        _note(session, settings, "account_reset", account.email)
    _hand_over(settings, account.email, password, secret)


@admin.command()
@click.argument("email")
def disable(email: str) -> None:
    """Shut an account out at once; `reset` lets it in again."""
    with _writing() as (settings, session):
        account = _account(session, email)
        account.disabled = True
        account.session_version += 1
        _note(session, settings, "account_disabled", account.email)
    click.echo(f"{account.email} is shut out.")


@click.group()
def audit() -> None:
    """Check the trail of what was looked at in the console."""


@audit.command()
def verify() -> None:
    """Say whether the trail is whole; status 1 where a row was altered or is missing."""
    from bot.admin.trail import faults
    from bot.conversation.accounts import Access

    with _writing() as (settings, session):
        found = list(faults(session, settings.app.data_dir))
        last = session.scalars(select(Access).order_by(Access.number.desc()).limit(1)).first()
    for fault in found:
        click.echo(fault)
    if found:
        raise click.ClickException(
            "The trail was tampered with. Keep the database as it is, and compare it with backups "
            "and with the hashes in the log (access_recorded)."
        )
    told = f"{last.number} rows, the newest {last.hash}" if last else "no rows yet"
    click.echo(f"The trail is whole: {told}.")


@audit.command("report")
@click.argument("month", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="A CSV file; printed by default.")
def access_report(month: str | None, out: Path | None) -> None:
    """Say who looked at what in MONTH (YYYY-MM; the last one by default), for the monthly look."""
    from bot.admin.monthly import MonthError, month_of, rows, written

    with _writing() as (settings, session):
        try:
            begin, end = month_of(month, now())
        except MonthError as error:
            raise click.ClickException(str(error)) from error
        found = rows(session, begin, end)
        _note(session, settings, "report_made", f"{begin:%Y-%m}")
    text = written(found)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"{out}: {len(found)} rows")


def _account(session: Session, email: str) -> Account:
    found = session.scalar(select(Account).where(Account.email == email.strip().lower()))
    if found is None:
        raise click.ClickException(f"{email} has no account. `silverline admin list` shows them.")
    return found


def _note(session: Session, settings: Settings, what: str, subject: str) -> None:
    folder = Path(settings.app.data_dir)
    record(session, Visitor(None, ORIGIN, now(), folder), what, subject=subject)


def _hand_over(settings: Settings, email: str, password: str, secret: str) -> None:
    click.echo(f"one-time password: {password}")
    click.echo(f"authenticator: {provisioning_uri(secret, email)}")
    click.echo(f"log in at {settings.app.public_url}/admin/login")
    if not settings.admin.enabled:
        click.echo("The console is switched off: set admin.enabled = true.", err=True)


@contextmanager
def _writing() -> Iterator[tuple[Settings, Session]]:
    """Give the settings and a writing session; what goes wrong is told with its remedy."""
    try:
        settings = load_settings()
        maker = sessions(settings)
    except (SettingsError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error
    try:
        with maker() as session:
            start_write(session)
            yield settings, session
            session.commit()
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise click.ClickException(
            f"The database does not work: {cause}. Did you run `silverline db upgrade`?"
        ) from error
    finally:
        maker.kw["bind"].dispose()
