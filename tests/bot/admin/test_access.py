"""Who gets in, who sees what, and when it ends."""

from __future__ import annotations

import json
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient

from bot.admin.access import NEEDS
from bot.admin.credentials import is_password, one_time_password, totp_step
from bot.admin.visits import COOKIE
from bot.conversation.accounts import Account, Role
from tests.bot.admin.conftest import BEGIN, PASSWORD, Office, send, talk, token_of

PUBLIC = {"admin.login", "admin.language"}
ALLOWED = (200, 302, 400, 404, 409, 422)
"""What a view may say to one who may see it, about a thing that is missing or not as asked."""

NEEDED = {
    "admin.conversations": Role.VIEWER,
    "admin.conversation": Role.VIEWER,
    "admin.play": Role.VIEWER,
    "admin.password": Role.VIEWER,
    "admin.logout": Role.VIEWER,
    "admin.queue": Role.REVIEWER,
    "admin.review": Role.REVIEWER,
    "admin.unmask": Role.OPERATOR,
    "admin.export": Role.OPERATOR,
    "admin.trail": Role.OWNER,
    "admin.pulse": Role.VIEWER,
    "admin.picture": Role.VIEWER,
    "admin.dashboard": Role.VIEWER,
    "admin.dashboard_export": Role.OPERATOR,
    "admin.remark": Role.REVIEWER,
    "admin.assign": Role.REVIEWER,
    "admin.resolve": Role.REVIEWER,
    "admin.wording": Role.EDITOR,
    "admin.articles": Role.VIEWER,
    "admin.article": Role.VIEWER,
    "admin.article_new": Role.EDITOR,
    "admin.article_edit": Role.EDITOR,
    "admin.article_publish": Role.EDITOR,
    "admin.article_withdraw": Role.EDITOR,
    "admin.article_review": Role.EDITOR,
    "admin.measure": Role.EDITOR,
    "admin.lexicon": Role.EDITOR,
    "admin.lexicon_remove": Role.EDITOR,
    "admin.lexicon_hear": Role.EDITOR,
    "admin.try": Role.REVIEWER,
    "admin.try_article": Role.EDITOR,
    "admin.tried": Role.REVIEWER,
    "admin.handovers": Role.REVIEWER,
    "admin.handover": Role.REVIEWER,
    "admin.handover_take": Role.REVIEWER,
    "admin.handover_say": Role.REVIEWER,
    "admin.handover_call": Role.REVIEWER,
    "admin.handover_close": Role.REVIEWER,
}


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie(COOKIE, path="/admin")
    assert found is not None
    return found.value


def is_in(client: FlaskClient) -> bool:
    return client.get("/admin/").status_code == 200


def test_password_and_code_together_open_the_console(office: Office) -> None:
    client = office.log_in()
    assert is_in(client)
    assert [row.what for row in office.trail()] == ["login", "list_viewed"]


@pytest.mark.parametrize("wrong", ["email", "password", "code", "disabled", "empty"])
def test_whatever_is_wrong_the_answer_is_the_same(office: Office, wrong: str) -> None:
    email = office.account(disabled=wrong == "disabled")
    client = office.client()
    answer = office.enter(
        client,
        "nobody@office.example" if wrong == "email" else email,
        "not the password" if wrong == "password" else "" if wrong == "empty" else PASSWORD,
        "000000" if wrong == "code" else office.code(email),
    )
    other = office.enter(office.client(), "else@office.example", "x", "1")
    assert answer.status_code == other.status_code == 401
    assert "맞지 않는 것이 있어요" in answer.text
    assert not is_in(client)


def test_a_code_works_once(office: Office) -> None:
    email = office.account()
    assert office.enter(office.client(), email).status_code == 302
    assert office.enter(office.client(), email).status_code == 401
    office.clock.pass_by(seconds=30)
    assert office.enter(office.client(), email).status_code == 302


def test_a_code_may_be_half_a_minute_off_and_no_more() -> None:
    secret = "JBSWY3DPEHPK3PXP" * 2

    for off, right in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        code = pyotp.TOTP(secret).at(int(BEGIN.timestamp()) + off)
        assert (totp_step(secret, code, BEGIN) is not None) is right
    assert totp_step(secret, "", BEGIN) is None


def test_wrong_tries_lock_the_account_even_for_the_right_password(office: Office) -> None:
    email = office.account()
    for _ in range(5):
        assert office.enter(office.client(), email, "wrong").status_code == 401
    assert office.enter(office.client(), email).status_code == 401
    office.clock.pass_by(minutes=15)
    assert office.enter(office.client(), email).status_code == 302


@pytest.mark.parametrize("options", [{"origin_failures": 4}])
def test_an_origin_that_guesses_is_refused(office: Office) -> None:
    email = office.account()
    for number in range(4):
        office.enter(office.client(), f"guess{number}@office.example", "x", "1")
    assert office.enter(office.client(), email).status_code == 429
    assert len(office.trail()) == 4
    office.clock.pass_by(minutes=11)
    assert office.enter(office.client(), email).status_code == 302


def test_a_session_ends_when_idle_or_old(office: Office) -> None:
    client = office.log_in()
    office.clock.pass_by(minutes=29)
    assert is_in(client)
    office.clock.pass_by(minutes=29)
    assert is_in(client)
    office.clock.pass_by(minutes=30)
    assert not is_in(client)
    office.clock.pass_by(minutes=1)
    other = office.log_in(email="b@office.example")
    for _ in range(25):
        office.clock.pass_by(minutes=28)
        assert is_in(other)
    office.clock.pass_by(minutes=20)
    assert not is_in(other)


