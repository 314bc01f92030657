"""The video call's page: notice, call, recorder, and what was talked about afterwards."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
import structlog
from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request

from bot.calls.summary import ways_of
from bot.channels.call import (
    CHANNEL,
    MOST_OFFER_BYTES,
    SCHEME,
    address_of,
    call_of,
    turns_of,
)
from bot.channels.call_summary import summary_page
from bot.channels.ice import ice_servers
from bot.channels.links import LinkBrokenError, LinkExpiredError
from bot.channels.services import services, session
from bot.channels.watch import notice
from bot.conversation.asked import COPY, KEEP
from bot.conversation.columns import now
from bot.conversation.files import plain_type
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import Person, Turn

blueprint = Blueprint("call", __name__)
log = structlog.get_logger(__name__)

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PERMISSIONS = "camera=(self), microphone=(self), geolocation=()"
CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 10.0
PASSED_ON = (
    HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE,
    HTTPStatus.TOO_MANY_REQUESTS,
)  # fmt: skip
"""Statuses of a call server that another one would not give a better answer to."""
RECORDINGS = frozenset(
    {
        "audio/webm", "audio/mp4", "audio/ogg", "audio/mpeg", "audio/wav", "audio/x-wav",
        "audio/aac", "audio/x-m4a", "audio/m4a", "audio/amr", "audio/3gpp", "video/mp4",
        "video/webm", "video/3gpp", "application/octet-stream",
    }
)  # fmt: skip


@blueprint.get("/call/<token>")
def page(token: str) -> Response:
    """Show the page from which the person calls."""
    person = _person(token)
    if isinstance(person, Response):
        return person
    held = services()
    response = make_response(
        render_template(
            "call.html",
            token=token,
            ice=ice_servers(held.settings.call, f"p{person}"),
            summary=bool(ways_of(held.settings)),
            human_name=held.settings.knowledge.human_name,
            human_number=held.settings.knowledge.human_number,
        )
    )
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Permissions-Policy"] = PERMISSIONS
    return response


@blueprint.get("/call/<token>/ice")
def ice(token: str) -> Response:
    """Return fresh ICE servers, for a page that has been open for long."""
    person = _person(token)
    if isinstance(person, Response):
        return person
    return jsonify(ice_servers(services().settings.call, f"p{person}"))


@blueprint.post("/call/<token>/offer")
def offer(token: str) -> Response:
    """Pass an offer on to the first call server that takes it, and its answer back."""
    person = _person(token)
    if isinstance(person, Response):
        return Response(status=HTTPStatus.GONE)
    if (request.content_length or 0) > MOST_OFFER_BYTES:
        return _refusal(HTTPStatus.BAD_REQUEST, "the offer is too long")
    body = request.get_data()
    for server in services().settings.call.servers:
        try:
            answer = requests.post(
                f"{server}/call/{token}/offer",
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            log.warning("call_server_unreachable", server=server, error=type(error).__name__)
            continue
        if answer.status_code in PASSED_ON:
            return Response(answer.content, answer.status_code, mimetype="application/json")
    return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no call can be taken now")


@blueprint.post("/call/<token>/recording")
def recording(token: str) -> Response:
    """Take a recorded question; its answer appears on the watch page that is returned."""
    person = _person(token)
    if isinstance(person, Response):
        return Response(status=HTTPStatus.GONE)
    held = services()
    request.max_content_length = held.settings.limits.max_bytes
    content_type = plain_type(request.content_type or "")
    data = request.get_data()
    if content_type not in RECORDINGS or not data:
        return _refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "it is no recording")
    stored = held.files.put(data, content_type)
    asked = {COPY: stored.key}
    if request.args.get("record") != "1":
        asked[KEEP] = "no"
    message = InboundMessage(
        channel=CHANNEL,
        key=uuid.uuid4().hex,
        sender=address_of(person),
        kind="recording",
        media_url=SCHEME + stored.key,
        media_type=content_type,
        reply_to=asked,
        received_at=now(),
    )
    with session() as opened:
        turn = opened.get_one(Turn, receive(opened, message).turn_id)
    return jsonify(url=urlsplit(held.links.watch(turn.key)).path)


@blueprint.get("/call/<token>/done")
def done(token: str) -> Response:
    """Show what was talked about in a call of this person, each answer with its link."""
    person = _person(token)
    if isinstance(person, Response):
        return person
    key = request.args.get("call", "")
    with session() as opened:
        turns = turns_of(opened, key) if call_of(opened, key, str(person)) else []
    return summary_page(turns, token, POLICY)


def _person(token: str) -> int | Response:
    """Return whom the link was made for; 404 where it is none, a page where it has expired."""
    try:
        person = int(services().links.read("call", token))
    except (LinkBrokenError, ValueError):
        abort(HTTPStatus.NOT_FOUND)
    except LinkExpiredError:
        return notice(
            HTTPStatus.GONE,
            "이 링크는 기간이 지났어요",
            "안전을 위해 영상 상담 링크는 며칠 동안만 열려요.",
            "링크를 보내 준 곳에 새 링크를 부탁해 주세요. 급하시면 아래로 전화하세요.",
        )
    with session() as opened:
        if opened.get(Person, person) is None:
            abort(HTTPStatus.NOT_FOUND)
    return person


def _refusal(status: HTTPStatus, why: str) -> Response:
    response = jsonify(error=why)
    response.status_code = status
    return response
