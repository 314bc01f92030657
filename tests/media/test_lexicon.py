from __future__ import annotations

from pathlib import Path

import pytest

from media.errors import MediaError
from media.speak import lexicon


def test_the_lexicon_of_the_service_is_in_form() -> None:
    assert all(lexicon.fits(word, sounds) for word, sounds in lexicon.standard().items())
    assert lexicon.standard()["맛있"] == "마싰"


def test_an_own_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[words]\n"효과" = "효꽈"\n', encoding="utf-8")
    assert lexicon.load(path) == {"효과": "효꽈"}


@pytest.mark.parametrize(
    "text",
    ["[words", 'words = "x"', '[words]\n"a" = "가"', '[words]\n"가나" = "가"', "[words]\n가 = 1"],
)
def test_a_file_in_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MediaError) as caught:
        lexicon.load(path)
    assert caught.value.code == "bad_lexicon"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="none.toml"):
        lexicon.load(tmp_path / "none.toml")
