"""Articles in the database: versions, publishing, imports, and answerers that notice."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bot.conversation import schema
from bot.conversation.database import engine
from bot.knowledge import answer as answering
from bot.knowledge.answer import Answerer
from bot.knowledge.articles import ArticleError
from bot.knowledge.importers import tables as imported_tables
from bot.knowledge.store import ArticleStore, ConflictError, StoreError
from bot.knowledge.types import Article
from tests.bot.servers import postgres_database

AUTHOR = "kim@office.example"


@pytest.fixture
def database(tables: Path, tmp_path: Path) -> Iterator[Engine]:
    made = engine(f"sqlite:///{shutil.copy(tables, tmp_path / 'articles.db')}")
    yield made
    made.dispose()


@pytest.fixture
def store(database: Engine, articles: list[Article]) -> ArticleStore:
    return ArticleStore(database, articles)


def rows(count: int) -> list[Article]:
    made = [{"title": f"제목 {i}", "answer": f"답은 {i}이에요."} for i in range(count)]
    return imported_tables.articles(made, {}, "calls")


def test_without_tables_the_files_answer(tmp_path: Path, articles: list[Article]) -> None:
    bare = ArticleStore(engine(f"sqlite:///{tmp_path}/bare.db"), articles)
    assert bare.all() == articles and bare.stamp() == 0
    assert [v.number for v in bare.versions(articles[0].id)] == [1]
    with pytest.raises(StoreError, match="db upgrade"):
        bare.withdraw(articles[0].id)


def test_versions_of_an_article_of_a_file(store: ArticleStore, articles: list[Article]) -> None:
    first = articles[0]
    before = store.stamp()
    saved = store.save(replace(first, answer="고친 글이에요."), AUTHOR, "clearer", after=1)
    assert saved.number == 2 and store.stamp() > before
    assert store.all()[0].answer == "고친 글이에요."
    draft = store.save(replace(first, answer="아직 아니에요."), AUTHOR, publish=False)
    entry = store.entry(first.id)
    assert entry is not None
    assert (entry.published, entry.latest, entry.article.answer) == (2, 3, "고친 글이에요.")
    store.publish(first.id)
    assert store.all()[0].answer == "아직 아니에요."
    back = store.roll_back(first.id, 1, AUTHOR)
    assert back.number == 4 and store.all()[0] == first
    history = [(v.number, v.author, v.note) for v in store.versions(first.id)]
    assert history[0] == (4, AUTHOR, "back to version 1")
    assert history[-1] == (1, "", "from the file")
    assert draft.created_at <= back.created_at
    with pytest.raises(ConflictError, match="version 4"):
        store.save(first, AUTHOR, after=2)


def test_withdrawn_and_new_articles(store: ArticleStore, articles: list[Article]) -> None:
    store.withdraw(articles[1].id)
    assert articles[1].id not in {a.id for a in store.all()}
    assert store.get(articles[1].id) == articles[1]
    store.publish(articles[1].id, 1)
    assert {a.id for a in store.all()} == {a.id for a in articles}
    fresh = replace(articles[0], id="fresh", title="새 안내")
    store.save(fresh, AUTHOR, publish=False)
    assert "fresh" not in {a.id for a in store.all()}
    store.publish("fresh")
    assert store.all()[-1] == fresh


def test_a_wording_is_added_to_what_answers_and_to_the_draft(
    store: ArticleStore, articles: list[Article]
) -> None:
    first = articles[0]
    store.save(replace(first, answer="초안이에요."), AUTHOR, publish=False)
    store.add_wording(first.id, "새로  묻는 말", AUTHOR)
    entry = store.entry(first.id)
    assert entry is not None and entry.article.questions[-1] == "새로 묻는 말"
    assert entry.article.answer == first.answer
    newest = store.versions(first.id)[0].article
    assert (newest.answer, newest.questions[-1]) == ("초안이에요.", "새로 묻는 말")
    for question in ("새로 묻는 말", "  "):
        with pytest.raises(StoreError, match="empty or there"):
            store.add_wording(first.id, question, AUTHOR)


def test_what_cannot_be_done_is_said(store: ArticleStore, articles: list[Article]) -> None:
    with pytest.raises(ArticleError, match="answer: is missing"):
        store.save(replace(articles[0], answer=""), AUTHOR)
    for act in (store.withdraw, store.publish):
        with pytest.raises(StoreError, match="no such article"):
            act("none")
    with pytest.raises(StoreError, match="no such article"):
        store.add_wording("none", "질문", AUTHOR)
    with pytest.raises(StoreError, match="has no version 9"):
        store.publish(articles[0].id, 9)
    with pytest.raises(StoreError, match="has no version 9"):
        store.roll_back(articles[0].id, 9, AUTHOR)
    assert store.entry("none") is None and store.versions("none") == []


def test_review_dates(store: ArticleStore, articles: list[Article]) -> None:
    store.review(articles[2].id, date(2027, 3, 1))
    store.review(articles[1].id, date(2027, 1, 1))
    assert [e.article.id for e in store.due(date(2027, 3, 1))] == [articles[1].id, articles[2].id]
    assert store.due(date(2026, 12, 31)) == []
    store.review(articles[1].id, None)
    assert len(store.due(date(2028, 1, 1))) == 1


def test_imports_update_keep_edits_and_list_what_vanished(database: Engine) -> None:
    store = ArticleStore(database)
    made = rows(5)
    assert len(store.merge("calls", made).added) == 5
    assert len(store.merge("calls", made).unchanged) == 5
    store.save(replace(made[0], answer="사람이 고쳤어요."), AUTHOR)
    store.save(replace(made[4], answer="사람이 고쳤어요."), AUTHOR)
    changed = [replace(made[0], answer="새 글"), replace(made[1], answer="새 글"), made[2]]
    merge = store.merge("calls", changed)
    assert merge.kept == (made[0].id,)
    assert merge.updated == (made[1].id,)
    assert set(merge.vanished) == {made[3].id, made[4].id}
    kept = store.get(made[0].id)
    assert kept is not None and kept.answer == "사람이 고쳤어요."
    assert {article.id for article in store.all()} == {made[i].id for i in (0, 1, 2, 4)}
    assert [v.note for v in store.versions(made[1].id)] == ["calls", "calls"]
    again = store.merge("calls", made)
    assert made[3].id in again.updated and made[4].id in again.kept
    entry = store.entry(made[4].id)
    assert entry is not None and entry.vanished is None


def test_on_postgresql_two_writers_wait_for_each_other(articles: list[Article]) -> None:
    with postgres_database() as url:
        made = engine(url)
        schema.upgrade(made)
        store = ArticleStore(made, articles)
        threads = [
            threading.Thread(target=store.add_wording, args=(articles[0].id, f"말 {i}", AUTHOR))
            for i in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.merge("calls", rows(3)).added
        history = store.versions(articles[0].id)
        assert [version.number for version in history] == [5, 4, 3, 2, 1]
        assert {f"말 {i}" for i in range(4)} <= set(history[0].article.questions)
        made.dispose()


def test_an_answerer_notices(
    store: ArticleStore, articles: list[Article], monkeypatch: pytest.MonkeyPatch
) -> None:
    answerer = Answerer(store.all(), store=store)
    question = "반려견 등록은 어디서 해요?"
    assert answerer.answer(question).article is None
    assert not answerer.refresh()
    title, asked = "반려견 등록", ("반려견 등록은 어디서 하나요", "강아지 등록하는 곳")
    store.save(replace(articles[0], id="dog", title=title, questions=asked), AUTHOR)
    assert answerer.refresh()
    found = answerer.answer(question).article
    assert found is not None and found.id == "dog"
    store.withdraw("dog")
    monkeypatch.setattr(answering, "LOOK_SECONDS", 0.0)
    answerer.answer(question)
    while any(thread.name == "articles" for thread in threading.enumerate()):
        pass
    monkeypatch.setattr(answering, "LOOK_SECONDS", 1e9)
    assert answerer.answer(question).article is None
