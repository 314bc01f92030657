"""Korean words for search: content morphemes, nouns and character n-grams.

Kiwi takes 2.6 s and about 520 MB to load, so one copy serves the process and loads on first use.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

_NOUNS = ("NNG", "NNP", "XR", "SL", "SH")
_MARKS = ("SN", "W_URL", "W_SERIAL", "W_EMAIL")
_VERBS = ("VV", "VA")
_FORMULAIC = frozenset(
    list("하되있없알싶주받가오보말묻물들이것수때등및좀저제나내뭐거") + ["그것", "이것"]
)
_LOCK = threading.Lock()
_NOT_TEXT = re.compile(r"[^0-9A-Za-z가-힣]+")


@dataclass(frozen=True, slots=True)
class Words:
    """What one sentence is made of: `content` morphemes (in order, repeated) and its `nouns`."""

    content: tuple[str, ...]
    nouns: tuple[str, ...]


@cache
def _load() -> Any:
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1)


_source: list[Callable[[], Any]] = [_load]


def use(source: Callable[[], Any]) -> None:
    """Take the analyser from `source` from now on: two rooms of one process then share one."""
    _source[0] = source


def analyser() -> Any:
    """Return the process's one `kiwipiepy.Kiwi`; the first call loads it."""
    with _LOCK:
        return _source[0]()


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[tuple[str, str], ...]:
    """Return the morphemes of `text` in order, each with its tag (세종 tag set)."""
    return tuple((t.form, t.tag.split("-")[0]) for t in analyser().tokenize(text))


@lru_cache(maxsize=4096)
def words(text: str) -> Words:
    """Split `text` into content morphemes: nouns, numerals, verb and adjective stems."""
    content: list[str] = []
    nouns: list[str] = []
    for found, tag in tokens(text):
        form = found.lower()
        if tag in _NOUNS or tag in _MARKS:
            content.append(form)
            if tag in _NOUNS and len(form) > 1 and form not in _FORMULAIC:
                nouns.append(form)
        elif tag in _VERBS and form not in _FORMULAIC:
            content.append(form)
    return Words(tuple(content), tuple(nouns))


def squeeze(text: str) -> str:
    """Return `text` in lower case without spaces and punctuation, its letters in plain form."""
    return _NOT_TEXT.sub("", unicodedata.normalize("NFKC", text)).lower()


def grams(text: str, sizes: tuple[int, ...] = (2, 3)) -> list[str]:
    """Return the character n-grams of `text` without spaces: they survive slips and odd spacing."""
    plain = squeeze(text)
    return [plain[i : i + n] for n in sizes for i in range(len(plain) - n + 1)]


def jamo(text: str, sizes: tuple[int, ...] = (3, 4, 5)) -> list[str]:
    """Return the n-grams of `text`'s consonants and vowels (NFD), without spaces.

    A syllable that was misheard or mistyped still shares most of them: "기초영금", "기초연금".
    """
    plain = unicodedata.normalize("NFD", squeeze(text))
    return [plain[i : i + n] for n in sizes for i in range(len(plain) - n + 1)]
