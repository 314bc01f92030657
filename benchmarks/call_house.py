"""What the benchmark of video calls stands on: both processes, a browser, a microphone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import requests
from playwright.sync_api import Page, sync_playwright

from bot.channels.links import Links
from bot.conversation import schema
from bot.conversation.database import engine, sessions
from bot.conversation.models import Person
from bot.settings import CONFIG, load_settings
from media.personas import load_persona
from media.speech_file import write_wav
from media.types import Audio
from tests.bot.calls.caller import Caller
from tests.bot.calls.received import SPY
from tests.bot.channels.conftest import free_port
from tests.browser import FLAGS

QUESTIONS = (
    "기초연금은 어떻게 신청해요?",
    "치매 검사는 어디에서 받아요?",
    "버스 카드는 어떻게 만들어요?",
    "주민등록등본은 어디에서 떼요?",
)
PAUSE = 16.0
"""Seconds between two questions in the microphone's sound: an answer is heard out."""
GREETING = 8.0


@dataclass
class House:
    """Both processes, and what the call server has logged."""

    folder: Path
    links: list[str]
    """Of four people."""
    server: subprocess.Popen[str]
    call_url: str
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def link(self) -> str:
        """The link of the first of them."""
        return self.links[0]

    def cpu(self) -> float:
        """Return the seconds of processor time that the call server has taken."""
        fields = Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return the call server's resident memory in MB."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def files(self) -> int:
        """Return how many files and sockets the call server has open."""
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def threads(self) -> int:
        """Return how many threads the call server has."""
        return len(os.listdir(f"/proc/{self.server.pid}/task"))

    def calls(self) -> int:
        """Return how many calls go on."""
        return int(requests.get(f"{self.call_url}/readyz", timeout=10).json()["calls"])

    def ended(self, count: int = 1, seconds: float = 30.0) -> list[dict[str, Any]]:
        """Return the reports of `count` ended calls."""
        end = time.monotonic() + seconds
        while True:
            found = [one for one in self.told if one.get("event") == "call_ended"]
            if len(found) >= count or time.monotonic() > end:
                return found
            time.sleep(0.1)


@contextlib.contextmanager
def house(speech: Path = Path("var/speech"), **call: str) -> Iterator[House]:
    """Start web application and call server on free ports, with a database of their own.

    What is spoken is kept in the folder `speech`, where there is one, for the next time.
    """
    with tempfile.TemporaryDirectory(prefix="bench-call-") as name:
        folder = Path(name)
        web, calls = free_port(), free_port()
        if speech.is_dir():
            (folder / "speech").symlink_to(speech.resolve())
        values = {
            "CONFIG": str(folder / "none.toml"),
            "APP__PUBLIC_URL": f"http://127.0.0.1:{web}",
            "APP__PORT": str(web),
            "APP__DATA_DIR": name,
            "DATABASE__URL": f"sqlite:///{name}/bench.db",
            "FILES__URL": f"{name}/files",
            "LOG__FORM": "json",
            "CALL__ENABLED": "true",
            "CALL__PORT": str(calls),
            "CALL__SERVERS": json.dumps([f"http://127.0.0.1:{calls}"]),
        } | {f"CALL__{key.upper()}": value for key, value in call.items()}
        (folder / "none.toml").write_text("")
        os.environ.update({f"SILVERLINE_{key}": value for key, value in values.items()})
        settings = load_settings()
        schema.upgrade(engine(settings.database.url))
        with sessions(settings)() as session:
            people = [Person() for _ in range(4)]
            session.add_all(people)
            session.commit()
            links = [Links.of(settings).call(person.id, 2) for person in people]
        command = [sys.executable, "-m", "bot"]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        server = subprocess.Popen([*command, "call-server"], text=True, **pipes)
        site = subprocess.Popen(
            [*command, "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        made = House(folder, links, server, f"http://127.0.0.1:{calls}")

        def read() -> None:
            assert server.stdout is not None
            for line in server.stdout:
                try:
                    made.told.append(json.loads(line))
                except ValueError:
                    print(f"  call server: {line.rstrip()}")

        threading.Thread(target=read, daemon=True).start()
        try:
            for url in (f"{made.call_url}/healthz", f"http://127.0.0.1:{web}/healthz"):
                wait_for(url)
            yield made
        finally:
            for process in (server, site):
                process.terminate()
            for process in (server, site):
                process.wait(180)


def wait_for(url: str) -> None:
    """Wait until `url` answers."""
    for _ in range(1500):
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=2).ok:
                return
        time.sleep(0.2)
    raise TimeoutError(url)


@contextlib.contextmanager
def browser(microphone: Path) -> Iterator[Page]:
    """Give a page at phone size whose microphone plays `microphone` in a circle."""
    live = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--autoplay-policy=no-user-gesture-required",
    )
    # Who calls sits at a machine of their own: theirs must not take the server's time here.
    polite = microphone.parent / "chromium"
    polite.write_text('#!/bin/sh\nexec nice -n 5 /usr/bin/chromium "$@"\n')
    polite.chmod(0o755)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=polite, args=[*FLAGS, *live])
        context = opened.new_context(viewport={"width": 360, "height": 740}, bypass_csp=True)
        page = context.new_page()
        page.add_init_script(SPY)
        yield page
        opened.close()


def microphone(path: Path, pauses: Sequence[float]) -> float:
    """Write a question before each of `pauses` (s) to `path`; return its length in seconds."""
    sound, _ = questions(pauses)
    write_wav(sound, path)
    return sound.seconds


def questions(pauses: Sequence[float]) -> tuple[Audio, list[float]]:
    """Return the sound of a question before each of `pauses` (s), and where each ends (s)."""
    voice = load_persona(CONFIG / "personas", "haneul").voice
    parts = [np.zeros(round(GREETING * 24000), np.float32)]
    ends = []
    for question, pause in zip(QUESTIONS, pauses, strict=False):
        said = voice.speak(question).audio.samples
        # Where the voice itself falls silent, not where its file ends.
        last = int(np.flatnonzero(np.abs(said) > 0.02)[-1]) + 1
        ends.append((sum(map(len, parts)) + last) / 24000)
        parts += [said, np.zeros(round(pause * 24000), np.float32)]
    return Audio(np.concatenate(parts), 24000), ends


@contextlib.contextmanager
def honest(made: House) -> Iterator[Caller]:
    """Keep one more person in a call, by sound alone."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def on_loop(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    async def make() -> tuple[Caller, str]:
        caller = Caller(np.zeros(0, np.float32), picture=False)
        return caller, await caller.offer()

    caller, sdp = on_loop(make())
    body = json.dumps({"type": "offer", "sdp": sdp})
    answer = requests.post(f"{made.links[3]}/offer", data=body, timeout=60)
    on_loop(caller.take(answer.json()["sdp"]))
    try:
        yield caller
    finally:
        on_loop(caller.hang_up())
        loop.call_soon_threadsafe(loop.stop)
