"""Logging in and out, one's own password, the language."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.admin import visits, words
from bot.admin.access import needs, to, visitor
from bot.admin.credentials import LEAST_LETTERS, MOST_LETTERS, hash_password, is_password
from bot.admin.desk import desk
from bot.admin.login import Refused, log_in
from bot.admin.trail import record
from bot.conversation.accounts import Account, Role

YEAR = 365 * 24 * 3600


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/login", "login", login, methods=["GET", "POST"])
    console.add_url_rule("/logout", "logout", logout, methods=["POST"])
    console.add_url_rule("/password", "password", password, methods=["GET", "POST"])
    console.add_url_rule("/language", "language", language, methods=["POST"])


def login() -> Response | str | tuple[str, int]:
    """Ask for e-mail, password and code; one answer to whatever is wrong."""
    if request.method == "GET":
        return render_template("admin/login.html", wrong=False, email="")
    form = request.form
    email = form.get("email", "")
    origin = request.remote_addr or ""
    found = log_in(desk(), email, form.get("password", ""), form.get("code", ""), origin)
    if found is Refused.LIMITED:
        abort(HTTPStatus.TOO_MANY_REQUESTS)
    if isinstance(found, Refused):
        page = render_template("admin/login.html", wrong=True, email=email)
        return page, HTTPStatus.UNAUTHORIZED
    g.visit, g.account = visits.begin(desk(), found), found
    return redirect(to("admin.password" if found.must_change else "admin.conversations"))


@needs(Role.VIEWER)
def logout() -> Response:
    """End every session of the account."""
    with desk().writing() as session:
        account = session.get_one(Account, g.account.id, with_for_update=True)
        account.session_version += 1
        record(session, visitor(), "logout")
    g.visit = visits.begin(desk())
    return redirect(to("admin.login"))


@needs(Role.VIEWER)
def password() -> Response | str:
    """Change one's password; every other session of the account ends."""
    if request.method == "GET":
        return render_template("admin/password.html", fault="", least=LEAST_LETTERS)
    old, new = request.form.get("old", ""), request.form.get("new", "")
    fault = _fault(old, new, request.form.get("again", ""))
    if fault:
        return render_template("admin/password.html", fault=fault, least=LEAST_LETTERS)
    hashed = hash_password(new)
    with desk().writing() as session:
        account = session.get_one(Account, g.account.id, with_for_update=True)
        account.password_hash, account.must_change = hashed, False
        account.session_version += 1
        record(session, visitor(), "password_changed")
    g.visit, g.account = visits.begin(desk(), account), account
    return redirect(to("admin.conversations"))


def language() -> Response:
    """Choose the language; go back to the page where it was chosen, if it is ours."""
    chosen = request.form.get("language", "")
    back = request.form.get("back", "")
    home = to("admin.conversations")
    response = redirect(back if back.startswith(home) and "\\" not in back else home)
    if chosen in words.LANGUAGES:
        response.set_cookie(words.COOKIE, chosen, max_age=YEAR, httponly=True, samesite="Lax")
    return response


def _fault(old: str, new: str, again: str) -> str:
    """Return what is wrong with a change of the password, empty where nothing is."""
    if not is_password(g.account.password_hash, old):
        return "지금 비밀번호가 맞지 않아요."
    if new != again:
        return "새 비밀번호 두 개가 서로 달라요."
    if not LEAST_LETTERS <= len(new) <= MOST_LETTERS:
        return "새 비밀번호는 12자 이상이어야 해요."
    if new == old or g.account.email.partition("@")[0] in new.lower():
        return "지금 비밀번호나 이메일과 다르게 정해 주세요."
    return ""
