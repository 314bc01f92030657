"""Storing the turns of a live conversation beside it: it must not wait for a disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from bot.knowledge.types import Answer, Context
from bot.live.turns import Asked, Took, Turns
from media.errors import MediaError
from media.types import Speech

Kept = TypeVar("Kept")


class Keeper:
    """Stores one after the other, in the order in which it is told. `failed` is told of faults."""

    def __init__(self, turns: Turns, failed: Callable[[Exception], None]) -> None:
        self._turns, self._failed = turns, failed
        self._pool = ThreadPoolExecutor(1, "keep")
        self._stored: Future[int] | None = None

    def store(self, asked: Asked, answer: Answer, took: Sequence[Took]) -> Future[int]:
        """Store question and answer; the result is the turn's id."""
        self._stored = self._begin(lambda: self._turns.store(asked, answer, took))
        return self._stored

    def spoken(
        self,
        turn: Future[int],
        speech: Callable[[], Speech | None],
        heard: str | None,
        took: Sequence[Took],
    ) -> None:
        """Store how the answer of `turn` was heard; `speech` makes the whole of it, if it was."""

        def keep() -> None:
            if turn.exception() is None:
                self._turns.spoken(turn.result(), speech(), heard, took)

        try:
            self._pool.submit(keep).add_done_callback(self._check)
        except RuntimeError:
            # The process ends, and its pools have ended before.
            keep()

    def context(self) -> Context:
        """Return what the conversation so far brings to the next question; on any thread."""
        stored = self._stored
        if stored is not None:
            stored.exception()
        return self._turns.context()

    def close(self) -> None:
        """Wait until everything is stored."""
        self._pool.shutdown()

    def _begin(self, job: Callable[[], Kept]) -> Future[Kept]:
        try:
            done = self._pool.submit(job)
        except RuntimeError:
            # The process is ending, and Python begins no threads' work any more.
            done = Future()
            try:
                done.set_result(job())
            except (MediaError, SQLAlchemyError, OSError) as error:
                done.set_exception(error)
        done.add_done_callback(self._check)
        return done

    def _check(self, done: Future[Any]) -> None:
        error = done.exception()
        if isinstance(error, Exception):
            self._failed(error)
