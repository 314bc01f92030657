"""Sessions of the console: a signed cookie that ends, and the token of its forms.

A visit begins without an account, gets a new id at login, and is good for nothing once it was idle
too long, is too old, or its account's `session_version` was raised.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from itsdangerous import BadData, URLSafeSerializer

from bot.admin.desk import Desk
from bot.conversation.accounts import Account

COOKIE = "silverline_console"


@dataclass(frozen=True, slots=True)
class Visit:
    """What the cookie carries. `begun` and `seen` are epoch seconds."""

    id: str
    begun: int
    seen: int
    account_id: int = 0
    version: int = 0


def begin(desk: Desk, account: Account | None = None) -> Visit:
    """Return a new visit, of `account` where somebody has just logged in."""
    moment = int(desk.clock().timestamp())
    visit = Visit(secrets.token_urlsafe(16), moment, moment)
    if account is None:
        return visit
    return replace(visit, account_id=account.id, version=account.session_version)


def sealed(desk: Desk, visit: Visit) -> str:
    """Return the cookie of `visit`, seen now."""
    moment = int(desk.clock().timestamp())
    return str(
        _serializer(desk).dumps([visit.id, visit.begun, moment, visit.account_id, visit.version])
    )


def opened(desk: Desk, cookie: str) -> Visit | None:
    """Return the visit of `cookie`, or None where it was not signed here or has ended."""
    try:
        visit = Visit(*_serializer(desk).loads(cookie))
    except (BadData, ValueError, TypeError):
        return None
    moment = desk.clock().timestamp()
    settings = desk.settings.admin
    idle = timedelta(minutes=settings.idle_minutes).total_seconds()
    longest = timedelta(hours=settings.session_hours).total_seconds()
    if moment - visit.seen >= idle or moment - visit.begun >= longest:
        return None
    return visit


def form_token(desk: Desk, visit: Visit) -> str:
    """Return the token that every form of `visit` carries."""
    text = f"form {visit.id} {visit.account_id}".encode()
    return hmac.new(desk.key.encode(), text, hashlib.sha256).hexdigest()


def is_form_token(desk: Desk, visit: Visit, token: str) -> bool:
    """Say whether `token` is that of `visit`."""
    return hmac.compare_digest(form_token(desk, visit).encode(), token.encode())


def _serializer(desk: Desk) -> URLSafeSerializer:
    return URLSafeSerializer(
        desk.key,
        salt="silverline.console",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
