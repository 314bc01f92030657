"""Logging in: password and code together, a lock after wrong ones, a limit per origin."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.admin.credentials import is_password, totp_step
from bot.admin.desk import Desk
from bot.admin.trail import Visitor, record
from bot.conversation.accounts import Access, Account

WINDOW = timedelta(minutes=10)
"""In which wrong log-ins from one origin are counted."""


class Refused(StrEnum):
    """Why nobody was logged in. `WRONG` also stands for locked and unknown: it tells nothing."""

    WRONG = "wrong"
    LIMITED = "limited"


def log_in(desk: Desk, email: str, password: str, code: str, origin: str) -> Account | Refused:
    """Return the account that `email`, `password` and `code` open, or why there is none."""
    moment = desk.clock()
    with desk.sessions() as session:
        if _failures(session, origin, desk) >= desk.settings.admin.origin_failures:
            return Refused.LIMITED
        found = session.scalar(select(Account).where(Account.email == email.strip().lower()))
    # Hashing takes a tenth of a second: no transaction waits for it.
    right = is_password(found.password_hash if found else "", password)
    with desk.writing() as session:
        account = session.get(Account, found.id, with_for_update=True) if found else None
        visitor = Visitor(account, origin, moment, desk.settings.app.data_dir)
        if account and found and account.password_hash == found.password_hash:
            step = totp_step(account.totp_secret, code, moment)
            fresh = step is not None and step > account.totp_step
            locked = account.locked_until is not None and account.locked_until > moment
            if step is not None and right and fresh and not locked and not account.disabled:
                account.totp_step = step
                account.failed, account.locked_until = 0, None
                record(session, visitor, "login")
                return account
            if not locked:
                _count(account, desk)
        record(session, visitor, "login_failed")
    return Refused.WRONG


def _count(account: Account, desk: Desk) -> None:
    account.failed += 1
    if account.failed >= desk.settings.admin.lock_after:
        account.failed = 0
        account.locked_until = desk.clock() + timedelta(minutes=desk.settings.admin.lock_minutes)


def _failures(session: Session, origin: str, desk: Desk) -> int:
    since = desk.clock() - WINDOW
    query = select(func.count()).where(
        Access.at >= since, Access.what == "login_failed", Access.origin == origin
    )
    return session.scalar(query.select_from(Access)) or 0
