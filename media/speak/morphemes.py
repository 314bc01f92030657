"""Kiwi's morphemes: loaded once, on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

_lock = Lock()
_NO_NOUN = -99.0


@dataclass(frozen=True, slots=True)
class Morpheme:
    """A morpheme: its base `form`, its Sejong `tag` and where it stands in the text.

    `form` of an ending may begin with a coda letter (U+11A8–U+11C2) that it shares with the
    syllable before. `end` is exclusive. `known` is false for a guess at an unknown word; `score`
    is the logarithm of its likelihood.
    """

    form: str
    tag: str
    start: int
    end: int
    known: bool
    score: float


@lru_cache(maxsize=1)
def analyser() -> Any:
    """Return the process's `kiwipiepy.Kiwi`; the first call loads it (seconds, 520 MB)."""
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1)


@lru_cache(maxsize=4096)
def morphemes(text: str) -> tuple[Morpheme, ...]:
    """Return the morphemes of `text` in order. The first call loads the model (seconds)."""
    with _lock:
        tokens = analyser().tokenize(text)
    return tuple(
        Morpheme(
            token.form,
            token.tag.split("-")[0],
            token.start,
            token.start + token.len,
            not token.oov,
            token.score,
        )
        for token in tokens
    )


def noun_score(word: str) -> float:
    """Return how likely `word` is as one noun of the dictionary (logarithm); -99 if it is none."""
    found = morphemes(word)
    if len(found) == 1 and found[0].known and found[0].tag in ("NNG", "NNP", "XR", "NNB", "NP"):
        return found[0].score
    return _NO_NOUN


def is_noun(word: str) -> bool:
    """Whether `word` is one noun of the dictionary."""
    return noun_score(word) > _NO_NOUN


def warm_up() -> None:
    """Load the model now."""
    morphemes("안녕하세요")
