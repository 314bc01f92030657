"""What Kokoro learnt for Korean: a token for every Korean sound, and two speakers.

Kokoro's letters come from languages it was trained on; a Korean sound is none of them exactly.
So every sound has tokens of its own, which follow the published ones: each starts from the letter
that is nearest and is moved by what `benchmarks/fit_korean.py` found, as are the speakers' styles.
`korean.npz` holds these differences; the published weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from media.speak.phonemes import Sound, vocabulary
from media.types import FloatArray

PUBLISHED = 178
"""Tokens of the published network; Korean ones are numbered from here."""
SPEAKERS = {"korean_woman": ("jf_gongitsune", "woman"), "korean_man": ("jm_kumo", "man")}
"""Style → the packaged style that it starts from, and its difference in the file."""
FILE = resources.files("media") / "speak" / "korean.npz"


@dataclass(frozen=True, slots=True)
class Learnt:
    """`names` of k tokens, the published token that each starts from, and the differences.

    `letters` (k,), `content` (k, 512) and `prosody` (k, 128) on the network's two embeddings;
    `speakers`: name → (256,) on the style.
    """

    names: tuple[str, ...]
    letters: NDArray[np.int64]
    content: FloatArray
    prosody: FloatArray
    speakers: dict[str, FloatArray]


@cache
def learnt() -> Learnt:
    """Return what was learnt, from the file beside this module."""
    with FILE.open("rb") as file, np.load(file) as table:
        return Learnt(
            tuple(map(str, table["names"])),
            table["letters"].astype(np.int64),
            table["content"].astype(np.float32),
            table["prosody"].astype(np.float32),
            {name: table[name].astype(np.float32) for name in ("woman", "man")},
        )


def names_of(sound: Sound, first: bool) -> tuple[str, ...]:
    """Return the names of a sound's tokens; `first` says that it begins a word."""
    place = ("^" if first else "") + sound.symbol + ("_" if sound.kind == "coda" else "")
    return tuple(f"{place}:{number}" for number in range(len(sound.tokens)))


def tokens_of(sound: Sound, first: bool) -> tuple[int, ...]:
    """Return the token ids that say `sound`; a published one where none was learnt."""
    return tuple(
        _id(name, letter) for name, letter in zip(names_of(sound, first), sound.tokens, strict=True)
    )


def mark(letter: str) -> int:
    """Return the token id of a mark, or of the gap between words."""
    return _id(letter, letter)


def published(ids: Sequence[int]) -> list[int]:
    """Return `ids` with every Korean token as the published one that it starts from."""
    letters = learnt().letters
    return [int(letters[one - PUBLISHED]) if one >= PUBLISHED else one for one in ids]


def _id(name: str, letter: str) -> int:
    known = _ids()
    found = known.get(name, known.get(name.removeprefix("^")))
    return vocabulary()[letter] if found is None else found


@cache
def _ids() -> dict[str, int]:
    return {name: PUBLISHED + number for number, name in enumerate(learnt().names)}
