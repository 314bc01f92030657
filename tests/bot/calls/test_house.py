"""The whole call server but for its models: offers over HTTP, the live engine, signals."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import numpy as np
import pytest
from sqlalchemy import select

from bot.calls import house as calls_house
from bot.calls.house import GREETING, run
from bot.channels.links import Links
from bot.conversation.database import sessions
from bot.conversation.engines import Engines
from bot.conversation.files import FileStore
from bot.conversation.models import Person, Turn
from bot.live import engine
from bot.live.house import LiveHouse
from bot.settings import Settings, load_settings
from media.face.counsellor import Counsellor
from tests.bot.calls.caller import Caller
from tests.bot.calls.test_exchange import question, until
from tests.bot.channels.conftest import free_port
from tests.bot.live.conftest import QuickAnswerer, QuickRecogniser, QuickVoice, loud


@pytest.fixture
def settings(tmp_path: Path, tables: Path) -> Settings:
    shutil.copy(tables, tmp_path / "test.db")
    return load_settings(
        app={"data_dir": tmp_path, "secret_key": "key"},
        database={"url": f"sqlite:///{tmp_path}/test.db"},
        files={"url": str(tmp_path / "files")},
        call={"enabled": True, "port": free_port(), "drain_seconds": 30},
    )


@pytest.fixture
def quick(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveHouse]:
    """A live house without models, which `run` takes for its own."""
    opened = sessions(settings)
    engines = Engines(
        limits=cast(Any, None),
        recogniser=QuickRecogniser(),
        answerer=cast(Any, QuickAnswerer()),
        persona=cast(Any, SimpleNamespace(face=Counsellor(size=128))),
        voice=QuickVoice(),
    )
    house = LiveHouse.around(engines, opened, FileStore(str(tmp_path / "files")), 4)
    house = replace(house, activity=lambda: loud)
    monkeypatch.setattr(calls_house.LiveHouse, "of", lambda settings: house)
    monkeypatch.setattr(engine, "FILL_AFTER", 60.0)
    yield house
    opened.kw["bind"].dispose()


async def dial(url: str, link: str, sound: np.ndarray) -> Caller:
    caller = Caller(sound)
    token = link.rpartition("/")[2]
    body = json.dumps({"type": "offer", "sdp": await caller.offer(), "record": True})
    async with aiohttp.ClientSession() as web:
        answer = await web.post(f"{url}/call/{token}/offer", data=body)
        assert answer.status == 200
        await caller.take((await answer.json())["sdp"])
    return caller


def test_a_live_conversation_over_video_until_the_server_stops(
    settings: Settings, quick: LiveHouse
) -> None:
    with quick.sessions() as session:
        person = Person()
        session.add(person)
        session.commit()
    link = Links.of(settings).call(person.id, 1)

    async def both() -> None:
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server = asyncio.ensure_future(run(settings, listening.set_result))
        url = await asyncio.wait_for(listening, 60)
        caller = await dial(url, link, question(2.5, 1.2))
        await until(lambda: any("예순다섯" in one.get("text", "") for one in caller.told))
        await until(lambda: caller.told[-1] == {"type": "mood", "mood": "listening"})
        os.kill(os.getpid(), signal.SIGTERM)
        async with aiohttp.ClientSession() as web:
            for _ in range(100):
                ready = await web.get(f"{url}/readyz")
                if ready.status == 503:
                    break
                await asyncio.sleep(0.05)
            assert (await ready.json())["draining"]
        assert not server.done()
        await caller.hang_up()
        await asyncio.wait_for(server, 30)
        texts = [one for one in caller.told if one["type"] == "caption"]
        assert texts[0] == {"type": "caption", "who": "counsellor", "text": GREETING}
        assert texts[1]["who"] == "person"

    asyncio.run(both())
    with quick.sessions() as session:
        turn = session.scalars(select(Turn)).one()
        assert turn.text == "기초연금이 뭐예요?"
        assert turn.recording_id is not None
        assert "held_until" not in turn.reply_to


def test_a_second_signal_ends_the_calls_at_once(settings: Settings, quick: LiveHouse) -> None:
    with quick.sessions() as session:
        person = Person()
        session.add(person)
        session.commit()
    link = Links.of(settings).call(person.id, 1)

    async def both() -> None:
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server = asyncio.ensure_future(run(settings, listening.set_result))
        caller = await dial(await asyncio.wait_for(listening, 60), link, np.zeros(0, np.float32))
        await until(lambda: caller.sounds)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.3)
        await asyncio.wait_for(server, 20)
        await caller.hang_up()

    asyncio.run(both())


def test_an_address_in_use_is_an_error(settings: Settings, quick: LiveHouse) -> None:
    async def both() -> None:
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        holder = await asyncio.start_server(lambda r, w: None, "127.0.0.1", settings.call.port)
        with pytest.raises(OSError, match="in use"):
            await run(settings, listening.set_result)
        holder.close()

    asyncio.run(both())
