"""The call server of the settings in force: engines, exchange, and its web interface."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from threading import Event

import cv2
import structlog

from bot.calls.call import Conversation
from bot.calls.codecs import use_quick_encoders
from bot.calls.exchange import Exchange
from bot.calls.records import Records
from bot.calls.server import serve
from bot.calls.summary import ways_of
from bot.channels.links import Links
from bot.live.ahead import prepare
from bot.live.engine import LiveConversation
from bot.live.house import LiveHouse
from bot.live.seats import Seats
from bot.live.transport import Caller, Speaker, Transport
from bot.settings import Settings
from media.face.live_choice import LiveFaces
from media.speak.frontend import sentences

GREETING = "안녕하세요, 저는 AI 상담사예요. 무엇이 궁금하세요? 편하게 말씀해 주세요."
MODEL_THREADS = 16
NICENESS = 2
THREADS_A_CALL = 4
"""Drawing, encoding twice, and hearing may be busy at once."""

log = structlog.get_logger(__name__)


def _give_way() -> None:
    """Let pictures and sound go first on this thread's core: what thinks may be a little later."""
    if sys.platform == "linux":
        here = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, here) + NICENESS
        os.setpriority(os.PRIO_PROCESS, here, min(nice, 19))


def _load(house: LiveHouse, faces: LiveFaces) -> None:
    """Load every model, see which face this machine keeps up with, speak the greeting once."""
    house.warm_up()
    shown = faces.choose()
    log.info("face_chosen", **asdict(shown))
    for sentence in sentences(GREETING):
        house.engines.voice.speak(sentence)


class SeatedRecords(Records):
    """Records that give a conversation's seat back when its call is over."""

    def __init__(self, house: LiveHouse, ways: Collection[str] = ()) -> None:
        super().__init__(house.sessions, house.files, ways)
        self._seats = house.seats

    def end(self, key: str, ending: str) -> None:
        """Store that a call is over; its seat is free."""
        self._seats.leave(key)
        super().end(key, ending)


async def run(settings: Settings, listening: Callable[[str], None]) -> None:
    """Warm up, then serve calls until told to stop. MediaError where an engine cannot work."""
    house = replace(
        LiveHouse.of(settings),
        # They tell those who speak ahead that somebody calls; the exchange says how many may.
        seats=Seats(2 * settings.call.most_calls),
        work=ThreadPoolExecutor(MODEL_THREADS, "live", initializer=_give_way),
    )
    faces = LiveFaces(house.engines.persona.face, settings.call.wav2lip_speed)
    # Calls are what goes on at once; a picture on several threads only waits for itself.
    cv2.setNumThreads(1)
    use_quick_encoders()
    # Threads that models start inherit their politeness from the one that loads them.
    with ThreadPoolExecutor(1, "load", initializer=_give_way) as loader:
        loader.submit(_load, house, faces).result()
    threads = THREADS_A_CALL * settings.call.most_calls + (os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads, "call")
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(threads, "encode"))

    def begin(caller: Caller, transport: Transport) -> Conversation:
        house.seats.promise(caller.session)
        house.seats.take(caller.session)
        transport.caption(Speaker.COUNSELLOR, GREETING)
        return LiveConversation(house, caller, transport, GREETING)

    exchange = Exchange(
        settings.call,
        faces.open,
        begin,
        SeatedRecords(house, ways_of(settings)),
        pool,
        faces.shown,
    )
    stop = Event()
    ahead = pool.submit(prepare, house, stop)
    try:
        await serve(settings.call, exchange, Links.of(settings), listening)
    finally:
        stop.set()
        await asyncio.wrap_future(ahead)
        pool.shutdown()
        faces.close()
        house.close()
