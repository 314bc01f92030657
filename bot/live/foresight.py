"""Thinking ahead: what was probably asked is answered while the pause after it is not certain."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import structlog

from bot.knowledge.types import Answer, Context

Answers = Callable[[str, Context], Answer]
Found = Future[tuple[Context, Answer]]

log = structlog.get_logger(__name__)


class Foresight:
    """One conversation's. `answer` thinks, without consequences; `context` is what it knows.

    `look` is called by the conversation's thread, `answer` by any other one.
    """

    def __init__(
        self,
        answer: Answers,
        context: Callable[[], Context],
        work: Callable[[Callable[[], None]], object],
    ) -> None:
        self._answer, self._context, self._work = answer, context, work
        self._ahead: tuple[str, Found] = ("", Future())

    def look(self, text: str) -> None:
        """Think about `text`, unless it is what was thought about last."""
        if not text or text == self._ahead[0]:
            return
        found: Found = Future()

        def think() -> None:
            try:
                context = self._context()
                found.set_result((context, self._answer(text, context)))
            except Exception as error:
                # It is thought about again when it is certain; what fails then is told.
                log.exception("foresight_failed")
                found.set_exception(error)

        self._ahead = (text, found)
        self._work(think)

    def answer(self, text: str) -> Answer:
        """Return the answer to `text`, the one found ahead where nothing has changed since."""
        context = self._context()
        asked, found = self._ahead
        if asked and text == asked and found.exception() is None:
            known, answer = found.result()
            if known == context:
                return answer
        return self._answer(text, context)
