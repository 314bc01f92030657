"""The steps of a turn on this process's engines."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path

from bot.conversation import steps
from bot.conversation.engines import Engines, engines
from bot.conversation.parts import Rendered
from bot.knowledge.types import Answer, Context
from bot.settings import Settings
from media.types import Manner, Speech, Transcript

SLOWER = Manner(rate=0.8)
"""The manner of an answer that was asked for again, slower."""


def manner_of(act: str) -> Manner:
    """Return how an answer to the dialogue act `act` is said."""
    return SLOWER if act == "slower" else Manner()


class EngineSteps:
    """`bot.conversation.parts.Steps` on engines that load when a step first needs them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._voice = threading.Lock()

    @cached_property
    def _engines(self) -> Engines:
        return engines(self._settings)

    def hear(self, recording: Path) -> Transcript:
        """Return what is said in `recording`; MediaError where the file cannot be used."""
        return steps.hear(self._engines, recording)

    def think(self, question: str, context: Context) -> Answer:
        """Return the answer to `question`."""
        return steps.think(self._engines, question, context)

    def not_heard(self, transcript: Transcript) -> Answer:
        """Return the request to say it again, for a `transcript` without words."""
        return steps.not_heard(self._engines, transcript)

    def voice(self, answer: Answer) -> Speech:
        """Return `answer` spoken by the persona; of several threads one after the other."""
        # A voice's network computes one thing at a time.
        with self._voice:
            return steps.voice(self._engines, answer, manner_of(answer.act))

    def render(self, speech: Speech, out: Path, poster: Path, title: str) -> Rendered:
        """Write the video of `speech` to `out` and its picture to `poster`."""
        return steps.render(self._engines, speech, out, poster, title)
