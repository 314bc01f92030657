"""The voice's added words, where there is no database yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversation.database import engine
from bot.conversation.lexicon import Lexicon


def test_a_database_without_tables_has_no_words_and_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Lexicon(engine(f"sqlite:///{tmp_path}/new.db")).words() == {}
    assert capsys.readouterr() == ("", "")
