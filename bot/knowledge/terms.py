"""What a turn is made of, for the intent model: its morphemes, pairs of them, its letters, hashed.

Hashing keeps the model's size fixed: each term owns one of TERMS places, and two terms that share
one do little harm.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.morphemes import squeeze, tokens

Floats = NDArray[np.float32]
TERMS = 8192
WEIGHT = 4.5
"""How much all terms of a turn together weigh beside its signs."""
_ENDINGS = frozenset({"EF", "EC", "IC"})
_LETTERS = (2, 3)


def terms(text: str) -> Floats:
    """Return a vector of length WEIGHT with a part for each term of `text`, shape (TERMS,)."""
    found = np.zeros(TERMS, np.float32)
    for term in _terms(text):
        found[zlib.crc32(term.encode()) % TERMS] = 1.0
    length = float(np.linalg.norm(found))
    return found * np.float32(WEIGHT / length) if length else found


def _terms(text: str) -> set[str]:
    made = tokens(text)
    forms = [form for form, _ in made]
    found = {f"u{form}" for form, tag in made if tag[0] in "NVXSM" or tag in _ENDINGS}
    found |= {f"b{one}_{two}" for one, two in zip(forms, forms[1:], strict=False)}
    if made:
        found.add(f"e{'_'.join(forms[-2:])}")
    letters = f"^{squeeze(text)}$"
    for size in _LETTERS:
        found |= {f"c{letters[i : i + size]}" for i in range(len(letters) - size + 1)}
    return found