def test_the_session_from_before_the_login_is_no_session_after(office: Office) -> None:
    email = office.account()
    client = office.client()
    client.get("/admin/login")
    before = cookie(client)
    office.enter(client, email)
    assert cookie(client) != before
    thief = office.client()
    thief.set_cookie(COOKIE, before, path="/admin")
    assert not is_in(thief)


def test_logging_out_ends_every_copy_of_the_session(office: Office) -> None:
    client = office.log_in()
    stolen = cookie(client)
    assert send(client, "/admin/logout").status_code == 302
    thief = office.client()
    thief.set_cookie(COOKIE, stolen, path="/admin")
    assert not is_in(client) and not is_in(thief)


def test_a_one_time_password_must_be_changed_first(office: Office) -> None:
    client = office.log_in(must_change=True)
    assert client.get("/admin/").headers["Location"].endswith("/admin/password")
    stolen = cookie(client)
    fields = {"old": PASSWORD, "new": "a long new password", "again": "a long new password"}
    answer = send(client, "/admin/password", "/admin/password", **fields)
    assert answer.status_code == 302 and is_in(client)
    thief = office.client()
    thief.set_cookie(COOKIE, stolen, path="/admin")
    assert not is_in(thief)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"old": "wrong"}, "지금 비밀번호가"),
        ({"again": "another long one"}, "서로 달라요"),
        ({"new": "short", "again": "short"}, "12자 이상"),
        ({"new": PASSWORD, "again": PASSWORD}, "다르게"),
        ({"new": "my viewer password", "again": "my viewer password"}, "다르게"),
    ],
)
def test_a_bad_new_password_is_refused(office: Office, fields: dict[str, str], fault: str) -> None:
    client = office.log_in()
    good = {"old": PASSWORD, "new": "a long new password", "again": "a long new password"}
    answer = send(client, "/admin/password", "/admin/password", **(good | fields))
    assert fault in answer.text


def test_a_cookie_that_was_not_signed_here_opens_nothing(office: Office) -> None:
    client = office.log_in()
    good = cookie(client)
    for bad in ("", "x", good[:-2], good.replace(".", ".A"), json.dumps([1])):
        other = office.client()
        other.set_cookie(COOKIE, bad, path="/admin")
        assert not is_in(other)


def test_the_cookie_is_kept_from_scripts_and_other_sites(office: Office) -> None:
    set_cookie = office.client().get("/admin/login").headers["Set-Cookie"]
    assert "HttpOnly" in set_cookie and "SameSite=Lax" in set_cookie and "Path=/admin" in set_cookie


def test_a_page_may_load_nothing_foreign(office: Office) -> None:
    policy = office.client().get("/admin/login").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy


def test_every_view_says_what_role_it_needs(office: Office) -> None:
    found = {
        rule.endpoint: getattr(office.app.view_functions[rule.endpoint], NEEDS, None)
        for rule in office.app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and rule.endpoint not in PUBLIC
    }
    assert found == NEEDED


@pytest.mark.parametrize("role", [None, *Role])
def test_every_route_for_every_role(office: Office, role: Role | None) -> None:
    number = talk(office)
    values: dict[str, Any] = {"number": number, "key": "k", "kind": "video", "name": "no-such"}
    client = office.log_in(role) if role else office.client()
    for rule in office.app.url_map.iter_rules():
        if rule.endpoint not in NEEDED or rule.endpoint == "admin.logout":
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", str(values[name])).replace(
                f"<int:{name}>", str(values[name])
            )
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        data = {"token": token_of(client), "why": "a good reason", "verdict": "right"}
        answer = client.open(path, method=method, data=data if method == "POST" else None)
        if role is not None and answer.status_code == 302:
            assert not answer.headers["Location"].endswith("/admin/login"), rule.endpoint
        if role is None:
            assert answer.status_code == 302, rule.endpoint
            assert answer.headers["Location"].endswith("/admin/login")
        elif role.covers(NEEDED[rule.endpoint]):
            assert answer.status_code in ALLOWED, (rule.endpoint, answer.status_code)
        else:
            assert answer.status_code == 403, rule.endpoint
            assert office.trail()[-1].what == "denied"


@pytest.mark.parametrize("path", ["login", "logout", "password", "language", "export"])
def test_a_form_from_elsewhere_is_refused(office: Office, path: str) -> None:
    client = office.log_in(Role.OWNER)
    other = token_of(office.client())
    for data in ({}, {"token": ""}, {"token": "é"}, {"token": other}):
        answer = client.post(f"/admin/{path}", data=data)
        assert answer.status_code == 400
        assert "오래 열어 둔 화면" in answer.text
    assert is_in(client)


def test_a_disabled_account_is_out_at_once(office: Office) -> None:
    client = office.log_in()
    with office.desk.writing() as session:
        session.query(Account).one().disabled = True
    assert not is_in(client)


def test_passwords(office: Office) -> None:
    assert not is_password("", "anything")
    assert not is_password("no hash", "anything")
    assert len(one_time_password()) == 24
    assert one_time_password() != one_time_password()


def test_the_language_is_kept_and_leads_back_only_here(office: Office) -> None:
    client = office.client()
    answer = send(client, "/admin/language", language="en", back="/admin/login")
    assert answer.headers["Location"] == "/admin/login"
    assert "Log in" in client.get("/admin/login").text
    assert '<html lang="en">' in client.get("/admin/login").text
    for back in ("//evil.example", "https://evil.example", "/admin/\\evil", "/w/1"):
        answer = send(client, "/admin/language", language="xx", back=back)
        assert answer.headers["Location"] == "/admin/"
    answer = send(client, "/admin/language", language="ko", back="/admin/?q=1")
    assert answer.headers["Location"] == "/admin/?q=1"
