"""What every face engine offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from media.types import Frame, Speech


class Face(Protocol):
    """A face engine with one persona's face. Built without loading; loads on first use."""

    version: str
    size: tuple[int, int]
    """(width, height) of its frames in pixels."""

    def speaking(self, speech: Speech, tail: float = 0.4) -> Iterator[Frame]:
        """Yield 25 frames a second that go with `speech`, then `tail` seconds of rest."""
        ...

    def listening(self, seconds: float) -> Iterator[Frame]:
        """Yield frames of the face while it listens: eyes on the viewer, small nods, blinks."""
        ...

    def warm_up(self) -> None:
        """Load what the first frame needs."""
        ...
