"""Regional and everyday words reach the words of articles."""

from __future__ import annotations

from bot.knowledge.colloquial import standard


def test_endings_and_words() -> None:
    assert standard("전깃세 빼준다카던데") == "전깃세 빼준다고 하던데 (전기요금)"
    assert standard("등본 때려면 어데로 가요") == "등본 떼려면 어디로 가요"
    assert standard("기초연금은 얼마예요") == "기초연금은 얼마예요"
