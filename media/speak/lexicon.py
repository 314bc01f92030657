"""Exceptions to the sound rules: words and their respellings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from media.errors import MediaError
from media.speak import hangul

_FILE = Path(__file__).with_name("lexicon.toml")


@lru_cache(maxsize=1)
def standard() -> Mapping[str, str]:
    """Return the exceptions that come with the service."""
    return load(_FILE)


def load(path: Path) -> Mapping[str, str]:
    """Return the exceptions of a TOML file: a table `words`, word = respelling.

    MediaError `bad_lexicon` where the file is not of that form.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MediaError(
            "bad_lexicon",
            f"The lexicon {path.name} cannot be read: {error}.",
            'Write it as TOML with a table [words] of lines like "인기" = "인끼".',
        ) from error
    words = table.get("words", {})
    if not isinstance(words, dict):
        raise _bad(path.name, "words", "is no table")
    for word, sounds in words.items():
        if not isinstance(sounds, str) or not fits(word, sounds):
            raise _bad(path.name, word, "must be Hangul with as many syllables on both sides")
    return words


def fits(word: str, sounds: str) -> bool:
    """Whether `sounds` can stand for `word`: both Hangul, with as many syllables."""
    return hangul.is_hangul(word) and hangul.is_hangul(sounds) and len(word) == len(sounds)


def _bad(name: str, word: str, fault: str) -> MediaError:
    return MediaError(
        "bad_lexicon",
        f"The lexicon {name}: {word} {fault}.",
        'Write lines like "인기" = "인끼".',
    )
