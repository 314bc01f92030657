"""Articles in the database: every version is kept, one of them answers.

The articles of `config/knowledge` need no row. A row comes into being when somebody changes one,
and from then on stands in the file's place; version 1 is what the file said. Imported articles are
rows from the start. A new import of the same origin updates what it brings, keeps what an admin
edited, and sets aside what the source no longer has (listed, and silent unless it was edited).

Every write raises a stamp in its own transaction. A process that answers looks at the stamp, and
brings its index up to date when it has changed (`Answerer.refresh`).

    store = ArticleStore(engine, load_folder(folder))
    saved = store.save(replace(article, answer="…"), author="kim@office.example", note="…")
    store.publish(article.id, saved.number)
    store.versions(article.id); store.roll_back(article.id, 1, author="…")
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, inspect, select, update
from sqlalchemy.engine import Row

from bot.knowledge.articles import ArticleError, faults
from bot.knowledge.tables import ARTICLES, STAMP, VERSIONS
from bot.knowledge.types import Article

_LISTS = ("questions", "documents", "keywords")
FROM_FILE = "from the file"
"""The note of a version that holds what the file said."""
MISSING = "The database has no tables of articles yet. Run `silverline db upgrade`."
_PART = 500


class StoreError(Exception):
    """Articles cannot be read or written; the message names cause and remedy."""


class ConflictError(StoreError):
    """Somebody else saved a newer version in the meantime."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as it stands: what answers, or what would, and how it came to be."""

    article: Article
    """The published version, or the newest one where none is published."""
    published: int | None
    """Number of the version that answers; None where it is withdrawn or only a draft."""
    latest: int
    """Number of the newest version; higher than `published` where there is a draft."""
    edited: bool = False
    vanished: date | None = None
    review_on: date | None = None

    @property
    def answers(self) -> bool:
        """Whether questions are answered from it."""
        return self.published is not None and (self.vanished is None or self.edited)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an article; `author` is empty for a file or an import."""

    number: int
    article: Article
    author: str
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Merge:
    """What an import changed: ids by what happened to them."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Edited by an admin, so the source's text was not taken."""
    vanished: tuple[str, ...] = ()


