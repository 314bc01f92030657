"""One question played through a vendor against a running server, judged as the vendor would."""

from __future__ import annotations

import queue
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests

from bot.channels.kakao_skill import CHECK
from bot.settings import Settings
from bot.simulate.kakao import CALLBACK_SECONDS, FakeKakao
from bot.simulate.kakao import DEADLINE as KAKAO_DEADLINE
from bot.simulate.skill_rules import faults
from bot.simulate.twilio import SECONDS as TWILIO_DEADLINE
from bot.simulate.twilio import FakeTwilio, Sent
from bot.simulate.vendor import Book

Item = TypeVar("Item")
Tell = Callable[[str], None]

PICTURE_BYTES = 2 * 1024 * 1024
ECHO_SECONDS = 1.5
"""So long is waited for a second reply, which must not come."""


class SimulationError(Exception):
    """The simulation cannot be played; the message says why and what to do."""


@dataclass
class Played:
    """What came of a question: the texts and links of the reply, its seconds, broken rules."""

    channel: str
    acknowledged_seconds: float = 0.0
    reply_seconds: float | None = None
    texts: list[str] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)
    watch_url: str = ""
    media_bytes: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether a reply came and no rule was broken."""
        return self.reply_seconds is not None and not self.broken

    def as_json(self) -> dict[str, Any]:
        """Return the fields, and `ok`, for programs."""
        return {"ok": self.ok, **asdict(self)}


def play_whatsapp(
    settings: Settings, server: str, question: Path | str, seconds: float, tell: Tell
) -> Played:
    """Ask through Twilio's WhatsApp; wait up to `seconds` for the reply."""
    twilio = settings.twilio
    token = twilio.auth_token.get_secret_value()
    port = local_port(twilio.api_url, "twilio.api_url")
    played = Played("whatsapp")
    with FakeTwilio(twilio.account_sid, token, settings.app.public_url, port) as vendor:
        book = vendor.book
        form = vendor.form(question, "whatsapp:+821012345678", twilio.whatsapp_from)
        forged = reached(lambda: vendor.post("/twilio/messages", form, server, "forged"), server)
        book.expect(forged.status_code == 403, f"a forged signature got {forged.status_code}")
        begun = time.monotonic()
        answer = vendor.post("/twilio/messages", form, server)
        played.acknowledged_seconds = time.monotonic() - begun
        _judge_twiml(book, answer, played.acknowledged_seconds)
        tell(f"acknowledged after {played.acknowledged_seconds:.2f} s; waiting for the reply …")
        again = vendor.post("/twilio/messages", form, server)
        book.expect(again.ok, f"a repeated webhook got {again.status_code}")
        message = _next(vendor.arrived, seconds)
        if message is not None:
            _read_message(played, message, begun)
            _judge_page(book, played.watch_url, "video" if message.media else "")
            book.expect(_next(vendor.arrived, ECHO_SECONDS) is None, "the reply came twice")
        played.broken = [*book.broken, *([] if message else [f"no reply in {seconds:.0f} s"])]
    return played


def play_kakao(
    settings: Settings,
    server: str,
    question: Path | str,
    seconds: float,
    tell: Tell,
    callback: bool = True,
) -> Played:
    """Ask through Kakao's skill; wait up to `seconds` for the reply.

    Without `callback` the answer is asked for with 답변 확인 until it is there.
    """
    kakao = settings.kakao
    port = local_port(settings.twilio.api_url, "twilio.api_url")
    secret = kakao.header_value.get_secret_value()
    played = Played("kakao")
    with FakeKakao(kakao.header_name, secret, kakao.bot_id, port) as vendor:
        book = vendor.book
        body, promise = vendor.payload(question, "simulated-person", callback)
        forged, _ = reached(lambda: vendor.post(body, server, promise, "forged"), server)
        book.expect(forged.status_code == 403, f"a forged header got {forged.status_code}")
        begun = time.monotonic()
        response, played.acknowledged_seconds = vendor.post(body, server, promise)
        first = _judge_skill(book, response, played.acknowledged_seconds, callback)
        tell(f"acknowledged after {played.acknowledged_seconds:.2f} s; waiting for the reply …")
        found: dict[str, Any] | None = first
        if first.get("useCallback"):
            called = _next(vendor.arrived, min(seconds, CALLBACK_SECONDS))
            found = called.response if called else None
        if found is not None and not _cards(found):
            # No answer yet, but a word on how to ask for it.
            found = _ask_until(vendor, server, found, seconds)
        if isinstance(found, dict):
            played.reply_seconds = time.monotonic() - begun
            _read_skill(book, played, found)
            _judge_page(book, played.watch_url, "")
            book.expect(_next(vendor.arrived, ECHO_SECONDS) is None, "the reply came twice")
        played.broken = [*book.broken, *([] if found else [f"no reply in {seconds:.0f} s"])]
    return played


