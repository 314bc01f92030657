"""What every recogniser offers."""

from __future__ import annotations

from typing import Protocol

from media.types import Audio, Transcript


class Recogniser(Protocol):
    """A speech recogniser. Built without loading its model; loads on first use."""

    version: str

    def recognise(self, audio: Audio) -> Transcript:
        """Return what is said in `audio` (any rate); `heard` is false where nobody speaks."""
        ...

    def warm_up(self) -> None:
        """Load the model."""
        ...
