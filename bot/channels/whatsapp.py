"""WhatsApp through Twilio Messaging: recordings fetched, replies sent as MP4 messages."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any

from requests import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException

from bot.channels.fetch import Outlet
from bot.channels.inbound import fetch_recording, turn_key
from bot.channels.links import Links
from bot.channels.twilio_client import rest_client
from bot.conversation.delivery import DeliveryError, Reply
from bot.conversation.record import HUMAN, SUMMARY
from bot.settings import Settings

NAME = "whatsapp"
MEDIA_BYTES = 16 * 1024 * 1024
"""The most that WhatsApp takes as one media message."""

BODY_LETTERS = 1000
"""A caption longer than 1,024 letters is refused."""

LOOK_BACK = 20
"""How many of the newest messages to a person are searched for a reply."""

_URL = re.compile(r"https?://\S+")
_PASSING = frozenset({401, 403, 408, 409, 425, 429})
_DEAD = frozenset({"failed", "undelivered", "canceled"})


class WhatsApp:
    """The channel `whatsapp`."""

    name = NAME
    wants_early_text = False

    def __init__(self, settings: Settings, links: Links) -> None:
        self._settings = settings
        self._links = links
        self._outlet = Outlet(settings.twilio.media_hosts, settings.limits.private_hosts)

    def fetch(self, url: str, target: Path) -> str:
        """Write a voice note to `target`; return its content type. MediaError, DeliveryError."""
        twilio = self._settings.twilio
        auth = (twilio.account_sid, twilio.auth_token.get_secret_value())
        return fetch_recording(self._outlet, self._settings.limits, url, target, auth)

    def deliver(self, reply: Reply) -> str:
        """Send `reply` as one message with its video; return the message's SID."""
        media = self._media(reply)
        public_url = self._settings.app.public_url
        try:
            message = self._client.messages.create(
                to=reply.address,
                from_=self._settings.twilio.whatsapp_from,
                body=self._body(reply),
                status_callback=f"{public_url}/twilio/status?delivery={reply.key}",
                **({"media_url": [media]} if media else {}),
            )
        except TwilioRestException as error:
            permanent = 400 <= error.status < 500 and error.status not in _PASSING
            raise DeliveryError(
                f"Twilio refused it: {error.code} {error.msg}", permanent
            ) from error
        except (RequestException, TwilioException) as error:
            raise DeliveryError(f"Twilio was not reached: {_kind(error)}", False) from error
        return str(message.sid)

    def find(self, reply: Reply) -> str | None:
        """Return the SID of the message to this person that carries the reply's watch link."""
        try:
            messages = self._client.messages.list(
                to=reply.address, from_=self._settings.twilio.whatsapp_from, limit=LOOK_BACK
            )
        except (RequestException, TwilioException) as error:
            raise DeliveryError(f"Twilio did not say: {_kind(error)}", False) from error
        for message in messages:
            carried = {self._links.watched(url) for url in _URL.findall(message.body or "")}
            if turn_key(reply) in carried and message.status not in _DEAD:
                return str(message.sid)
        return None

    def _media(self, reply: Reply) -> str:
        if reply.video is None or reply.video.bytes > MEDIA_BYTES:
            return ""
        return self._links.media(reply.video.key, "answer.mp4")

    def _body(self, reply: Reply) -> str:
        """Return what is written under the video: the answer, whom to call, and where it is."""
        see = "모두 보기" if reply.outcome == SUMMARY else "큰 화면으로 보기"
        link = f"{see}: {self._links.watch(turn_key(reply))}"
        after = []
        if reply.contact_number:
            after.append(f"☎ {reply.contact_name} {reply.contact_number}".replace("  ", " "))
        if reply.source_name:
            day = f" ({reply.checked:%Y.%m.%d} 확인)" if reply.checked else ""
            after.append(f"출처: {reply.source_name}{day}")
        by = "상담원이 쓴 글이에요." if reply.outcome == HUMAN else "AI가 만든 답변이에요."
        tail = "\n".join([*after, link, by])
        answer = reply.text
        room = BODY_LETTERS - len(tail) - 2
        if len(answer) > room:
            answer = answer[: room - 1] + "…"
        return f"{answer}\n\n{tail}"

    @cached_property
    def _client(self) -> Any:
        return rest_client(self._settings.twilio)


def _kind(error: Exception) -> str:
    """Return what kind of failure it was; the text of one may hold an address with secrets."""
    if isinstance(error, TwilioRestException):
        return f"status {error.status}"
    return type(error).__name__