def _ask_until(
    vendor: FakeKakao, server: str, first: dict[str, Any], seconds: float
) -> dict[str, Any] | None:
    """Return the first response that carries an answer, asking for it like a person would."""
    end = time.monotonic() + seconds
    response = first
    while not _cards(response):
        if time.monotonic() > end:
            return None
        time.sleep(1.0)
        body, promise = vendor.payload(CHECK, "simulated-person", callback=False)
        body["userRequest"]["params"]["once"] = promise.token
        answer, took = vendor.post(body, server, promise)
        response = _judge_skill(vendor.book, answer, took, False)
    return response


def _judge_twiml(book: Book, answer: requests.Response, seconds: float) -> None:
    book.expect(answer.ok, f"the webhook answered {answer.status_code}")
    book.expect(seconds < TWILIO_DEADLINE, f"the webhook took {seconds:.1f} s (15 s allowed)")
    kind = answer.headers.get("Content-Type", "")
    book.expect(kind.startswith(("text/xml", "application/xml")), f"TwiML has the type {kind}")
    try:
        root = ElementTree.fromstring(answer.text).tag
    except ElementTree.ParseError:
        root = "nothing"
    book.expect(root == "Response", f"TwiML holds {root} instead of Response")


def _judge_skill(
    book: Book, answer: requests.Response, seconds: float, callback: bool
) -> dict[str, Any]:
    book.expect(answer.ok, f"the skill answered {answer.status_code}")
    book.expect(seconds < KAKAO_DEADLINE, f"the skill took {seconds:.1f} s (5 s allowed)")
    try:
        body = answer.json()
    except ValueError:
        book.expect(False, "the skill answered no JSON")
        return {}
    for fault in faults(body, acknowledgement=callback):
        book.expect(False, f"answer: {fault}")
    return body if isinstance(body, dict) else {}


def _judge_page(book: Book, url: str, needed: str) -> None:
    """Open the watch page as a phone would."""
    if not book.expect(bool(url), "the reply has no watch link"):
        return
    page = requests.get(url, timeout=TWILIO_DEADLINE)
    book.expect(page.ok, f"the watch page answers {page.status_code}")
    book.expect(f"<{needed}" in page.text, f"the watch page shows no {needed}")


def _read_message(played: Played, message: Sent, begun: float) -> None:
    body = message.fields.get("Body", "")
    played.reply_seconds = message.at - begun
    played.texts = [body]
    links = re.findall(r"https?://\S+/w/\S+", body)
    played.watch_url = links[0] if links else ""
    played.media_bytes = len(message.media)


def _read_skill(book: Book, played: Played, response: dict[str, Any]) -> None:
    template = response["template"]
    for output in template["outputs"]:
        if "simpleText" in output:
            played.texts.append(output["simpleText"]["text"])
    for card in _cards(response):
        played.texts += [text for text in (card.get("title"), card.get("description")) if text]
        played.buttons += [button["label"] for button in card.get("buttons", [])]
        links = [b["webLinkUrl"] for b in card.get("buttons", []) if "webLinkUrl" in b]
        played.watch_url = played.watch_url or (links[0] if links else "")
        if "thumbnail" in card:
            _judge_picture(book, card["thumbnail"]["imageUrl"])
    played.buttons += [reply["label"] for reply in template.get("quickReplies", [])]


def _judge_picture(book: Book, url: str) -> None:
    picture = requests.get(url, timeout=TWILIO_DEADLINE)
    kind = picture.headers.get("Content-Type", "")
    book.expect(picture.ok, f"the picture answers {picture.status_code}")
    book.expect(kind.startswith("image/"), f"the picture has the type {kind}")
    book.expect(len(picture.content) <= PICTURE_BYTES, "the picture exceeds 2 MB")


def _cards(response: dict[str, Any]) -> list[dict[str, Any]]:
    outputs = response.get("template", {}).get("outputs", [])
    return [value for output in outputs for name, value in output.items() if name.endswith("Card")]


def _next(arrived: queue.Queue[Item], seconds: float) -> Item | None:
    try:
        return arrived.get(timeout=seconds)
    except queue.Empty:
        return None


def local_port(url: str, key: str) -> int:
    """Return the port of this machine that `url`, the setting `key`, names; SimulationError."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost") or parts.port is None:
        raise SimulationError(
            f"{key} is {url}: the server talks to the real vendor. "
            "Start it with `silverline up --simulate`, and simulate with the same settings."
        )
    return parts.port


def reached(ask: Callable[[], Item], server: str) -> Item:
    """Return what `ask` returns; SimulationError where no server answers at `server`."""
    try:
        return ask()
    except requests.ConnectionError as error:
        raise SimulationError(
            f"No server answers at {server}. Start one with `silverline up --simulate`."
        ) from error
