"""Kakao's skill webhook: a question in, kept and acknowledged within five seconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from http import HTTPStatus
from threading import BoundedSemaphore

import structlog
from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy import select

from bot.channels import kakao_skill
from bot.channels.fetch import FetchError, Outlet
from bot.channels.inbound import turn_key
from bot.channels.kakao import answer_outputs, reminder
from bot.channels.kakao_held import NAME, answered, held, pending, serve
from bot.channels.kakao_skill import AGAIN, CHECK, CHECK_REPLY, Asked, NotSkillError, Skill
from bot.channels.services import services, session
from bot.channels.signature import same_secret
from bot.conversation.delivery import Reply
from bot.conversation.inbox import InboundMessage, note, receive, remember
from bot.conversation.models import InboundEvent

blueprint = Blueprint("kakao", __name__, url_prefix="/kakao")
log = structlog.get_logger(__name__)

WAIT = "잘 들었어요. 답을 준비하고 있어요. 잠시만 기다려 주세요."
NOT_YET = "답을 준비하고 있어요. 조금 뒤에 아래 ‘답변 확인’을 눌러 주세요."
NOTHING = "기다리는 답이 없어요. 궁금한 것을 물어봐 주세요."
NO_PICTURES = "사진은 아직 볼 수 없어요. 목소리나 글로 물어봐 주세요."
EMPTY = "궁금한 것을 글이나 목소리로 물어봐 주세요."

LOOK_SECONDS = 0.1
# A request that waits holds a thread; the others must stay free for acknowledgements.
_waiting = BoundedSemaphore(4)


@blueprint.before_request
def verify() -> None:
    """Refuse whoever does not know the header that is set on the skill's page."""
    settings = services().settings.kakao
    if not same_secret(request.headers.get(settings.header_name, ""), settings.header_value):
        log.warning("webhook_refused", channel=NAME, cause="header")
        abort(HTTPStatus.FORBIDDEN)


@blueprint.post("/skill")
def skill() -> Response:
    """Keep a question as a turn, and say that the answer will come or give it at once."""
    moment = time.time()
    asked = _asked()
    if asked.utterance == CHECK and not asked.media_url:
        return jsonify(_check(asked, moment))
    if asked.seen and not asked.media_url:
        return jsonify(kakao_skill.skill([kakao_skill.simple_text(NO_PICTURES)], ()))
    if not asked.utterance and not asked.media_url:
        return jsonify(kakao_skill.skill([kakao_skill.simple_text(EMPTY)], ()))
    with session() as opened:
        message = _message(asked, moment)
        received = receive(opened, message)
        event_id, first = received.event.id, received.event.response
    log.info(
        "received",
        channel=NAME,
        turn=received.turn_id,
        duplicate=received.duplicate,
        callback=bool(asked.callback_url),
    )
    if first is None:
        first = _acknowledge(asked, received.turn_id)
        _keep(event_id, first)
    return jsonify(first)


def _asked() -> Asked:
    settings = services().settings
    try:
        asked = kakao_skill.parse(request.get_data())
    except NotSkillError:
        abort(HTTPStatus.BAD_REQUEST)
    bot_id = settings.kakao.bot_id
    # The development channel writes the same id with a mark behind it.
    if bot_id and asked.bot_id.removesuffix("!") != bot_id:
        log.warning("webhook_refused", channel=NAME, cause="bot")
        abort(HTTPStatus.FORBIDDEN)
    if asked.callback_url:
        outlet = Outlet(settings.kakao.callback_hosts, settings.limits.private_hosts)
        try:
            outlet.check(asked.callback_url)
        except FetchError as error:
            log.warning("webhook_refused", channel=NAME, cause="callback", detail=str(error))
            abort(HTTPStatus.BAD_REQUEST)
    return asked


def _message(asked: Asked, moment: float) -> InboundMessage:
    reply_to = {"asked_at": f"{moment:.3f}"}
    if asked.callback_url:
        reply_to["callback_url"] = asked.callback_url
    return InboundMessage(
        channel=NAME,
        key=_key(asked, moment),
        sender=asked.sender,
        kind="recording" if asked.media_url else "text",
        text="" if asked.media_url else asked.utterance,
        media_url=asked.media_url,
        media_type=asked.media_type,
        reply_to=reply_to,
        received_at=datetime.fromtimestamp(moment, UTC),
    )


def _key(asked: Asked, moment: float) -> str:
    """Return the key under which this request is known, or its own where it is new."""
    names = kakao_skill.keys(asked, moment)
    query = select(InboundEvent.key).where(
        InboundEvent.channel == NAME, InboundEvent.key.in_(names)
    )
    with session() as opened:
        return opened.scalar(query) or names[0]


def _check(asked: Asked, moment: float) -> Skill:
    """Return the held answer, or how far the newest question has come; a replay gets the same."""
    with session() as opened:
        received = note(opened, NAME, _key(asked, moment), "check", {})
        event_id, first = received.event.id, received.event.response
    if first is None:
        first = _looked_up(asked.sender)
        _keep(event_id, first)
    return first


def _keep(event_id: int, response: Skill) -> None:
    with session() as opened:
        remember(opened, event_id, response)


def _looked_up(sender: str) -> Skill:
    sessions = services().sessions
    waiting = held(sessions, sender)
    found = waiting[0] if waiting else None
    if found is None:
        turn_id = pending(sessions, sender)
        if turn_id is None:
            return kakao_skill.skill([kakao_skill.simple_text(NOTHING)], ())
        found = _wait(turn_id)
    if found is None:
        return kakao_skill.skill([kakao_skill.simple_text(NOT_YET)], (CHECK_REPLY,))
    more = (CHECK_REPLY,) if len(waiting) > 1 else ()
    return kakao_skill.skill(_served(found), (*more, *AGAIN))


def _acknowledge(asked: Asked, turn_id: int | None) -> Skill:
    """Return the promise of a callback, or the answer itself where it is there in time."""
    if asked.callback_url:
        return kakao_skill.will_call_back(WAIT)
    earlier = held(services().sessions, asked.sender, but=turn_id)[:1]
    whole = [output for one in earlier for output in _served(one)]
    found = _wait(turn_id) if turn_id is not None else None
    if found is not None:
        brief = [reminder(one, services().links) for one in earlier]
        return kakao_skill.skill([*_served(found), *brief])
    return kakao_skill.skill([*whole, kakao_skill.simple_text(NOT_YET)], (CHECK_REPLY, *AGAIN))


def _wait(turn_id: int) -> Reply | None:
    """Return the turn's reply once its answer is known; None where that takes too long."""
    sessions = services().sessions
    if not _waiting.acquire(blocking=False):
        return answered(sessions, turn_id)
    try:
        end = time.monotonic() + services().settings.kakao.answer_seconds
        while (reply := answered(sessions, turn_id)) is None and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        return reply
    finally:
        _waiting.release()


def _served(reply: Reply) -> list[Skill]:
    """Return the outputs of `reply`, which reaches the person with them."""
    serve(services().sessions, turn_key(reply))
    return answer_outputs(reply, services().links)
