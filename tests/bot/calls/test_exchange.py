"""Calls through WebRTC itself, from the offer to every way in which they end."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from bot.calls.exchange import BusyError, Exchange, TooOftenError
from bot.calls.offers import BadOfferError, Offer, read_offer
from bot.live.transport import Caller as Person
from bot.live.transport import Transport
from bot.sections import Call
from media.face.counsellor import Counsellor
from media.face.live import live_face
from tests.bot.calls.caller import RATE, Caller
from tests.bot.calls.received import Received, openness_of
from tests.bot.calls.scripted import NoRecords, Scripted
from tests.bot.calls.test_offers import body as offer_body


@dataclass
class Desk:
    """An exchange of scripted conversations."""

    pool: ThreadPoolExecutor
    face: Counsellor
    records: NoRecords = field(default_factory=NoRecords)
    conversations: list[Scripted] = field(default_factory=list)
    seconds: float = 1.5

    def open(self, **settings: Any) -> Exchange:
        def begin(caller: Person, transport: Transport) -> Scripted:
            self.conversations.append(Scripted(caller, transport, self.seconds))
            return self.conversations[-1]

        return Exchange(
            Call(**({"offers_a_minute": 100} | settings)),
            lambda number: live_face(self.face, number),
            begin,
            self.records,
            self.pool,
        )


@pytest.fixture(scope="module")
def face() -> Counsellor:
    made = Counsellor(size=512)
    made.warm_up()
    return made


@pytest.fixture
def desk(face: Counsellor) -> Iterator[Desk]:
    with ThreadPoolExecutor(8) as pool:
        yield Desk(pool, face)


async def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.02)


async def called(exchange: Exchange, sound: np.ndarray, person: str = "1", **more: Any) -> Caller:
    caller = Caller(sound, camera=more.pop("pictures", False), **more)
    offer = Offer(await caller.offer(), record=True, pictures=bool(caller.peer.getSenders()[1:]))
    _, sdp = await exchange.take(person, offer)
    await caller.take(sdp)
    await until(lambda: caller.sounds)
    return caller


def question(lead: float, seconds: float = 1.0) -> np.ndarray:
    tone = 0.3 * np.sin(np.arange(round(seconds * RATE)) / 12)
    return np.concatenate([np.zeros(round(lead * RATE)), tone]).astype(np.float32)


SILENCE = np.zeros(0, np.float32)


def run(work: Awaitable[None]) -> None:
    async def all_of_it() -> None:
        before = len(asyncio.all_tasks())
        await work
        await until(lambda: len(asyncio.all_tasks()) <= before + 1)

    asyncio.run(all_of_it())


def test_a_call_is_answered_and_ended_by_the_caller(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, question(2.6))
        await until(lambda: any(one.get("who") == "person" for one in caller.told))
        await until(lambda: "answer1" in desk.conversations[0].marks)
        caller.tell({"type": "bye"})
        await until(lambda: not exchange.calls)
        await exchange.drain(0)
        await caller.hang_up()
        moods = [one["mood"] for one in caller.told if one["type"] == "mood"]
        assert moods == ["speaking", "listening", "thinking", "speaking", "listening"]

    run(call())
    conversation = desk.conversations[0]
    assert conversation.caller.address == "person:1"
    assert conversation.caller.keep
    assert conversation.gone == ["hung up"]
    assert list(desk.records.ended.values()) == ["hung up"]
    heard = np.concatenate(conversation.sound)
    assert heard.dtype == np.float32
    assert 0.15 < np.abs(heard).max() < 0.5


def test_lips_are_in_step_with_the_sound(desk: Desk) -> None:
    desk.seconds = 5.0

    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, SILENCE)
        await until(lambda: desk.conversations[0].marks)
        await caller.hang_up()
        await until(lambda: not exchange.calls)
        await exchange.drain(0)
        pictures, sounds = caller.pictures, np.array(caller.sounds)
        assert pictures[0][1].shape == (512, 512, 3)
        seen = np.array([at for at, _ in pictures]) + 0.02
        openness = np.array([openness_of(picture) for _, picture in pictures])
        # The decoder's clocks begin at random: both ends began at the call's own zero.
        got = Received(seen - pictures[0][0], openness, sounds[:, 0] - sounds[0, 0], sounds[:, 1])
        offset, likeness = got.offset()
        assert abs(offset) <= 0.04
        assert likeness > 0.8

    run(call())


def test_speaking_into_an_answer_stops_it(desk: Desk) -> None:
    desk.seconds = 8.0

    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, question(2.0, 0.6))
        await until(lambda: desk.conversations[0].cuts)
        cut = desk.conversations[0].cuts[0]
        assert cut is not None
        assert cut.mark == "greeting"
        await caller.hang_up()
        await until(lambda: not exchange.calls)
        await exchange.drain(0)

    run(call())


def test_keys_are_taken_and_nonsense_is_ignored(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, SILENCE)
        await until(lambda: caller.line.readyState == "open")
        for message in ("no json", "[]", "[" * 300, '{"type": "key", "key": "9"}', "x" * 500):
            caller.tell(message)
        caller.line.send(b"\0\1")
        for key in ("again", "slower", "human"):
            caller.tell({"type": "key", "key": key})
        await until(lambda: len(desk.conversations[0].keys) == 3)
        assert desk.conversations[0].keys == ["*", "7", "0"]
        await until(lambda: {"type": "ended", "after": "human"} in caller.told)
        await until(lambda: not exchange.calls)
        await exchange.drain(0)
        await caller.hang_up()

    run(call())
    assert list(desk.records.ended.values()) == ["the counsellor ended it"]


def test_a_flood_of_messages_is_not_read(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, SILENCE)
        await until(lambda: caller.line.readyState == "open")
        for _ in range(200):
            caller.tell({"type": "key", "key": "again"})
        await asyncio.sleep(0.5)
        assert len(desk.conversations[0].keys) <= 20
        await caller.hang_up()
        await until(lambda: not exchange.calls)
        await exchange.drain(0)

    run(call())


def test_pictures_are_kept_of_those_who_agree(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, SILENCE, pictures=True)
        await until(lambda: desk.records.pictures)
        await caller.hang_up()
        await until(lambda: not exchange.calls)
        await exchange.drain(0)

    run(call())
    assert desk.records.pictures[0].shape == (120, 160, 3)


def test_sound_alone_is_a_call_too(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, SILENCE, picture=False)
        await until(lambda: desk.conversations[0].marks)
        assert not caller.pictures
        await caller.hang_up()
        await until(lambda: not exchange.calls)
        await exchange.drain(0)

    run(call())


def test_a_caller_who_never_comes_is_given_up(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open(connect_seconds=0.3)
        caller = Caller(SILENCE)
        await exchange.take("1", Offer(await caller.offer(), False, False))
        await until(lambda: not exchange.calls)
        await exchange.drain(0)
        await caller.hang_up()

    run(call())
    assert list(desk.records.ended.values()) == ["no connection"]
    assert not desk.conversations[0].marks


def test_a_caller_who_vanishes_is_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def call() -> None:
        exchange = desk.open(idle_seconds=0.6)
        caller = await called(exchange, SILENCE)

        async def nothing(*packet: Any) -> None:
            return

        # The line goes dead without a word: nothing is sent any more.
        for sender in caller.peer.getSenders():
            monkeypatch.setattr(sender.transport, "_send_rtp", nothing)
        await until(lambda: not exchange.calls)
        await exchange.drain(0)
        await caller.hang_up()

    run(call())
    assert list(desk.records.ended.values()) == ["vanished"]


def test_no_call_goes_on_for_ever(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open(longest_minutes=0.02)
        caller = await called(exchange, SILENCE)
        await until(lambda: not exchange.calls)
        await exchange.drain(0)
        await caller.hang_up()

    run(call())
    assert list(desk.records.ended.values()) == ["too long"]


def test_places_rates_and_the_newer_call(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open(most_calls=1, offers_a_minute=3)
        first = await called(exchange, SILENCE, "1")
        assert exchange.free == 0
        other = Caller(SILENCE)
        with pytest.raises(BusyError):
            await exchange.take("2", Offer(await other.offer(), False, False))
        again = await called(exchange, SILENCE, "1")
        assert len(exchange.calls) == 1
        await until(first.closed.is_set)
        with pytest.raises(BusyError):
            await exchange.take("2", Offer(await other.offer(), False, False))
        for _ in range(1):
            with pytest.raises(BadOfferError):
                await exchange.take("1", Offer("v=0\r\n", False, False))
        with pytest.raises(TooOftenError):
            await exchange.take("1", Offer("v=0\r\n", False, False))
        for caller in (first, again, other):
            await caller.hang_up()
        await until(lambda: not exchange.calls)
        await exchange.drain(0)

    run(call())
    assert sorted(desk.records.ended.values())[-1] == "the offer could not be taken"


def test_hostile_and_vanishing_callers_leave_nothing(desk: Desk) -> None:
    rng = random.Random(5)

    def damaged(sdp: str) -> str:
        at = rng.randrange(len(sdp))
        return sdp[:at] + rng.choice(["", "=", "m=", "a=candidate:", "9" * 20]) + sdp[at + 20 :]

    async def call() -> None:
        exchange = desk.open(connect_seconds=0.5, most_calls=3, offers_a_minute=1000)
        maker = Caller(SILENCE)
        good = await maker.offer()
        await maker.hang_up()

        async def offered(number: int) -> str:
            text = good if number % 2 else damaged(good)
            try:
                await exchange.take(str(number % 4), read_offer(offer_body(text)))
            except (BadOfferError, BusyError, TooOftenError) as error:
                return type(error).__name__
            return "taken"

        async def settled() -> tuple[int, int]:
            await until(lambda: not exchange.calls)
            await asyncio.sleep(0.3)
            return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())

        await asyncio.gather(*(offered(n) for n in range(8)))
        before = await settled()
        outcomes: list[str] = []
        for _ in range(4):
            outcomes += await asyncio.gather(*(offered(n) for n in range(10)))
        after = await settled()
        assert after == before
        assert {"taken", "BadOfferError"} <= set(outcomes)
        await exchange.drain(0)

    run(call())
    assert len(desk.records.ended) == len(desk.records.begun)


def test_draining_takes_no_more_and_ends_the_rest(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, SILENCE)
        draining = asyncio.ensure_future(exchange.drain(0.5))
        await asyncio.sleep(0.1)
        assert exchange.free == 0
        with pytest.raises(BusyError):
            await exchange.take("2", Offer("", False, False))
        assert len(exchange.calls) == 1
        await draining
        assert not exchange.calls
        await caller.hang_up()

    run(call())
    assert list(desk.records.ended.values()) == ["the server stops"]


def test_a_drain_ends_when_the_last_caller_has_gone(desk: Desk) -> None:
    async def call() -> None:
        exchange = desk.open()
        caller = await called(exchange, SILENCE)
        draining = asyncio.ensure_future(exchange.drain(60))
        await caller.hang_up()
        await asyncio.wait_for(draining, 20)

    run(call())
    assert list(desk.records.ended.values()) == ["hung up"]
