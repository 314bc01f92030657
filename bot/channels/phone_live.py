"""The WebSocket of the telephone in the live process: who may come in, and what follows."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, abort, request
from flask_sock import Sock

from bot.channels import phone_calls as calls
from bot.channels.live_seats import live_house, public_url, read_pass
from bot.channels.phone_prompts import Line, text_of
from bot.channels.phone_stream import FormatError, PhoneStream, Socket, read
from bot.channels.services import services, session
from bot.channels.signature import is_from_twilio
from bot.conversation.calls import Call, Consent
from bot.live.engine import LiveConversation
from bot.live.transport import After, Caller
from bot.settings import Settings

blueprint = Blueprint("phone_live", __name__, url_prefix="/twilio/voice/stream")
sock = Sock()
START_SECONDS = 5.0
"""The vendor says within so long which call a stream belongs to."""
END_SECONDS = 20.0

log = structlog.get_logger(__name__)


@blueprint.before_request
def verify() -> None:
    """Refuse a handshake that Twilio did not sign, or without a seat that was promised."""
    settings = services().settings
    url = f"{socket_url(settings)}{request.path}"
    if not is_from_twilio(settings.twilio, url, {}, dict(request.headers)):
        log.warning("stream_refused", cause="signature")
        abort(HTTPStatus.FORBIDDEN)
    if read_pass(settings, request.path.rpartition("/")[2]) is None:
        log.warning("stream_refused", cause="pass")
        abort(HTTPStatus.FORBIDDEN)


def socket_url(settings: Settings) -> str:
    """Return the public address of the live process for WebSockets."""
    return "ws" + public_url(settings).removeprefix("http")


def stream_url(settings: Settings, token: str) -> str:
    """Return the address of a stream with the pass `token`."""
    return f"{socket_url(settings)}{blueprint.url_prefix}/{token}"


@sock.route("/<token>", bp=blueprint)  # type: ignore[untyped-decorator]
def stream(socket: Socket, token: str) -> None:
    """Hold a conversation over the stream until it ends."""
    settings, house = services().settings, live_house()
    sid = read_pass(settings, token) or ""
    start = _start(socket)
    if start.get("callSid") != sid or not _is_ours(settings, start):
        log.warning("stream_refused", cause="another call")
        return
    if not house.seats.take(sid):
        log.warning("stream_refused", cause="seat", sid=sid)
        return
    try:
        _converse(socket, start, sid)
    finally:
        house.seats.leave(sid)


def _converse(socket: Socket, start: dict[str, Any], sid: str) -> None:
    held = services()
    with session() as opened:
        call = calls.go_live(opened, sid)
        if call is None:
            log.warning("stream_refused", cause="unknown call", sid=sid)
            return
        caller = _caller(opened, held.settings, call)

    def ended(after: After) -> None:
        with held.sessions() as opened:
            calls.follow(opened, sid, after.value)

    try:
        line = PhoneStream(socket, start, ended)
    except FormatError as error:
        log.error("stream_refused", cause=str(error), sid=sid)
        return
    live = LiveConversation(live_house(), caller, line)
    live.start()
    why = line.serve(live)
    live.hang_up(why)
    if not live.join(END_SECONDS):
        log.error("live_hangs", sid=sid)
    with session() as opened:
        calls.left(opened, held.settings, call)


def _caller(opened: Any, settings: Settings, call: Call) -> Caller:
    consent = calls.consent_of(opened, call)
    able = settings.twilio.sms_from and calls.takes_messages(call.identity.address)
    return Caller(
        calls.NAME,
        call.identity.address,
        call.sid,
        keep=consent is not None and consent.answer is Consent.AGREED,
        reply_to=calls.live_reply_to(opened, call),
        by_text=text_of(settings, Line.BY_TEXT if able else Line.NO_TEXT),
    )


def _start(socket: Socket) -> dict[str, Any]:
    """Return what the vendor says of the stream; empty where it says nothing in time."""
    end = time.monotonic() + START_SECONDS
    while (left := end - time.monotonic()) > 0:
        told = read(socket.receive(timeout=left))
        if told.get("event") == "start":
            start = told.get("start")
            return start if isinstance(start, dict) else {}
    return {}


def _is_ours(settings: Settings, start: dict[str, Any]) -> bool:
    account = settings.twilio.account_sid
    return not account or start.get("accountSid") == account
