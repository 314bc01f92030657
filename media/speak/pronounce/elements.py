"""The word parts of `elements.toml`, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

Words = frozenset[str]
_FILE = Path(__file__).with_name("elements.toml")


@dataclass(frozen=True, slots=True)
class Elements:
    """Classes of word parts; the file says what each is for."""

    insert_native: Words
    insert_work: Words
    insert_words: Words
    insert_suffixes: Words
    insert_heads: Words
    insert_verbs: Words
    level_firsts: Words
    level_seconds: Words
    flap_suffixes: Words
    tense_seconds: Words
    tense_heads: Words
    tense_tails: Words
    tense_stems: Words
    tense_suffixes: Mapping[str, Words]
    own_siot: Words
    siot_words: Words
    prefixes: Words
    sino_first: Words
    sino_second: Words
    sino_last: Words


@lru_cache(maxsize=1)
def elements() -> Elements:
    """Return the parts that the sound rules depend on."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    insertion, levelled, tense, sino = (
        table[name] for name in ("insertion", "levelled", "tense", "sino")
    )
    return Elements(
        insert_native=_words(insertion["native"]),
        insert_work=_words(insertion["work"]),
        insert_words=_words(insertion["words"]),
        insert_suffixes=_words(insertion["suffixes"]),
        insert_heads=_words(insertion["heads"]),
        insert_verbs=_words(insertion["verbs"]),
        level_firsts=_words(levelled["firsts"]),
        level_seconds=_words(levelled["seconds"]),
        flap_suffixes=_words(table["flap"]["suffixes"]),
        tense_seconds=_words(tense["seconds"]),
        tense_heads=_words(tense["heads"]),
        tense_tails=_words(tense["tails"]),
        tense_stems=_words(tense["stems"]),
        tense_suffixes={key: _words(value) for key, value in tense["suffixes"].items()},
        own_siot=_words(table["saisiot"]["own"]),
        siot_words=_words(table["saisiot"]["closed"]),
        prefixes=_words(table["prefixes"]["words"]),
        sino_first=_words(sino["first"]),
        sino_second=_words(sino["second"]),
        sino_last=_words(sino["last"]),
    )


def _words(line: str) -> Words:
    return frozenset(line.split())
