"""A language model may reword; what it invents is never said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bot.knowledge.facts import invented, names, values
from bot.knowledge.reword import ModelError, OpenAIModel, Reworder, reworder, sources
from bot.knowledge.types import Article
from bot.knowledge.wording import spoken


class Said:
    """A model that says one thing."""

    def __init__(self, text: str):
        self.text = text

    def complete(self, instruction: str, text: str) -> str:
        if not self.text:
            raise ModelError("down")
        return self.text


TEMPLATES = (
    "기초연금은 한 달에 {}을 드려요.",
    "{}까지 받으실 수 있어요.",
    "매달 {}이 나와요.",
    "최대 {}이에요.",
    "모두 {}을 받아요.",
)
AMOUNTS = (
    "35만 원", "400000원", "삼십오만 원", "40만 원", "1억 원", "34만 1천 원", "50퍼센트", "3월 5일",
    "칠십 세", "1588-0000", "월 20만 원", "열두 번",
)  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_planted_amounts_are_caught(articles: list[Article], template: str, amount: str) -> None:
    article = articles[0]
    model = Reworder(Said(template.format(amount)))
    assert model.reword(spoken(article), article) == spoken(article)
    assert model.events["invented"] == 1


@pytest.mark.parametrize(
    "said",
    ["서울시청 복지과에 가세요.", "국민은행에 가서 신청하세요.", "www.pension.kr에서 하세요."],
)
def test_planted_names_are_caught(articles: list[Article], said: str) -> None:
    assert invented(said, sources(articles[0]))


def test_true_words_are_said(articles: list[Article]) -> None:
    article = articles[0]
    said = "65세가 넘으셨으면 받을 수 있어요. 혼자 사시면 340000원쯤 드려요. 1355번에 물어보세요."
    model = Reworder(Said(said))
    assert model.reword(spoken(article), article, "내 번호는 010-1234-5678이에요") == said
    assert model.events["reworded"] == 1


def test_too_long_and_broken_answers_are_not_said(articles: list[Article]) -> None:
    article = articles[0]
    for said in ("네. " * 9, "가" * 60 + ".", " "):
        assert Reworder(Said(said)).reword("원문", article) == "원문"
    down = Reworder(Said(""))
    assert down.reword("원문", article) == "원문"
    assert down.events["failed"] == 1


def test_values_are_read_in_any_form() -> None:
    assert values("34만 9700원") == {349700}
    assert values("삼십사만 구천칠백 원") == {349700}
    assert values("3,200원과 4.5퍼센트") == {3200, 4.5}
    assert values("예순다섯 살") == {65}
    assert values("1억 2천만 원") == {120000000}
    assert "국민연금공단" in names("국민연금공단에 가세요")


@pytest.fixture
def endpoint() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            ok = self.headers["Authorization"] == "Bearer key" and body["model"] == "m"
            self.send_response(200 if ok else 401)
            self.end_headers()
            reply = {"choices": [{"message": {"content": " 네, 좋아요. "}}]}
            self.wfile.write(json.dumps(reply).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def test_openai_compatible_endpoint(endpoint: str) -> None:
    assert OpenAIModel(endpoint, "m", "key").complete("해", "글") == "네, 좋아요."
    with pytest.raises(ModelError):
        OpenAIModel(endpoint, "m", "wrong").complete("해", "글")


def test_reworder_by_setting(endpoint: str) -> None:
    assert reworder("none", "") is None
    assert isinstance(reworder("openai", "m", endpoint, "key"), Reworder)
    assert isinstance(reworder("transformers", "m"), Reworder)
