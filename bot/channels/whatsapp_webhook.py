"""Twilio's webhooks for WhatsApp: a message in, and what became of a message out."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

import structlog
from flask import Blueprint, Response, abort, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from twilio.twiml.messaging_response import MessagingResponse

from bot.channels.services import session
from bot.channels.twilio_request import verify
from bot.channels.whatsapp import NAME
from bot.conversation.database import start_write
from bot.conversation.inbox import InboundMessage, note, receive
from bot.conversation.models import Delivery, Sending

blueprint = Blueprint("whatsapp", __name__, url_prefix="/twilio")
log = structlog.get_logger(__name__)

HEARD = ("audio/", "video/")
ASK_AGAIN = "사진이나 파일은 아직 볼 수 없어요. 목소리나 글로 물어봐 주세요."

_RANK = {Sending.PENDING: 0, Sending.SENDING: 1, Sending.SENT: 2, Sending.DELIVERED: 3}
_STATES = {
    "sent": Sending.SENT,
    "delivered": Sending.DELIVERED,
    "read": Sending.DELIVERED,
    "undelivered": Sending.FAILED,
    "failed": Sending.FAILED,
    "canceled": Sending.FAILED,
}


blueprint.before_request(verify)


@blueprint.post("/messages")
def messages() -> Response:
    """Keep a message as a turn and acknowledge it; the reply goes through the REST API."""
    form = request.form
    sid = form.get("MessageSid", "")
    sender = form.get("From", "")
    if not sid or not sender:
        abort(HTTPStatus.BAD_REQUEST)
    media = _recording()
    text = form.get("Body", "").strip()
    if media is None and not text:
        return _twiml(ASK_AGAIN)
    message = InboundMessage(
        channel=NAME,
        key=sid,
        sender=sender,
        kind="text" if media is None else "recording",
        text="" if media else text,
        media_url=media[0] if media else "",
        media_type=media[1] if media else "",
        received_at=datetime.now(UTC),
    )
    with session() as opened:
        received = receive(opened, message)
    log.info("received", channel=NAME, turn=received.turn_id, duplicate=received.duplicate)
    return _twiml()


@blueprint.post("/status")
def status() -> Response:
    """Keep what became of a message, whenever it comes and in whatever order."""
    return keep_status(NAME)


def keep_status(channel: str) -> Response:
    """Keep what the current request tells of a message of `channel`."""
    form = request.form
    sid, word = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if not sid or not word:
        abort(HTTPStatus.BAD_REQUEST)
    code = form.get("ErrorCode", "")
    with session() as opened:
        payload = {"status": word, "error": code}
        if not note(opened, channel, f"{sid}:{word}", "status", payload).duplicate:
            _advance(opened, channel, request.args.get("delivery", ""), sid, word, code)
    return Response(status=HTTPStatus.NO_CONTENT)


def _advance(opened: Session, channel: str, key: str, sid: str, word: str, code: str) -> None:
    """Move the delivery forward, never back: `sent` after `delivered` changes nothing."""
    state = _STATES.get(word)
    if state is None:
        return
    start_write(opened)
    found = opened.scalar(
        select(Delivery)
        .where(Delivery.channel == channel, (Delivery.key == key) | (Delivery.vendor_id == sid))
        .with_for_update()
    )
    # A delivery that was sent anew has another SID; what became of the first is past.
    if found is not None and found.vendor_id in ("", sid) and _after(found.state, state):
        found.state = state
        if state is Sending.FAILED:
            found.last_error = f"Twilio: {word} {code}".strip()
    opened.commit()


def _after(current: Sending, new: Sending) -> bool:
    if current is Sending.DELIVERED or current is Sending.FAILED:
        return False
    return new is Sending.FAILED or _RANK[new] > _RANK[current]


def _recording() -> tuple[str, str] | None:
    """Return address and type of the first sound or video of the message."""
    count = request.form.get("NumMedia", "0")
    for index in range(min(int(count), 10) if count.isdecimal() else 0):
        kind = request.form.get(f"MediaContentType{index}", "").lower()
        url = request.form.get(f"MediaUrl{index}", "")
        if url and kind.startswith(HEARD):
            return url, kind.partition(";")[0].strip()
    return None


def _twiml(text: str = "") -> Response:
    answer = MessagingResponse()
    if text:
        answer.message(text)
    return Response(str(answer), mimetype="text/xml")
