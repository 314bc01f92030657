"""How many live conversations fit: a seat is promised, taken once, and given back."""

from __future__ import annotations

import threading
import time

PROMISE_SECONDS = 30.0
"""A seat that is not taken by then is free again."""


class Seats:
    """The seats of this process; safe to share by threads."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._lock = threading.Lock()
        self._promised: dict[str, float] = {}
        self._taken: set[str] = set()

    @property
    def taken(self) -> int:
        """Conversations that go on now."""
        return len(self._taken)

    def promise(self, name: str) -> bool:
        """Keep a seat for the conversation `name`; False where there is none."""
        with self._lock:
            moment = time.monotonic()
            self._promised = {n: end for n, end in self._promised.items() if end > moment}
            if name in self._taken:
                return False
            if name not in self._promised and (
                len(self._taken) + len(self._promised) >= self.capacity
            ):
                return False
            self._promised[name] = moment + PROMISE_SECONDS
            return True

    def take(self, name: str) -> bool:
        """Take the seat that was promised to `name`, once; False where none was."""
        with self._lock:
            end = self._promised.pop(name, 0.0)
            if end <= time.monotonic() or name in self._taken:
                return False
            self._taken.add(name)
            return True

    def leave(self, name: str) -> None:
        """Give the seat back."""
        with self._lock:
            self._taken.discard(name)
