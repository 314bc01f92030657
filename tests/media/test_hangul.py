from __future__ import annotations

import pytest

from media.speak import hangul


def test_every_syllable_is_split_and_joined_again() -> None:
    for code in range(0xAC00, 0xD7A4):
        char = chr(code)
        assert hangul.join(*hangul.split(char)) == char


def test_parts_of_a_syllable() -> None:
    assert hangul.split("값") == ("ㄱ", "ㅏ", "ㅄ")
    assert hangul.split("의") == ("ㅇ", "ㅢ", "")
    assert hangul.coda("강") == "ㅇ"
    assert hangul.coda("a") == ""


@pytest.mark.parametrize("char", ["a", "ㄱ", "", "가나", "家"])
def test_other_characters_are_no_syllables(char: str) -> None:
    assert not hangul.is_syllable(char)
    with pytest.raises(ValueError, match="not a Hangul syllable"):
        hangul.split(char)


def test_hangul_words() -> None:
    assert hangul.is_hangul("가나다")
    assert not hangul.is_hangul("")
    assert not hangul.is_hangul("가 나")
