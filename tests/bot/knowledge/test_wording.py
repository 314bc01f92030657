"""Plain, short and polite."""

from __future__ import annotations

import re

import pytest

from bot.knowledge.articles import load_folder
from bot.knowledge.plain import condense, copula, polite
from bot.knowledge.types import Article
from bot.knowledge.wording import (
    MAX_SYLLABLES,
    screen_lines,
    sentences,
    shorten,
    simpler,
    spoken,
    syllables,
)
from bot.settings import CONFIG


def test_sentences_end_where_they_end() -> None:
    assert sentences("금액은 3.5배예요. 맞나요? 네!") == ["금액은 3.5배예요.", "맞나요?", "네!"]


def test_spoken_names_the_number_once(articles: list[Article]) -> None:
    for article in articles:
        assert spoken(article).count(article.contact_number) == 1
    assert simpler(articles[0]).endswith("1355번으로 물어보세요.")


def test_every_article_is_short_and_polite() -> None:
    said = [
        (article.id, sentence)
        for article in load_folder(CONFIG / "knowledge")
        for text in (spoken(article), simpler(article))
        for sentence in sentences(text)
    ]
    assert [s for s in said if syllables(s[1]) > MAX_SYLLABLES] == []
    assert [s for s in said if not re.search(r"[요죠][.!?]$", s[1])] == []


def test_three_short_lines(articles: list[Article]) -> None:
    lines = screen_lines(articles[0])
    assert len(lines) == 3
    assert lines[2].startswith("☎ 1355")
    assert shorten("가나 다라 " * 20).endswith("…")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("생활비를 지원합니다", "생활비를 지원해요."), ("신청할 수 있습니다.", "신청할 수 있어요."),
        ("의료비 지원", "의료비 지원해요."), ("등록장애인", "등록장애인이에요."),
        ("어르신을 돕습니다", "어르신을 도와요."), ("자녀", "자녀예요."), ("괜찮아요", "괜찮아요."),
    ],
)  # fmt: skip
def test_officialese_becomes_polite_speech(written: str, said: str) -> None:
    assert polite(written) == said


def test_condensed_text_can_be_said() -> None:
    text = (
        "대상: 만 65세 이상 (기초생활수급자 포함) 어르신입니다. "
        + "가나다라 마바사아 자차카타, " * 8
        + "지원합니다. 신청은 주민센터에서 합니다."
    )
    said = condense(text)
    assert all(syllables(sentence) <= MAX_SYLLABLES for sentence in sentences(said))
    assert "수급자" not in said
    assert condense("") == ""
    assert copula("A") == "이에요"
