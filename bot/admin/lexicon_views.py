"""How words are said: the installation's own, beside those that come with the voice."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from bot.admin.access import needs, to, visitor
from bot.admin.desk import desk
from bot.admin.trail import record
from bot.conversation import trials
from bot.conversation.accounts import Role
from bot.conversation.casework import Pronunciation
from bot.knowledge.types import Answer, Outcome
from media.errors import MediaError
from media.speak.frontend import units
from media.speak.lexicon import standard

MOST_LETTERS = 50


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/lexicon", "lexicon", lexicon, methods=["GET", "POST"])
    console.add_url_rule("/lexicon/remove", "lexicon_remove", remove, methods=["POST"])
    console.add_url_rule("/lexicon/hear", "lexicon_hear", hear, methods=["POST"])


@needs(Role.EDITOR)
def lexicon() -> Response | str | tuple[str, int]:
    """List the words, and add one or change how it is said."""
    if request.method == "GET":
        return _page()
    word = request.form.get("word", "").strip()[:MOST_LETTERS]
    sounds = request.form.get("sounds", "").strip()[:MOST_LETTERS]
    if not can_be_said(word, sounds):
        return _page(word, sounds, wrong=True), HTTPStatus.UNPROCESSABLE_ENTITY
    with desk().writing() as session:
        row = session.get(Pronunciation, word) or Pronunciation(word=word)
        row.sounds, row.account_id, row.created_at = sounds, g.account.id, desk().clock()
        session.add(row)
        record(session, visitor(), "word_added", subject=f"{word} {sounds}")
    return redirect(to("admin.lexicon"))


@needs(Role.EDITOR)
def remove() -> Response:
    """Take a word out; it is said by the rules again."""
    with desk().writing() as session:
        row = session.get(Pronunciation, request.form.get("word", ""))
        if row is None:
            abort(HTTPStatus.NOT_FOUND)
        session.delete(row)
        record(session, visitor(), "word_removed", subject=row.word)
    return redirect(to("admin.lexicon"))


@needs(Role.EDITOR)
def hear() -> Response:
    """Have a sentence spoken with the words as they are now."""
    sentence = request.form.get("sentence", "").strip()[:200]
    if not sentence:
        abort(HTTPStatus.BAD_REQUEST)
    with desk().sessions() as session:
        answer = Answer(Outcome.ANSWERED, sentence, lines=(sentence,))
        key = trials.speak(session, g.account.email, sentence, answer)
    with desk().writing() as session:
        record(session, visitor(), "tried", subject=f"sentence {key}")
    return redirect(to("admin.tried", key=key))


def can_be_said(word: str, sounds: str) -> bool:
    """Say whether the voice can take `sounds` for `word`."""
    if not word or not sounds:
        return False
    try:
        units(word, {word: sounds})
    except MediaError:
        return False
    return True


def _page(word: str = "", sounds: str = "", wrong: bool = False) -> str:
    with desk().sessions() as session:
        rows = session.scalars(
            select(Pronunciation)
            .options(joinedload(Pronunciation.account))
            .order_by(Pronunciation.word)
        ).all()
    return render_template(
        "admin/lexicon.html", rows=rows, word=word, sounds=sounds, wrong=wrong, standard=standard()
    )
