"""The web application and a call server as they run beside each other, in threads of this one."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from waitress import create_server

from bot.app import create_app
from bot.calls.call import Conversation
from bot.calls.exchange import Exchange
from bot.calls.records import Records
from bot.calls.server import application
from bot.channels.services import Services
from bot.conversation.models import Person
from bot.live.transport import Caller, Transport
from bot.settings import Settings, load_settings
from media.face.counsellor import Counsellor
from media.face.live import live_face
from tests.bot.calls.scripted import Scripted
from tests.bot.channels.conftest import free_port

Begin = Callable[[Caller, Transport], Conversation]


@dataclass
class Service:
    """What tests reach of it. `conversations` are those that have begun."""

    settings: Settings
    held: Services
    exchange: Exchange
    loop: asyncio.AbstractEventLoop
    person: int
    conversations: list[Scripted] = field(default_factory=list)

    @property
    def link(self) -> str:
        """The address with which the one person calls."""
        return self.held.links.call(self.person, 1)

    def on_loop(self, work: Any) -> Any:
        """Run a coroutine on the call server's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


@contextmanager
def serving(
    folder: Path, tables: Path, begin: Begin | None = None, size: int = 512, **call: Any
) -> Iterator[Service]:
    """Run both on free ports; `call` changes the settings of that section."""
    shutil.copy(tables, folder / "test.db")
    port, call_port = free_port(), free_port()
    settings = load_settings(
        app={"public_url": f"http://127.0.0.1:{port}", "data_dir": folder, "secret_key": "key"},
        database={"url": f"sqlite:///{folder}/test.db"},
        files={"url": str(folder / "files")},
        call={
            "enabled": True,
            "port": call_port,
            "servers": ["http://127.0.0.1:1", f"http://127.0.0.1:{call_port}"],
            "offers_a_minute": 100,
            **call,
        },
    )
    held = Services.of(settings)
    with held.sessions() as session:
        person = Person(display_name="김순자")
        session.add(person)
        session.commit()
    face = Counsellor(size=size)
    face.warm_up()
    pool = ThreadPoolExecutor(16, "call")
    conversations: list[Scripted] = []

    def scripted(caller: Caller, transport: Transport) -> Conversation:
        conversations.append(Scripted(caller, transport))
        return conversations[-1]

    exchange = Exchange(
        settings.call,
        lambda number: live_face(face, number),
        begin or scripted,
        Records(held.sessions, held.files),
        pool,
    )
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application(exchange, held.links), access_log=None)
    started = threading.Event()

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", call_port).start()
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(20)
    server = create_server(
        create_app(settings, held),
        host="127.0.0.1",
        port=port,
        threads=4,
        max_request_body_size=settings.limits.max_bytes,
        ident=None,
        asyncore_loop_timeout=0.05,
    )

    def answer() -> None:
        # Its sockets are closed under it at the end.
        with suppress(OSError):
            server.run()

    web_thread = threading.Thread(target=answer, daemon=True)
    web_thread.start()
    service = Service(settings, held, exchange, loop, person.id, conversations)
    try:
        yield service
    finally:
        service.on_loop(exchange.drain(0))
        service.on_loop(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        server.close()
        server.task_dispatcher.shutdown()
        web_thread.join(5)
        pool.shutdown()
        held.sessions.kw["bind"].dispose()
