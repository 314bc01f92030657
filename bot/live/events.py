"""What happens in a live conversation, and a question whose answer is on its way."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from bot.knowledge.types import Answer
from bot.live.listening import Recognised, Said
from bot.live.speaking import Broken, Made
from bot.live.turns import Asked
from media.types import FloatArray


@dataclass(frozen=True, slots=True)
class Thought:
    """The answer to question `number`, which took from `began` to `ended`."""

    number: int
    asked: Asked
    answer: Answer
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Key:
    """A telephone key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """A piece was heard in full."""

    mark: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The person has gone."""

    reason: str


Event = FloatArray | Recognised | Thought | Made | Broken | Key | Played | HungUp


@dataclass
class Pending:
    """A question whose answer is on its way: thought about, then spoken."""

    asked: Asked
    said: Said | None
    begun: float
    answer: Answer | None = None
    thinking: tuple[float, float] = (0.0, 0.0)
    turn: Future[int] | None = None
    """Its turn's id, as soon as it is stored."""
    filled: int = 0
    """Fillers that were said meanwhile."""
