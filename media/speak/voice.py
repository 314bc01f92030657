"""What every voice engine offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from media.types import Manner, Speech


class Voice(Protocol):
    """A voice engine with one speaker. Built without loading its model; loads on first use."""

    version: str
    """Names engine, weights and tuning; part of every cache key."""

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        """Return the whole of `text` as one speech. MediaError where it cannot be read."""
        ...

    def stream(self, text: str, manner: Manner = Manner()) -> Iterator[Speech]:
        """Yield `text` clause by clause, the first as early as possible."""
        ...

    def warm_up(self) -> None:
        """Load the model and prepare it, so that the first sentence is as fast as the next."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A voice that knows what it has said before."""

    def known(self, text: str, manner: Manner = Manner()) -> Speech | None:
        """Return `text` as it was said before, at once; None where it never was."""
        ...
