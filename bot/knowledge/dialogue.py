"""What a turn asks of the conversation itself: again, slower, a human, goodbye, the first choice.

An act is recognised only where the whole turn is one: a question that happens to hold such a word
("천천히 걷기 운동") stays a question.
"""

from __future__ import annotations

from enum import StrEnum

from bot.knowledge.morphemes import squeeze
from bot.knowledge.rules import compiled, table


class Act(StrEnum):
    """Dialogue acts; the value is what `Answer.act` carries."""

    REPEAT = "repeat"
    SLOWER = "slower"
    LOUDER = "louder"
    SIMPLER = "simpler"
    BY_TEXT = "by_text"
    START_OVER = "start_over"
    HUMAN = "human"
    GOODBYE = "goodbye"
    YES = "yes"
    NO = "no"
    ONE = "one"
    TWO = "two"
    GREETING = "greeting"
    THANKS = "thanks"


_RULES = table("dialogue")
_LISTS = _RULES["lists"]
_ACTS = tuple(
    (Act(name), compiled(patterns, _LISTS, before=_LISTS["filler"]))
    for name, patterns in _RULES["acts"].items()
)
LONGEST = 40
"""A turn with more letters than this asks something."""

KEYS = {
    "1": Act.REPEAT, "2": Act.SLOWER, "0": Act.HUMAN, "9": Act.BY_TEXT,
    "8": Act.LOUDER, "*": Act.REPEAT, "#": Act.START_OVER,
}  # fmt: skip
"""Telephone keys and the acts that they stand for."""

CHOICES = {"1": Act.ONE, "2": Act.TWO}
"""The same where a choice was offered."""

WORDS = {
    Act.REPEAT: "다시 말해 주세요",
    Act.SLOWER: "천천히 다시 말해 주세요",
    Act.LOUDER: "크게 말해 주세요",
    Act.HUMAN: "사람 연결해 주세요",
    Act.BY_TEXT: "문자로 보내 주세요",
    Act.START_OVER: "처음부터 다시",
    Act.ONE: "1번",
    Act.TWO: "2번",
}
"""What whoever presses a key would have said."""


def by_key(key: str, choosing: bool = False) -> Act | None:
    """Return the act of a telephone key, None for a key without one.

    `choosing` says that a choice was offered just before.
    """
    return CHOICES.get(key, KEYS.get(key)) if choosing else KEYS.get(key)


def act_of(text: str) -> Act | None:
    """Return the act that `text` as a whole is, None where it is a question."""
    plain = squeeze(text)
    if not plain or len(plain) > LONGEST:
        return None
    for act, pattern in _ACTS:
        if pattern.fullmatch(plain):
            return act
    return None
