"""The calls of one process: who may call, how many at once, and how they all end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

import structlog

from bot.calls.call import Conversation, Ending, Patience, VideoCall
from bot.calls.offers import BadOfferError, Offer
from bot.live.transport import Caller, Transport
from bot.sections import Call
from media.face.live import LiveFace
from media.face.live_choice import DRAWN, Shown
from media.types import Frame

MOST_REMEMBERED = 10_000
"""Callers whose last attempts are remembered."""
MINUTE = 60.0
UNASKED = Shown(DRAWN, "")
WIND_UP_SECONDS = 20.0
"""How long a conversation is waited for that still stores its last question."""

log = structlog.get_logger(__name__)


class BusyError(Exception):
    """No call can be taken now: every place is taken, or the server is about to stop."""


class TooOftenError(Exception):
    """The same person called too often within a minute."""


class Records(Protocol):
    """What is kept of calls (`bot.calls.records.Records`). Methods may take a while."""

    def begin(self, person: str, key: str, offer: Offer) -> Caller:
        """Note that a call of `person` begins."""
        ...

    def picture(self, key: str, frame: Frame) -> None:
        """Keep a picture of a caller who agreed to it."""
        ...

    def end(self, key: str, ending: str) -> None:
        """Note that a call is over."""
        ...


class Exchange:
    """Takes offers and keeps the calls that come of them. Used on one event loop."""

    def __init__(
        self,
        settings: Call,
        face: Callable[[int], LiveFace],
        begin: Callable[[Caller, Transport], Conversation],
        records: Records,
        pool: Executor,
        shown: Shown = UNASKED,
    ) -> None:
        """`shown` says which face calls get, for whoever asks whether the server is ready."""
        self.shown = shown
        self._settings, self._face, self._begin = settings, face, begin
        self._records, self._pool = records, pool
        self._calls: dict[str, VideoCall] = {}
        self._coming = 0
        self._by_person: dict[str, str] = {}
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._work: set[asyncio.Future[None]] = set()
        self._taken = 0
        self.draining = False

    @property
    def calls(self) -> list[VideoCall]:
        """The calls that go on."""
        return list(self._calls.values())

    @property
    def free(self) -> int:
        """How many more calls can be taken now."""
        if self.draining:
            return 0
        return max(0, self._settings.most_calls - len(self._calls) - self._coming)

    async def take(self, person: str, offer: Offer) -> tuple[str, str]:
        """Take a checked offer of `person`; return the call's key and the answer's SDP.

        BusyError, TooOftenError, or BadOfferError where it turns out to be none. A call of the
        same person that still goes on is ended: they have lost it and call again.
        """
        self._count(person)
        before = self._calls.get(self._by_person.get(person, ""))
        if before is not None:
            await before.end(Ending.REPLACED)
        if not self.free:
            raise BusyError
        self._coming += 1
        try:
            return await self._answered(person, offer)
        finally:
            self._coming -= 1

    async def drain(self, seconds: float) -> None:
        """Take no more calls; wait `seconds` for those that go on, then end them."""
        self.draining = True
        end = time.monotonic() + seconds
        while self._calls and time.monotonic() < end:
            await asyncio.sleep(0.1)
        for call in self.calls:
            await call.end(Ending.STOPPED)
        while self._work:
            await asyncio.wait(set(self._work))

    async def _answered(self, person: str, offer: Offer) -> tuple[str, str]:
        key = uuid.uuid4().hex
        loop = asyncio.get_running_loop()
        caller = await loop.run_in_executor(self._pool, self._records.begin, person, key, offer)
        settings = self._settings
        self._taken += 1
        call = VideoCall(
            key,
            self._face(self._taken),
            self._pool,
            lambda transport: self._begin(caller, transport),
            lambda ended: self._over(person, ended),
            Patience(
                settings.connect_seconds, settings.idle_seconds, settings.longest_minutes * 60
            ),
            (lambda frame: self._records.picture(key, frame)) if offer.pictures else None,
            settings.stun_urls,
        )
        self._calls[key] = call
        self._by_person[person] = key
        try:
            sdp = await call.answer(offer)
        except BadOfferError:
            await call.end(Ending.REFUSED)
            raise
        if call.ending is not None:
            # The same person has called anew in the meantime.
            raise TooOftenError
        log.info("call_taken", call=key, going_on=len(self._calls))
        return key, sdp

    def _over(self, person: str, call: VideoCall) -> None:
        self._calls.pop(call.key, None)
        if self._by_person.get(person) == call.key:
            del self._by_person[person]
        ending = call.ending.value if call.ending is not None else ""

        def close() -> None:
            if not call.wound_up(WIND_UP_SECONDS):
                log.warning("conversation_goes_on", call=call.key)
            self._records.end(call.key, ending)

        work = asyncio.get_running_loop().run_in_executor(self._pool, close)
        self._work.add(work)
        work.add_done_callback(self._work.discard)

    def _count(self, person: str) -> None:
        moment = time.monotonic()
        tries = self._tries.setdefault(person, deque(maxlen=self._settings.offers_a_minute))
        self._tries.move_to_end(person)
        while len(self._tries) > MOST_REMEMBERED:
            self._tries.popitem(last=False)
        if len(tries) == tries.maxlen and moment - tries[0] < MINUTE:
            raise TooOftenError
        tries.append(moment)