class ArticleStore:
    """The articles of files and database together; safe to share between threads."""

    def __init__(self, engine: Engine, files: Sequence[Article] = ()):
        """Keep changes in `engine`'s tables; `files` are the articles of the folder."""
        self._engine = engine
        self._files = {article.id: article for article in files}
        self._ready = False

    def ready(self) -> bool:
        """Return whether the database has the tables; without them only files are read."""
        self._ready = self._ready or inspect(self._engine).has_table(STAMP.name)
        return self._ready

    def stamp(self) -> int:
        """Return a number that grows with every change; 0 before the first one."""
        if not self.ready():
            return 0
        with self._engine.connect() as db:
            return db.scalar(select(STAMP.c.value)) or 0

    def all(self) -> list[Article]:
        """Return the articles that answer: those of files in their order, then the others by id."""
        return [entry.article for entry in self.entries() if entry.answers]

    def entries(self) -> list[Entry]:
        """Return every article with its state: those of files first, then the others by id."""
        found = {article_id: _untouched(a) for article_id, a in self._files.items()}
        if self.ready():
            with self._engine.connect() as db:
                found |= {entry.article.id: entry for entry in _entries(db)}
        return list(found.values())

    def entry(self, article_id: str) -> Entry | None:
        """Return one article with its state; None where there is none."""
        if self.ready():
            with self._engine.connect() as db:
                found = _entries(db, article_id)
            if found:
                return found[0]
        return _untouched(self._files[article_id]) if article_id in self._files else None

    def get(self, article_id: str) -> Article | None:
        """Return one article, whether it answers or not; None where there is none."""
        found = self.entry(article_id)
        return found.article if found else None

    def versions(self, article_id: str) -> list[Version]:
        """Return all versions of an article, the newest first; none for an unknown one."""
        if self.ready():
            query = select(VERSIONS).where(VERSIONS.c.article_id == article_id)
            with self._engine.connect() as db:
                rows = db.execute(query.order_by(VERSIONS.c.number.desc())).all()
            if rows:
                return [_version(row) for row in rows]
        if article_id not in self._files:
            return []
        article = self._files[article_id]
        day = datetime.combine(article.checked, datetime.min.time(), UTC)
        return [Version(1, article, "", FROM_FILE, day)]

    def save(
        self,
        article: Article,
        author: str,
        note: str = "",
        *,
        publish: bool = True,
        after: int | None = None,
    ) -> Version:
        """Keep `article` as a new version and, by default, answer from it from now on.

        `after` is the number of the version that was edited: ConflictError where there is a newer
        one. ArticleError lists what is wrong in the article. Imports keep what was saved here.
        """
        with self._write() as db:
            latest = self._rooted(db, article)
            if after is not None and after != latest:
                raise ConflictError(
                    f"{article.id}: somebody saved version {latest} in the meantime. "
                    "Look at it, and save your change again."
                )
            return _save(db, article, latest + 1, author, note, publish)

    def publish(self, article_id: str, number: int | None = None) -> None:
        """Answer from version `number` (the newest by default) from now on."""
        with self._write() as db:
            versions = self._known(db, article_id)
            chosen = versions[-1] if number is None else number
            if chosen not in versions:
                raise StoreError(f"{article_id}: has no version {chosen}. Choose one of its list.")
            _set(db, article_id, {"published": chosen, "edited": True})

    def withdraw(self, article_id: str) -> None:
        """Answer no longer from this article; its versions stay."""
        with self._write() as db:
            self._known(db, article_id)
            _set(db, article_id, {"published": None, "edited": True})

    def roll_back(self, article_id: str, number: int, author: str, note: str = "") -> Version:
        """Make the text of version `number` a new version and answer from it."""
        old = next((v for v in self.versions(article_id) if v.number == number), None)
        if old is None:
            raise StoreError(f"{article_id}: has no version {number}. Choose one of its list.")
        return self.save(old.article, author, note or f"back to version {number}")

    def add_wording(self, article_id: str, question: str, author: str, note: str = "") -> Version:
        """Add one more way of asking to what answers now; a draft gets it as well."""
        asked = " ".join(question.split())
        with self._write() as db:
            latest = self._known(db, article_id)[-1]
            (entry,) = _entries(db, article_id)
            if not asked or asked in entry.article.questions:
                raise StoreError(f"{article_id}: this wording is empty or there. Write another.")
            texts = [(entry.article, entry.published is not None)]
            if entry.published not in (None, latest):
                texts.append((_read(_value(db, article_id, latest)), False))
            made = [
                _save(db, _asked(a, asked), latest + 1 + place, author, note, publish)
                for place, (a, publish) in enumerate(texts)
            ]
        return made[0]

    def review(self, article_id: str, day: date | None) -> None:
        """Set the day on which somebody should check the article again; None for none."""
        with self._write() as db:
            self._known(db, article_id)
            _set(db, article_id, {"review_on": day})

    def due(self, day: date) -> list[Entry]:
        """Return the articles whose review date is `day` or earlier, the earliest first."""
        due = [e for e in self.entries() if e.review_on is not None and e.review_on <= day]
        return sorted(due, key=lambda entry: (entry.review_on or day, entry.article.id))

    def merge(self, origin: str, articles: Iterable[Article]) -> Merge:
        """Bring in everything that `origin` has now; one transaction, so all of it or nothing."""
        fresh = {article.id: article for article in articles}
        with self._write() as db:
            known = {e.article.id: e for e in _entries(db, origin=origin)}
            text = {i: _write(a) for i, a in fresh.items()}
            added = [i for i in fresh if i not in known]
            kept = [i for i in fresh if i in known and known[i].edited]
            rest = [i for i in fresh if i in known and not known[i].edited]
            updated = [i for i in rest if known[i].vanished or _write(known[i].article) != text[i]]
            vanished = sorted(i for i in known if i not in fresh)
            if added:
                db.execute(insert(ARTICLES), [_row(fresh[i], published=1) for i in added])
            number = dict.fromkeys(added, 1) | {i: known[i].latest + 1 for i in updated}
            rows = [_version_row(fresh[i], n, "", origin) for i, n in number.items()]
            if rows:
                db.execute(insert(VERSIONS), rows)
            for i in updated:
                _set(db, i, {"published": number[i], "vanished": None})
            for i in vanished:
                if known[i].vanished is None:
                    _set(db, i, {"vanished": date.today()})
            for i in kept:
                if known[i].vanished is not None:
                    _set(db, i, {"vanished": None})
        unchanged = sorted(set(rest) - set(updated))
        return Merge(tuple(added), tuple(updated), tuple(unchanged), tuple(kept), tuple(vanished))

    def _write(self) -> _Writing:
        if not self.ready():
            raise StoreError(MISSING)
        return _Writing(self._engine)

    def _known(self, db: Connection, article_id: str) -> list[int]:
        """Return the numbers of an article's versions; a file's article gets its row."""
        query = select(VERSIONS.c.number).where(VERSIONS.c.article_id == article_id)
        found = list(db.scalars(query.order_by(VERSIONS.c.number)))
        if found:
            return found
        if article_id not in self._files:
            raise StoreError(f"{article_id}: there is no such article. Choose one of the list.")
        self._rooted(db, self._files[article_id])
        return [1]

    def _rooted(self, db: Connection, article: Article) -> int:
        """Return the number of the newest version of `article`, 0 for a new one."""
        latest = db.scalar(
            select(func.max(VERSIONS.c.number)).where(VERSIONS.c.article_id == article.id)
        )
        if latest is not None:
            return int(latest)
        original = self._files.get(article.id)
        db.execute(insert(ARTICLES), [_row(original or article, published=1 if original else None)])
        if original is not None:
            _add(db, original, 1, "", FROM_FILE)
        return 1 if original else 0


