"""What attackers try: forms from elsewhere, other people's things, marks in what is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from bot.admin.names import ACTIONS
from bot.conversation.accounts import Access, Account, Role
from bot.conversation.casework import Handover
from bot.conversation.models import Turn
from bot.settings import ROOT
from tests.bot.admin.conftest import Office, send, talk, token_of
from tests.bot.admin.test_access import NEEDED

BAD = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'


def paths(office: Office, number: object, method: str) -> Iterator[tuple[str, str]]:
    """Yield endpoint and path of every view with `method`, for the thing `number`."""
    for rule in office.app.url_map.iter_rules():
        if rule.endpoint in NEEDED and method in (rule.methods or ()):
            path = re.sub(r"<int:\w+>", str(number), rule.rule)
            yield rule.endpoint, re.sub(r"<\w+>", f"none-{number}", path)


def said(answer: TestResponse) -> str:
    """Return a page without its own address, which its language form holds."""
    return re.sub(r'name="back" value="[^"]*"', "", answer.text)


def test_no_form_works_without_its_token_or_with_another_ones(office: Office) -> None:
    talk(office)
    client = office.log_in(Role.OWNER)
    stranger = token_of(office.client())
    before = len(office.trail())
    for endpoint, path in paths(office, 1, "POST"):
        for data in ({}, {"token": stranger, "why": "a good reason", "verdict": "right"}):
            assert client.post(path, data=data).status_code == 400, endpoint
    assert len(office.trail()) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_may_not_learns_not_even_whether_it_is_there(office: Office, method: str) -> None:
    talk(office)
    with office.desk.writing() as session:
        turn = session.scalars(select(Turn)).one()
        session.add(Handover(turn=turn, conversation_id=turn.conversation_id))
    client = office.log_in(Role.VIEWER)
    data = {"token": token_of(client), "why": "a good reason"} if method == "POST" else None
    there = {e: client.open(p, method=method, data=data) for e, p in paths(office, 1, method)}
    none = {e: client.open(p, method=method, data=data) for e, p in paths(office, 999, method)}
    for endpoint, answer in there.items():
        if not Role.VIEWER.covers(NEEDED[endpoint]):
            assert answer.status_code == 403, endpoint
            assert said(answer) == said(none[endpoint]), endpoint
        if endpoint == "admin.logout":
            break
    nobody = office.client()
    for endpoint, path in paths(office, 1, "GET"):
        assert nobody.get(path).headers["Location"].endswith("/admin/login"), endpoint


def test_what_is_stored_is_never_markup(office: Office) -> None:
    number = talk(office, BAD, answer=BAD, article_title=BAD, outcome="refused", article_id="")
    client = office.log_in(Role.OWNER, name=BAD)
    with office.desk.sessions() as session:
        key = session.scalars(select(Turn.key)).one()
    send(client, f"/admin/turns/{key}/remark", text=BAD)
    send(client, f"/admin/turns/{key}/review", verdict="wrong", text=BAD + "!", comment=BAD)
    article = dict.fromkeys(
        ("title", "answer", "next_step", "contact_name", "source_name"), BAD
    ) | {
        "id": "bad",
        "questions": BAD,
        "contact_number": "120",
        "source_url": 'https://x.kr/"><script>',
        "note": BAD,
        "topic": BAD,
    }
    assert send(client, "/admin/articles/new", **article).status_code == 302
    with office.desk.writing() as session:
        turn = session.scalars(select(Turn)).one()
        session.add(Handover(turn=turn, conversation_id=number, note=BAD))
    for path in (
        "/admin/",
        f"/admin/conversations/{number}",
        "/admin/queue",
        "/admin/articles",
        "/admin/articles/bad",
        "/admin/articles/bad/edit",
        f"/admin/articles/new?turn={key}",
        "/admin/handovers",
        "/admin/handovers/1",
        "/admin/dashboard?days=7",
        "/admin/trail",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, path
        assert "}49" not in answer.text and ">49" not in answer.text, path


def test_a_source_that_is_no_web_address_is_no_link(office: Office) -> None:
    client = office.log_in(Role.EDITOR)
    article = {"id": "bad", "title": "a", "source_url": "javascript:alert(1)"}
    assert send(client, "/admin/articles/new", **article).status_code == 422


def test_every_page_carries_the_strict_policy(office: Office) -> None:
    talk(office)
    client = office.log_in(Role.OWNER)
    for endpoint, path in paths(office, 1, "GET"):
        head = client.get(path).headers
        assert "default-src 'none'" in head["Content-Security-Policy"], endpoint
        assert "unsafe" not in head["Content-Security-Policy"], endpoint
        assert head["X-Frame-Options"] == "DENY" and "no-store" in head["Cache-Control"]


def test_templates_hold_no_inline_scripts_or_styles() -> None:
    for page in (ROOT / "bot/templates/admin").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|\|\s*safe", text), page.name


def test_every_word_of_the_trail_has_a_name(office: Office) -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (*(ROOT / "bot/admin").glob("*.py"), ROOT / "bot/cli/admin.py")
    )
    used = set(
        re.findall(r'(?:visitor\(\),|visitor,|settings,|found,|turn,)\s*"([a-z_]+)"', source)
    )
    used |= set(re.findall(r'_record\("([a-z_]+)"', source))
    assert len(used) > 25 and used <= set(ACTIONS)


def test_a_role_that_is_taken_away_is_gone_at_the_next_click(office: Office) -> None:
    client = office.log_in(Role.OWNER)
    assert client.get("/admin/trail").status_code == 200
    with office.desk.writing() as session:
        session.scalars(select(Account)).one().role = Role.VIEWER
    assert client.get("/admin/trail").status_code == 403
    with office.desk.sessions() as session:
        denied = select(func.count()).where(Access.what == "denied")
        assert session.scalar(denied.select_from(Access)) == 1
