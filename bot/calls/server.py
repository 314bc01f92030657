"""The call server's own small web interface: offers, health and readiness."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus

import structlog
from aiohttp import web

from bot.calls.exchange import BusyError, Exchange, TooOftenError
from bot.calls.offers import BadOfferError, read_offer
from bot.calls.records import NobodyError
from bot.channels.call import MOST_OFFER_BYTES
from bot.channels.links import LinkBrokenError, LinkExpiredError, Links
from bot.sections import Call

log = structlog.get_logger(__name__)

EXCHANGE = web.AppKey("exchange", Exchange)
LINKS = web.AppKey("links", Links)


def application(exchange: Exchange, links: Links) -> web.Application:
    """Return the web application around `exchange`; `links` reads the callers' links."""
    app = web.Application(client_max_size=MOST_OFFER_BYTES + 1024)
    app[EXCHANGE], app[LINKS] = exchange, links
    app.add_routes(
        [
            web.post("/call/{token}/offer", offer),
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
        ]
    )
    return app


async def offer(request: web.Request) -> web.Response:
    """Answer an offer with an SDP that holds every candidate, or say why not."""
    try:
        person = request.app[LINKS].read("call", request.match_info["token"])
    except LinkBrokenError:
        return _refusal(HTTPStatus.NOT_FOUND, "no such link")
    except LinkExpiredError:
        return _refusal(HTTPStatus.GONE, "the link has expired")
    try:
        asked = read_offer(await request.read())
        key, sdp = await request.app[EXCHANGE].take(person, asked)
    except BadOfferError as error:
        return _refusal(HTTPStatus.BAD_REQUEST, f"the offer is refused: {error}")
    except NobodyError:
        return _refusal(HTTPStatus.NOT_FOUND, "the link is nobody's")
    except TooOftenError:
        return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many calls within a minute")
    except BusyError:
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no call can be taken now")
    return web.json_response({"type": "answer", "sdp": sdp, "call": key})


async def healthz(request: web.Request) -> web.Response:
    """Answer while the process lives."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 while another call can be taken, else 503."""
    exchange = request.app[EXCHANGE]
    body = {
        "ready": exchange.free > 0,
        "calls": len(exchange.calls),
        "free": exchange.free,
        "draining": exchange.draining,
        "face": asdict(exchange.shown),
    }
    status = HTTPStatus.OK if exchange.free else HTTPStatus.SERVICE_UNAVAILABLE
    return web.json_response(body, status=status)


async def serve(
    settings: Call, exchange: Exchange, links: Links, listening: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT; then take no more calls and let those in hand end.

    A second signal ends them at once. OSError where the address cannot be listened on.
    """
    runner = web.AppRunner(application(exchange, links), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        listening(f"http://{settings.host}:{settings.port}")
        stop, now = asyncio.Event(), asyncio.Event()

        def ask() -> None:
            (now if stop.is_set() else stop).set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ask)
        await stop.wait()
        log.info("draining", calls=len(exchange.calls))
        drained = asyncio.ensure_future(exchange.drain(settings.drain_seconds))
        hurried = asyncio.ensure_future(now.wait())
        await asyncio.wait({drained, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        drained.cancel()
        await asyncio.gather(drained, hurried, return_exceptions=True)
        await exchange.drain(0.0)
    finally:
        await runner.cleanup()


def _refusal(status: HTTPStatus, why: str) -> web.Response:
    return web.json_response({"error": why}, status=status)
