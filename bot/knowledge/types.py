"""The values that pass between knowledge and conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    CLARIFIED = "clarified"
    REFUSED = "refused"
    HANDED_OVER = "handed_over"
    NOT_HEARD = "not_heard"


@dataclass(frozen=True, slots=True)
class Article:
    """A unit of public knowledge. `answer` is spoken: at most three plain sentences."""

    id: str
    title: str
    questions: tuple[str, ...]
    answer: str
    next_step: str
    documents: tuple[str, ...]
    contact_name: str
    contact_number: str
    source_name: str
    source_url: str
    checked: date
    topic: str = ""
    keywords: tuple[str, ...] = ()
    body: str = ""
    """Longer official text for imported articles; searched, and cut down to be spoken."""
    origin: str = "silverline"


@dataclass(frozen=True, slots=True)
class Context:
    """What the conversation so far brings to a question: the newest first."""

    article_ids: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """Article ids offered as "one" and "two" in the turn before."""
    last_answer: str = ""
    warned: bool = False
    """An abusive turn has been answered with a warning already."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that retrieval found, with its score in [0, 1]."""

    article: Article
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say, and why. `text` is what is spoken; `lines` is the answer in three lines."""

    outcome: Outcome
    text: str
    article: Article | None = None
    score: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    choices: tuple[str, ...] = ()
    act: str = ""
    """Dialogue act: `repeat`, `slower`, `emergency`, `goodbye`, … ; empty for a plain question."""
    contact_name: str = ""
    contact_number: str = ""
    lines: tuple[str, ...] = field(default=())
    end: bool = False
    """The conversation ends after this answer."""
