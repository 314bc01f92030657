"""Trying things out: a question asked, an article heard and seen before it is published."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from bot.admin.access import needs, to, visitor
from bot.admin.article_forms import empty, read
from bot.admin.desk import desk
from bot.admin.names import OUTCOMES, STEPS
from bot.admin.trail import record
from bot.conversation import trials
from bot.conversation.accounts import Role
from bot.conversation.models import ENDS, Identity, Turn
from bot.knowledge import replies

MOST_LETTERS = 500


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/try", "try", try_, methods=["GET", "POST"])
    console.add_url_rule("/try/article", "try_article", try_article, methods=["POST"])
    console.add_url_rule("/try/<key>", "tried", tried)


@needs(Role.REVIEWER)
def try_() -> Response | str:
    """Ask a question as a person would."""
    if request.method == "GET":
        return render_template("admin/try.html", turn=None)
    question = request.form.get("question", "").strip()[:MOST_LETTERS]
    if not question:
        abort(HTTPStatus.BAD_REQUEST)
    with desk().sessions() as session:
        key = trials.ask(session, g.account.email, question)
    _record("tried", f"question {key}")
    return redirect(to("admin.tried", key=key))


@needs(Role.EDITOR)
def try_article() -> Response:
    """Have the answer in the form spoken and filmed, as it is, without keeping it."""
    article = read(request.form, empty())
    if not article.answer:
        abort(HTTPStatus.BAD_REQUEST)
    with desk().sessions() as session:
        answer = replies.about(article, 1.0, ())
        key = trials.speak(session, g.account.email, article.title, answer)
    _record("tried", f"article {request.form.get('id', '')} {key}")
    return redirect(to("admin.tried", key=key))


@needs(Role.REVIEWER)
def tried(key: str) -> str:
    """Show how far a trial has come; the page looks again until it is done."""
    with desk().sessions() as session:
        turn = session.scalar(
            select(Turn)
            .join(Turn.identity)
            .where(Turn.key == key, Identity.channel == trials.NAME)
            .options(joinedload(Turn.video), joinedload(Turn.speech), joinedload(Turn.poster))
        )
        if turn is None:
            abort(HTTPStatus.NOT_FOUND)
        media = desk().media
        return render_template(
            "admin/try.html",
            turn=turn,
            done=turn.state in ENDS,
            video=media(turn.video) if turn.video else "",
            poster=media(turn.poster) if turn.poster else "",
            speech=media(turn.speech) if turn.speech else "",
            outcomes=OUTCOMES,
            steps=STEPS,
        )


def _record(what: str, subject: str) -> None:
    with desk().writing() as session:
        record(session, visitor(), what, subject=subject)
