"""Which classes of words a question holds: fire, breath, a stranger, harm by kin, a plain request.

The classes lie in rules/signs.toml. They show the classifier what a sentence vector blurs: "an old
man burns rubbish" and "the old man's house burns" are near each other in meaning.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.morphemes import squeeze
from bot.knowledge.rules import table

Floats = NDArray[np.float32]
_HARMLESS = re.compile("|".join(table("safety")["not_emergency"]["harmless"]))
_SIGNS = {name: re.compile(words) for name, words in table("signs")["signs"].items()}
_CALM = frozenset({"asks", "by_habit", "leisure", "before", "kind_deed", "things"})
_DEED = frozenset({"hit", "neglect", "locked", "purse", "insult", "snatch"})
_MOST = 4
NAMES = (*_SIGNS, "of_danger", "kin_and_deed", "danger_and_now", "danger_without_request")


def signs(text: str) -> Floats:
    """Return, for each of NAMES, how far `text` shows it, in [0, 1], shape (len(NAMES),)."""
    plain = _HARMLESS.sub("", squeeze(text))
    found = {name for name, rule in _SIGNS.items() if rule.search(plain)}
    danger = len(found - _CALM - {"kin", "now", "asks"})
    values = [float(name in found) for name in _SIGNS]
    values += [
        min(danger, _MOST) / _MOST,
        float("kin" in found and bool(found & _DEED)),
        float(danger > 0 and "now" in found),
        float(danger > 0 and not found & _CALM),
    ]
    return np.array(values, np.float32)
