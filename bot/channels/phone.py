"""The telephone through Twilio: recordings fetched and deleted there, a text message after a call.

The answer itself is heard in the call (`bot.channels.phone_webhook`). What is delivered here is
its video: as a link, since telephones in Korea get no pictures by message, and as media where the
line carries it.
"""

from __future__ import annotations

import unicodedata
from functools import cached_property
from pathlib import Path
from typing import Any

from requests import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException

from bot.channels.fetch import Outlet
from bot.channels.inbound import fetch_recording, turn_key
from bot.channels.links import Links
from bot.channels.phone_calls import ANSWERED, NAME, takes_messages
from bot.channels.short_links import short_url
from bot.channels.twilio_client import rest_client
from bot.conversation.asked import VIDEO
from bot.conversation.delivery import DeliveryError, Reply
from bot.conversation.record import SUMMARY
from bot.settings import Settings

HEARD = "heard"
"""The vendor's id of a reply that was heard in the call, with no message after it."""

SMS_BYTES = 90
"""The most that a Korean text message holds, in EUC-KR; what is longer goes as a long one."""

LMS_BYTES = 2000
MMS_BYTES = 5_000_000
"""The most that a message with media holds; a video that is larger goes as its link alone."""
LOOK_BACK = 20
GONE = 404
_PASSING = frozenset({401, 403, 408, 409, 425, 429})
_DEAD = frozenset({"failed", "undelivered", "canceled"})
_SIGNS = str.maketrans({"–": "-", "—": "-", "•": "-", "‘": "'", "’": "'", "☎": "", "₩": "원"})


def euckr(text: str) -> str:
    """Return `text` with nothing in it that EUC-KR cannot write."""
    plain = unicodedata.normalize("NFC", text).translate(_SIGNS)
    kept = plain.encode("euc-kr", "ignore").decode("euc-kr")
    return "\n".join(" ".join(line.split()) for line in kept.splitlines())


def size(text: str) -> int:
    """Return the length of `text` in bytes of EUC-KR."""
    return len(text.encode("euc-kr"))


def message_of(reply: Reply, link: str, form: str) -> str:
    """Return the text message for `reply`: with its three lines, or in `short` form the link.

    A short one is never longer than 90 bytes unless the link alone is.
    """
    summary = reply.outcome == SUMMARY
    if form == "short":
        what = "영상 상담 정리예요." if summary else "물어보신 답이에요."
        full = f"[실버라인] {what}\n{link}"
        return full if size(full) <= SMS_BYTES else link
    lines = [euckr(line) for line in reply.lines[:3]] or [euckr(reply.text)]
    head = f"[실버라인] {'영상 상담 정리예요.' if summary else '전화로 물어보신 답이에요.'}"
    see = "모두 보기" if summary else "영상으로 다시 보기"
    tail = [f"{see}: {link}", "AI가 만든 답변이에요."]
    if reply.contact_number and not any(reply.contact_number in line for line in lines):
        tail.insert(0, euckr(f"전화 {reply.contact_name} {reply.contact_number}"))
    text = "\n".join([head, *lines, *tail])
    while size(text) > LMS_BYTES and lines:
        lines.pop()
        text = "\n".join([head, *lines, *tail])
    return text


class Phone:
    """The channel `phone`."""

    name = NAME
    wants_early_text = False

    def __init__(self, settings: Settings) -> None:
        self._settings, self._links = settings, Links.of(settings)
        self._outlet = Outlet(settings.twilio.media_hosts, settings.limits.private_hosts)

    def fetch(self, url: str, target: Path) -> str:
        """Write a recording to `target`; return its content type. MediaError, DeliveryError."""
        twilio = self._settings.twilio
        auth = (twilio.account_sid, twilio.auth_token.get_secret_value())
        return fetch_recording(self._outlet, self._settings.limits, url, target, auth)

    def forget(self, name: str) -> None:
        """Delete Twilio's recording `name`; DeliveryError where that fails."""
        try:
            self._client.recordings(name).delete()
        except TwilioRestException as error:
            if error.status != GONE:
                raise _refusal(error) from error
        except (RequestException, TwilioException) as error:
            raise _silence(error) from error

    def deliver(self, reply: Reply) -> str:
        """Send the video as a text message; return its SID, or that it was heard."""
        twilio = self._settings.twilio
        if not self._worth_a_message(reply):
            return HEARD
        sender = twilio.sms_from
        by = "messaging_service_sid" if sender.startswith("MG") else "from_"
        try:
            message = self._client.messages.create(
                to=reply.address,
                body=message_of(reply, self._link(reply), twilio.sms_form),
                status_callback=(
                    f"{self._settings.app.public_url}/twilio/voice/message?delivery={reply.key}"
                ),
                **{by: sender},
                **self._media(reply),
            )
        except TwilioRestException as error:
            raise _refusal(error) from error
        except (RequestException, TwilioException) as error:
            # It may have arrived all the same: ask before it is sent again.
            found = self.find(reply)
            if found is not None:
                return found
            raise _silence(error) from error
        return str(message.sid)

    def find(self, reply: Reply) -> str | None:
        """Return the SID of the message to this person that carries the reply's link."""
        if not self._worth_a_message(reply):
            return None
        try:
            messages = self._client.messages.list(to=reply.address, limit=LOOK_BACK)
        except (RequestException, TwilioException) as error:
            raise _silence(error) from error
        link = self._link(reply)
        for message in messages:
            if link in (message.body or "") and message.status not in _DEAD:
                return str(message.sid)
        return None

    def _worth_a_message(self, reply: Reply) -> bool:
        return bool(
            self._settings.twilio.sms_from
            and takes_messages(reply.address)
            and reply.outcome in (ANSWERED, SUMMARY)
            and reply.reply_to.get(VIDEO) != "no"
        )

    def _media(self, reply: Reply) -> dict[str, list[str]]:
        """Return the video as media, where sender and caller are in a country that carries it."""
        twilio = self._settings.twilio
        carried = any(
            reply.address.startswith(prefix) and twilio.sms_from.startswith((prefix, "MG"))
            for prefix in twilio.mms_prefixes
        )
        if not carried or reply.video is None or reply.video.bytes > MMS_BYTES:
            return {}
        return {"media_url": [self._links.media(reply.video.key, "answer.mp4")]}

    def _link(self, reply: Reply) -> str:
        return short_url(self._settings.app.public_url, turn_key(reply))

    @cached_property
    def _client(self) -> Any:
        return rest_client(self._settings.twilio)


def _refusal(error: TwilioRestException) -> DeliveryError:
    permanent = 400 <= error.status < 500 and error.status not in _PASSING
    return DeliveryError(f"Twilio refused it: {error.code} {error.msg}", permanent)


def _silence(error: Exception) -> DeliveryError:
    """Say that Twilio was not reached; the text of the error may hold an address with secrets."""
    return DeliveryError(f"Twilio was not reached: {type(error).__name__}", False)
