"""The queue, and what is done about a turn: judging, saying, giving to somebody, closing."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from bot.admin.access import needs, to, visitor
from bot.admin.desk import desk
from bot.admin.names import CHANNELS, REASONS
from bot.admin.review import assign, judge, mine, queue, reasons, remark, resolve
from bot.admin.trail import record
from bot.conversation.accounts import Account, Role
from bot.conversation.models import Turn
from bot.conversation.reviews import Verdict
from bot.knowledge.mask import mask
from bot.knowledge.store import StoreError


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/queue", "queue", waiting)
    for name, view in (
        ("review", review),
        ("remark", say),
        ("assign", give),
        ("resolve", close),
        ("wording", wording),
    ):
        console.add_url_rule(f"/turns/<key>/{name}", name, view, methods=["POST"])


@needs(Role.REVIEWER)
def waiting() -> str:
    """List what was given to this account, and the turns that deserve a look and had none."""
    with desk().writing() as session:
        own = mine(session, g.account)
        turns, more = queue(session, request.args.get("before", type=int))
        record(session, visitor(), "queue_viewed")
    return render_template(
        "admin/queue.html",
        mine=own,
        turns=turns,
        more=turns[-1].id if more else None,
        reasons=reasons,
        names=REASONS,
        channels=CHANNELS,
    )


@needs(Role.REVIEWER)
def review(key: str) -> Response:
    """Write down what the reviewer thinks of a turn, and which article would be right."""
    form = request.form
    if form.get("verdict") not in set(Verdict):
        abort(HTTPStatus.BAD_REQUEST)
    article_id = form.get("article", "").partition(" ")[0].strip()
    if article_id and desk().articles.entry(article_id) is None:
        abort(HTTPStatus.BAD_REQUEST)
    with desk().writing() as session:
        turn = _turn(session, key)
        verdict = Verdict(form["verdict"])
        text, comment = form.get("text", ""), form.get("comment", "")
        judge(session, turn, g.account, verdict, text, comment, article_id)
        _note(session, turn, "reviewed", verdict)
    return _back(turn)


@needs(Role.EDITOR)
def wording(key: str) -> Response:
    """Add the question, as it was really asked, to the wordings of an article."""
    article_id = request.form.get("article", "").partition(" ")[0].strip()
    question = mask(request.form.get("text", "").strip()[:300])
    with desk().writing() as session:
        turn = _turn(session, key)
        _note(session, turn, "wording_added", article_id)
    try:
        desk().articles.add_wording(article_id, question, g.account.email, f"turn {turn.id}")
    except StoreError:
        # There is no such article, or the wording is there already.
        abort(HTTPStatus.BAD_REQUEST)
    return redirect(to("admin.article", name=article_id))


@needs(Role.REVIEWER)
def say(key: str) -> Response:
    """Say something about a turn to the others."""
    if not request.form.get("text", "").strip():
        abort(HTTPStatus.BAD_REQUEST)
    with desk().writing() as session:
        turn = _turn(session, key)
        remark(session, turn, g.account, request.form["text"], desk().clock())
        _note(session, turn, "remarked")
    return _back(turn)


@needs(Role.REVIEWER)
def give(key: str) -> Response:
    """Have somebody look at a turn."""
    number = request.form.get("account", type=int)
    with desk().writing() as session:
        turn = _turn(session, key)
        account = session.get(Account, number) if number is not None else None
        if number is not None and (account is None or account.disabled):
            abort(HTTPStatus.BAD_REQUEST)
        assign(session, turn, g.account, account, desk().clock())
        _note(session, turn, "assigned", account.email if account else "nobody")
    return _back(turn)


@needs(Role.REVIEWER)
def close(key: str) -> Response:
    """Say that nothing more is to be done about a turn."""
    with desk().writing() as session:
        turn = _turn(session, key)
        resolve(session, turn, g.account, desk().clock())
        _note(session, turn, "resolved")
    return _back(turn)


def _turn(session: Session, key: str) -> Turn:
    query = select(Turn).where(Turn.key == key).options(joinedload(Turn.conversation))
    found = session.scalar(query)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _note(session: Session, turn: Turn, what: str, detail: str = "") -> None:
    person = turn.conversation.person_id
    subject = f"turn {turn.id} {detail}".strip()
    record(session, visitor(), what, person_id=person, subject=subject)


def _back(turn: Turn) -> Response:
    anchor = f"turn-{turn.number}"
    return redirect(to("admin.conversation", number=turn.conversation_id, _anchor=anchor))