class _Writing:
    """A transaction that writes: the stamp goes first, which takes the lock of writers."""

    def __init__(self, engine: Engine):
        self._begun = engine.begin()

    def __enter__(self) -> Connection:
        db = self._begun.__enter__()
        db.execute(update(STAMP).values(value=STAMP.c.value + 1))
        return db

    def __exit__(self, *error: Any) -> None:
        self._begun.__exit__(*error)


def _untouched(article: Article) -> Entry:
    return Entry(article, published=1, latest=1)


def _entries(db: Connection, article_id: str = "", origin: str = "") -> list[Entry]:
    """Return the rows of articles by id, each with the version that answers or else the newest."""
    newest = (
        select(VERSIONS.c.article_id, func.max(VERSIONS.c.number).label("latest"))
        .group_by(VERSIONS.c.article_id)
        .subquery()
    )
    shown = func.coalesce(ARTICLES.c.published, newest.c.latest)
    query = (
        select(ARTICLES, newest.c.latest, VERSIONS.c.value)
        .join(newest, newest.c.article_id == ARTICLES.c.id)
        .join(VERSIONS, (VERSIONS.c.article_id == ARTICLES.c.id) & (VERSIONS.c.number == shown))
        .order_by(ARTICLES.c.id)
    )
    if article_id:
        query = query.where(ARTICLES.c.id == article_id)
    if origin:
        query = query.where(ARTICLES.c.origin == origin)
    return [_entry(row) for row in db.execute(query)]


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        _read(row.value), row.published, row.latest, row.edited, row.vanished, row.review_on
    )


def _version(row: Row[Any]) -> Version:
    moment: datetime = row.created_at
    created = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return Version(row.number, _read(row.value), row.author, row.note, created)


def _value(db: Connection, article_id: str, number: int) -> str:
    query = select(VERSIONS.c.value).where(
        VERSIONS.c.article_id == article_id, VERSIONS.c.number == number
    )
    return str(db.scalar(query))


def _asked(article: Article, question: str) -> Article:
    return replace(article, questions=(*article.questions, question))


def _save(
    db: Connection, article: Article, number: int, author: str, note: str, publish: bool
) -> Version:
    wrong = faults(article)
    if wrong:
        raise ArticleError("\n".join(wrong))
    made = _add(db, article, number, author, note)
    _set(db, article.id, {"edited": True} | ({"published": number} if publish else {}))
    return made


def _add(db: Connection, article: Article, number: int, author: str, note: str) -> Version:
    row = _version_row(article, number, author, note)
    db.execute(insert(VERSIONS).values(**row))
    return Version(number, article, author, note, row["created_at"])


def _set(db: Connection, article_id: str, values: dict[str, Any]) -> None:
    db.execute(update(ARTICLES).where(ARTICLES.c.id == article_id).values(**values))


def _row(article: Article, published: int | None) -> dict[str, Any]:
    return {
        "id": article.id,
        "origin": article.origin,
        "published": published,
        "edited": False,
        "vanished": None,
        "review_on": None,
    }


def _version_row(article: Article, number: int, author: str, note: str) -> dict[str, Any]:
    return {
        "article_id": article.id,
        "number": number,
        "value": _write(article),
        "author": author,
        "note": note,
        "created_at": datetime.now(UTC),
    }


def _write(article: Article) -> str:
    fields = asdict(article) | {"checked": article.checked.isoformat()}
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)


def _read(value: str) -> Article:
    fields = json.loads(value)
    fields |= {key: tuple(fields[key]) for key in _LISTS}
    return Article(**fields | {"checked": date.fromisoformat(fields["checked"])})
