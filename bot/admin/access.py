"""Who may see a page: one decorator, and what happens before and after every request."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.admin import visits
from bot.admin.desk import desk
from bot.admin.trail import Visitor, record
from bot.conversation.accounts import Account, Role

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
NEEDS = "needed_role"
PASSWORD_PAGE = "admin.password"

Answered = AnyResponse | str | tuple[str, int]
View = Callable[..., Answered]


def needs(role: Role) -> Callable[[View], View]:
    """Let a view be seen by accounts whose role covers `role`; others are sent away."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: object, **values: object) -> Answered:
            account: Account | None = g.account
            if account is None:
                return redirect(to("admin.login"))
            if account.must_change and request.endpoint != PASSWORD_PAGE:
                return redirect(to(PASSWORD_PAGE))
            if not account.role.covers(role):
                with desk().writing() as session:
                    record(session, visitor(), "denied", subject=request.endpoint or "")
                abort(HTTPStatus.FORBIDDEN)
            return view(*args, **values)

        setattr(guarded, NEEDS, role)
        return guarded

    return decorate


def to(endpoint: str, **values: Any) -> str:
    """Return the path of a view as browsers reach it: below the public address."""
    return urlsplit(desk().settings.app.public_url).path + url_for(endpoint, **values)


def visitor() -> Visitor:
    """Return who makes this request, for the trail."""
    folder = desk().settings.app.data_dir
    return Visitor(g.account, request.remote_addr or "", desk().clock(), folder)


def begin_request() -> None:
    """Find out who asks, and refuse a form that does not come from our own page."""
    desk_ = desk()
    visit = visits.opened(desk_, request.cookies.get(visits.COOKIE, ""))
    g.account = None
    if visit is not None and visit.account_id:
        with desk_.sessions() as session:
            account = session.get(Account, visit.account_id)
        if account and account.session_version == visit.version and not account.disabled:
            g.account = account
        else:
            visit = None
    g.visit = visit or visits.begin(desk_)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        token = request.form.get("token", "")
        if not visits.is_form_token(desk_, g.visit, token):
            abort(HTTPStatus.BAD_REQUEST, "form")


def end_request(response: Response) -> Response:
    """Renew the cookie, and say what the page may load."""
    desk_ = desk()
    public = urlsplit(desk_.settings.app.public_url)
    if "visit" in g:
        response.set_cookie(
            visits.COOKIE,
            visits.sealed(desk_, g.visit),
            path=f"{public.path}/admin",
            secure=public.scheme == "https",
            httponly=True,
            samesite="Lax",
        )
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response
