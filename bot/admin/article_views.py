"""Articles: found, read, changed, published, taken back; what is due; where they come from."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from bot.admin import article_forms
from bot.admin.access import needs, to, visitor
from bot.admin.article_forms import FIELDS, LISTS, TAKEN, changes, matching, read, shown, wrong
from bot.admin.desk import desk
from bot.admin.filters import as_day
from bot.admin.measure import MOST_CASES, cases
from bot.admin.trail import record
from bot.conversation.accounts import Role
from bot.conversation.models import Turn
from bot.conversation.summaries import KST
from bot.knowledge.articles import ArticleError
from bot.knowledge.store import FROM_FILE, ConflictError, Entry, StoreError
from bot.knowledge.tables import ARTICLES, VERSIONS
from bot.knowledge.types import Article

ROWS = 100
STATES = {
    "draft": "초안",
    "withdrawn": "쓰지 않음",
    "vanished": "출처에서 사라짐",
    "due": "다시 볼 때",
}


def register(console: Blueprint) -> None:
    """Add the views to the console."""
    console.add_url_rule("/articles", "articles", articles)
    console.add_url_rule("/articles/new", "article_new", new, methods=["GET", "POST"])
    console.add_url_rule("/articles/<name>", "article", article)
    console.add_url_rule("/articles/<name>/edit", "article_edit", edit, methods=["GET", "POST"])
    console.add_url_rule("/articles/<name>/measure", "measure", measured, methods=["POST"])
    for action, view in (("publish", publish), ("withdraw", withdraw), ("review", review_date)):
        rule = f"/articles/<name>/{action}"
        console.add_url_rule(rule, f"article_{action}", view, methods=["POST"])


@needs(Role.VIEWER)
def articles() -> str:
    """List the articles that match, those due for a check first; and how imports stand."""
    entries = desk().articles.entries()
    pieces = request.args.get("q", "").split()
    state = request.args.get("state", "")
    by_id = {entry.article.id: entry for entry in entries}
    found = [by_id[one.id] for one in matching([e.article for e in entries], pieces)]
    if state in STATES:
        found = [entry for entry in found if state in states(entry)]
    found.sort(key=lambda entry: "due" not in states(entry))
    start = max(0, request.args.get("start", 0, type=int))
    return render_template(
        "admin/articles.html",
        entries=found[start : start + ROWS],
        count=len(found),
        more=start + ROWS if len(found) > start + ROWS else None,
        q=request.args.get("q", ""),
        state=state,
        states=states,
        names=STATES,
        origins=_origins(entries),
        brought=_brought(),
    )


@needs(Role.VIEWER)
def article(name: str) -> str:
    """Show an article and its history."""
    entry = _entry(name)
    versions = desk().articles.versions(name)
    before = [*(version.article for version in versions[1:]), None]
    return render_template(
        "admin/article.html",
        entry=entry,
        versions=[
            (version, changes(old, version.article))
            for version, old in zip(versions, before, strict=True)
        ],
        states=states(entry),
        names=STATES,
        fields=FIELDS,
        shown=shown,
    )


@needs(Role.EDITOR)
def new() -> Response | str | tuple[str, int]:
    """Write a new article, from a question that had none where the link names its turn."""
    if request.method == "GET":
        return _form(article_forms.empty(_asked(request.args.get("turn", "")), _today()), None)
    base = article_forms.empty(today=_today())
    number = request.form.get("id", "").strip()
    made = read(request.form, replace(base, id=number))
    faults = wrong(made)
    if desk().articles.entry(number) is not None:
        faults["id"] = TAKEN
    if faults:
        return _form(made, None, faults), HTTPStatus.UNPROCESSABLE_ENTITY
    return _save(made, None)


@needs(Role.EDITOR)
def edit(name: str) -> Response | str | tuple[str, int]:
    """Change an article: the newest version is what is changed."""
    entry = _entry(name)
    latest = next(iter(desk().articles.versions(name)))
    if request.method == "GET":
        return _form(latest.article, latest.number)
    made = read(request.form, latest.article)
    faults = wrong(made)
    after = request.form.get("after", type=int)
    if faults:
        return _form(made, after, faults), HTTPStatus.UNPROCESSABLE_ENTITY
    return _save(made, after if after is not None else entry.latest)


@needs(Role.EDITOR)
def publish(name: str) -> Response:
    """Answer from a version: a draft, or an older one, which then becomes a new version."""
    number = request.form.get("number", type=int)
    entry = _entry(name)
    if number is None:
        abort(HTTPStatus.BAD_REQUEST)
    try:
        if number == entry.latest:
            desk().articles.publish(name, number)
        else:
            desk().articles.roll_back(name, number, g.account.email, _note())
    except StoreError:
        abort(HTTPStatus.NOT_FOUND)
    _record("article_published", f"article {name} version {number}")
    return redirect(to("admin.article", name=name))


@needs(Role.EDITOR)
def measured(name: str) -> str:
    """Ask the reviewed questions before and after the newest change of an article."""
    entry = _entry(name)
    versions = desk().articles.versions(name)
    draft = entry.published is not None and entry.latest > entry.published
    newest = versions[0].article
    old = next(
        (v for v in versions if v.number == (entry.published if draft else entry.latest - 1)), None
    )
    others = [one for one in desk().articles.all() if one.id != name]
    before = [*others, old.article] if old else others
    with desk().writing() as session:
        made = cases(session, MOST_CASES)
        record(session, visitor(), "article_measured", subject=f"article {name}")
    return render_template(
        "admin/measure.html",
        article=newest,
        draft=draft,
        found=desk().laboratory.compare(before, [*others, newest], made),
    )


@needs(Role.EDITOR)
def withdraw(name: str) -> Response:
    """Answer no longer from an article."""
    _entry(name)
    desk().articles.withdraw(name)
    _record("article_withdrawn", f"article {name}")
    return redirect(to("admin.article", name=name))


@needs(Role.EDITOR)
def review_date(name: str) -> Response:
    """Set the day on which the article is to be checked again."""
    _entry(name)
    day = as_day(request.form.get("review_on", ""))
    desk().articles.review(name, day)
    _record("article_review_set", f"article {name} {day or 'never'}")
    return redirect(to("admin.article", name=name))


def states(entry: Entry) -> list[str]:
    """Return what is to be known of an article beside that it answers."""
    found = []
    if entry.published is not None and entry.latest > entry.published:
        found.append("draft")
    if entry.published is None:
        found.append("withdrawn")
    if entry.vanished is not None:
        found.append("vanished")
    if entry.review_on is not None and entry.review_on <= _today():
        found.append("due")
    return found


def _form(article: Article, after: int | None, faults: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/article_edit.html",
        article=article,
        after=after,
        faults=faults or {},
        fields=FIELDS,
        lists=LISTS,
        shown=shown,
    )


def _save(article: Article, after: int | None) -> Response:
    live = request.form.get("then") != "draft"
    try:
        saved = desk().articles.save(article, g.account.email, _note(), publish=live, after=after)
    except ConflictError:
        abort(HTTPStatus.CONFLICT)
    except ArticleError:
        abort(HTTPStatus.BAD_REQUEST)
    what = "article_published" if live else "article_drafted"
    _record(what, f"article {article.id} version {saved.number}")
    return redirect(to("admin.article", name=article.id))


def _entry(name: str) -> Entry:
    found = desk().articles.entry(name)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _origins(entries: list[Entry]) -> dict[str, Counter[str]]:
    """Return how many articles each source has: all, edited here, gone from the source."""
    found: dict[str, Counter[str]] = {}
    for entry in entries:
        counts = found.setdefault(entry.article.origin, Counter())
        counts["all"] += 1
        counts["edited"] += entry.edited
        counts["vanished"] += entry.vanished is not None
    return found


def _brought() -> dict[str, datetime]:
    """Return when each source last brought something new, by origin."""
    query = (
        select(ARTICLES.c.origin, func.max(VERSIONS.c.created_at))
        .join(VERSIONS, VERSIONS.c.article_id == ARTICLES.c.id)
        .where(VERSIONS.c.author == "", VERSIONS.c.note != FROM_FILE)
        .group_by(ARTICLES.c.origin)
    )
    with desk().sessions() as session:
        found = session.execute(query).tuples().all()
    # SQLite keeps no zone; what is stored is UTC.
    return {name: at if at.tzinfo else at.replace(tzinfo=UTC) for name, at in found}


def _asked(key: str) -> str:
    if not key:
        return ""
    with desk().writing() as session:
        query = select(Turn).where(Turn.key == key).options(joinedload(Turn.conversation))
        turn = session.scalar(query)
        if turn is None:
            abort(HTTPStatus.NOT_FOUND)
        person = turn.conversation.person_id
        record(session, visitor(), "question_viewed", person_id=person, subject=f"turn {turn.id}")
        return turn.text


def _note() -> str:
    return request.form.get("note", "").strip()[:500]


def _today() -> date:
    return desk().clock().astimezone(KST).date()


def _record(what: str, subject: str) -> None:
    with desk().writing() as session:
        record(session, visitor(), what, subject=subject)
