"""Seats in the process of live conversations: the web process asks for one, and is told where.

Both know the service's signing key. A pass names one conversation, is short-lived, and is good for
one seat, once.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus

import requests
import structlog
from flask import Blueprint, Response, abort, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.channels.services import services
from bot.keys import signing_key
from bot.live.house import LiveHouse
from bot.settings import Settings

blueprint = Blueprint("live_seats", __name__)
PASS_SECONDS = 60
ASK_SECONDS = 0.4
"""A caller hears nothing meanwhile: a live process that does not answer at once is passed over."""
PATH = "/live/seats"

_NAME = "silverline.live"
log = structlog.get_logger(__name__)


def pass_for(settings: Settings, name: str) -> str:
    """Return a pass for the conversation `name`."""
    return str(_serializer(settings).dumps(name))


def read_pass(settings: Settings, token: str) -> str | None:
    """Return the conversation that a pass is for; None where it is forged or too old."""
    try:
        return str(_serializer(settings).loads(token, max_age=PASS_SECONDS))
    except BadData:
        return None


def promised(settings: Settings, name: str) -> str | None:
    """Ask the live process for a seat; return the pass to it, None where there is none."""
    if not settings.live.enabled:
        return None
    token = pass_for(settings, name)
    host = "127.0.0.1" if settings.live.host == "0.0.0.0" else settings.live.host
    try:
        answer = requests.post(
            f"http://{host}:{settings.live.port}{PATH}", json={"pass": token}, timeout=ASK_SECONDS
        )
    except requests.RequestException as error:
        log.warning("live_away", error=type(error).__name__)
        return None
    if answer.status_code != HTTPStatus.NO_CONTENT:
        log.info("live_full", status=answer.status_code)
        return None
    return token


def public_url(settings: Settings) -> str:
    """Return the address under which callers reach the live process."""
    return settings.live.public_url or settings.app.public_url


def attach(app: object, house: LiveHouse) -> None:
    """Make `house` the one of `app`'s views."""
    app.extensions[_NAME] = house  # type: ignore[attr-defined]


def live_house() -> LiveHouse:
    """Return the house of the current application."""
    found: LiveHouse = current_app.extensions[_NAME]
    return found


@blueprint.post(PATH)
def promise() -> Response:
    """Keep a seat for a conversation; 503 where all are taken."""
    body = request.get_json(silent=True)
    token = body.get("pass", "") if isinstance(body, dict) else ""
    name = read_pass(services().settings, str(token))
    if name is None:
        abort(HTTPStatus.FORBIDDEN)
    kept = live_house().seats.promise(name)
    return Response(status=HTTPStatus.NO_CONTENT if kept else HTTPStatus.SERVICE_UNAVAILABLE)


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        signing_key(settings),
        salt="silverline.seat",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
