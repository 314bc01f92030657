"""KakaoTalk's channel chatbot: the reply goes once to the callback address, or waits to be asked.

A callback address takes one message within a minute. What cannot go there any more is held, and
served with the person's next utterance.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import structlog
from sqlalchemy.orm import Session, sessionmaker

from bot.channels import kakao_skill
from bot.channels.fetch import FetchError, Outlet
from bot.channels.inbound import fetch_recording, turn_key
from bot.channels.kakao_held import HELD, NAME, held, is_noted, serve
from bot.channels.links import Links
from bot.conversation.delivery import DeliveryError, Reply
from bot.conversation.inbox import note
from bot.conversation.models import DeliveryKind
from bot.conversation.record import HUMAN, PASSED_ON, SUMMARY
from bot.settings import Settings

FIRST_SECOND = 1.0
"""A callback that overtakes its own acknowledgement is refused."""

LAST_SECOND = 50.0
"""The address is said to live for a minute; what is later than this is not tried."""

POST_SECONDS = 8.0
LATE = "답이 조금 늦어지고 있어요. 잠시 뒤에 아래 ‘답변 확인’을 눌러 주세요."
WAITING_PICTURE = "/static/waiting.png"
IN_WORDS = (HUMAN, PASSED_ON, SUMMARY)
"""Outcomes without a video: words are all there is."""

log = structlog.get_logger(__name__)


class Kakao:
    """The channel `kakao`."""

    name = NAME
    wants_early_text = False

    def __init__(self, settings: Settings, links: Links, sessions: sessionmaker[Session]) -> None:
        private = settings.limits.private_hosts
        self._settings = settings
        self._links = links
        self._sessions = sessions
        self._media = Outlet(settings.kakao.media_hosts, private)
        self._callback = Outlet(settings.kakao.callback_hosts, private)

    def fetch(self, url: str, target: Path) -> str:
        """Write a recording to `target`; return its content type. MediaError, DeliveryError."""
        return fetch_recording(self._media, self._settings.limits, url, target)

    def deliver(self, reply: Reply) -> str:
        """Send `reply` to its callback address, once; `HELD` where it is too late for that."""
        known = self.find(reply)
        if known is not None:
            return known
        key = turn_key(reply)
        left = _seconds_left(reply)
        if left <= 0 or self._is_noted(f"late:{key}"):
            return HELD
        tried = self._note(f"posted:{key}")
        earlier = held(self._sessions, reply.address, but=reply.turn_id)[:1]
        outputs = answer_outputs(reply, self._links)
        outputs += [reminder(one, self._links) for one in earlier]
        verdict = self._post(reply, kakao_skill.skill(outputs), left)
        # A used token after an earlier try means that the earlier one arrived.
        arrived = tried and "callback token" in str(verdict.get("message", ""))
        if verdict.get("status") != "SUCCESS" and not arrived:
            log.warning("callback_refused", turn=reply.turn_id, status=verdict.get("status"))
            return HELD
        for one in (reply, *earlier):
            serve(self._sessions, turn_key(one))
        return str(verdict.get("taskId") or f"callback:{key}")

    def say_late(self, reply: Reply) -> None:
        """Use the callback to say that the answer takes longer; the reply itself is then held."""
        key = turn_key(reply)
        left = _seconds_left(reply)
        if left > 0 and not self._is_noted(f"posted:{key}") and not self._note(f"late:{key}"):
            late = kakao_skill.skill([kakao_skill.simple_text(LATE)], (kakao_skill.CHECK_REPLY,))
            self._post(reply, late, left)

    def find(self, reply: Reply) -> str | None:
        """Return an id of `reply` where it has reached the person already."""
        key = f"served:{turn_key(reply)}"
        return key if self._is_noted(key) else None

    def _note(self, key: str) -> bool:
        """Write `key` down; say whether it was already."""
        with self._sessions() as session:
            return note(session, NAME, key, "callback", {}).duplicate

    def _is_noted(self, key: str) -> bool:
        with self._sessions() as session:
            return is_noted(session, key)

    def _post(self, reply: Reply, body: kakao_skill.Skill, left: float) -> dict[str, object]:
        """Return Kakao's verdict; DeliveryError where none came and another try may help."""
        time.sleep(max(0.0, left - (LAST_SECOND - FIRST_SECOND)))
        data = json.dumps(body, ensure_ascii=False).encode()
        try:
            status, content = self._callback.post_json(
                reply.reply_to["callback_url"], data, seconds=min(POST_SECONDS, left)
            )
        except FetchError as error:
            if error.permanent:
                return {"status": error.code}
            raise DeliveryError(f"the callback failed: {error}", False) from error
        if status >= 500:
            raise DeliveryError(f"the callback address answered {status}", False)
        try:
            verdict = json.loads(content)
        except ValueError:
            verdict = None
        return verdict if isinstance(verdict, dict) else {"status": str(status)}


def _seconds_left(reply: Reply) -> float:
    """Return how long the callback address may still be tried; 0 where there is none."""
    if "callback_url" not in reply.reply_to:
        return 0.0
    return LAST_SECOND - (time.time() - float(reply.reply_to.get("asked_at", "0")))


def answer_outputs(reply: Reply, links: Links) -> list[kakao_skill.Skill]:
    """Return the answer in writing, and the card that leads to its video."""
    if reply.outcome in IN_WORDS:
        return [reminder(reply, links)]
    return [kakao_skill.simple_text(reply.text), video_card(reply, links)]


def reminder(reply: Reply, links: Links) -> kakao_skill.Skill:
    """Return what tells of an earlier answer in one output: its card, or a human's words."""
    if reply.outcome == SUMMARY:
        return kakao_skill.text_card(
            "영상 상담 정리", "\n".join(reply.lines), links.watch(turn_key(reply)), ""
        )
    if reply.outcome in IN_WORDS:
        by = "상담원이에요. " if reply.outcome == HUMAN else ""
        return kakao_skill.simple_text(by + reply.text)
    return video_card(reply, links)


def video_card(reply: Reply, links: Links) -> kakao_skill.Skill:
    """Return the card of `reply`; its page shows the video, or that it is being made."""
    title = reply.article_title or "상담 답변"
    about = []
    if reply.contact_number:
        about.append(f"문의: {reply.contact_name} {reply.contact_number}".replace("  ", " "))
    if reply.source_name:
        day = f" ({reply.checked:%Y.%m.%d} 확인)" if reply.checked else ""
        about.append(f"출처: {reply.source_name}{day}")
    watch = links.watch(turn_key(reply))
    if reply.video is None and reply.kind is DeliveryKind.VIDEO:
        return kakao_skill.text_card(title, "\n".join(about), watch, reply.contact_number)
    ready = reply.video is not None
    about.append("AI가 만든 영상이에요." if ready else "영상 준비 중이에요. 눌러서 기다려 주세요.")
    poster = links.media(reply.poster.key, "poster.jpg") if reply.poster else ""
    return kakao_skill.card(
        title,
        "\n".join(about),
        watch,
        reply.contact_number,
        picture=poster or links.public_url + WAITING_PICTURE,
        square=bool(poster),
    )
