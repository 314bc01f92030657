"""The word lists of `words.toml`, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("words.toml")


@dataclass(frozen=True, slots=True)
class Words:
    """What signs, letters and units are called; `words.toml` says what each list is for."""

    native_limits: Mapping[str, int]
    sino: frozenset[str]
    context: Mapping[str, tuple[str, ...]]
    short_phones: frozenset[str]
    before_phones: tuple[str, ...]
    after_phones: tuple[str, ...]
    letters: Mapping[str, str]
    latin: Mapping[str, str]
    units: Mapping[str, str]
    currencies: Mapping[str, str]
    signs: Mapping[str, str]
    hanja: Mapping[str, str]


@lru_cache(maxsize=1)
def words() -> Words:
    """Return the word lists."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    counters, phones = table["counters"], table["phones"]
    limits = dict.fromkeys(counters["native"].split(), 99) | counters["limits"]
    return Words(
        native_limits=limits,
        sino=frozenset(counters["sino"].split()),
        context={name: tuple(line.split()) for name, line in table["context"].items()},
        short_phones=frozenset(phones["short"].split()),
        before_phones=tuple(phones["before"].split()),
        after_phones=tuple(phones["after"].split()),
        letters=table["letters"],
        latin=table["latin"],
        units=table["units"],
        currencies=table["currencies"],
        signs=table["signs"],
        hanja={char: sound for sound, chars in table["hanja"].items() for char in chars},
    )


def longest_first(names: Iterable[str]) -> list[str]:
    """Return `names` with the longest first, as alternatives of a pattern need them."""
    return sorted(names, key=len, reverse=True)
