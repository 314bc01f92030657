"""The language of a KakaoTalk skill (version 2.0): what it asks, and what may be answered.

Pure functions: no web, no database. Every text is cut to the documented limits.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SIMPLE_TEXT = 1000
CARD_TITLE = 50
CARD_DESCRIPTION = 230
LABEL = 14

CHECK = "답변 확인"
"""What the quick reply says that asks for an answer that was not ready."""

SPOKEN_KINDS = ("audio", "voice", "video", "file")
_SPOKEN_ENDS = re.compile(r"\.(wav|mp3|ogg|opus|oga|m4a|aac|amr|3gp|3g2|webm|mp4|mov|flac)$", re.I)

Skill = dict[str, Any]
"""A skill response, ready to be sent as JSON."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class _User(_Part):
    id: str = Field(min_length=1, max_length=200)


class _Request(_Part):
    user: _User
    utterance: str = Field("", max_length=20_000)
    callbackUrl: str | None = Field(None, max_length=2000)  # noqa: N815
    params: dict[str, Any] = {}


class _Bot(_Part):
    id: str = ""


class _Payload(_Part):
    userRequest: _Request  # noqa: N815
    bot: _Bot = _Bot()


@dataclass(frozen=True, slots=True)
class Asked:
    """A skill request. `media_url` is set where a recording came, `seen` where only a picture."""

    sender: str
    bot_id: str
    utterance: str
    callback_url: str
    media_url: str = ""
    media_type: str = ""
    seen: bool = False


class NotSkillError(Exception):
    """A body that is no skill request."""


def parse(body: bytes) -> Asked:
    """Return what a skill request asks; NotSkillError where it is none."""
    try:
        payload = _Payload.model_validate_json(body)
    except ValidationError as error:
        raise NotSkillError from error
    asked = payload.userRequest
    kind, url = _media(asked.params.get("media"))
    spoken = bool(url) and (kind in SPOKEN_KINDS or bool(_SPOKEN_ENDS.search(urlsplit(url).path)))
    return Asked(
        sender=asked.user.id,
        bot_id=payload.bot.id,
        utterance=asked.utterance.strip(),
        callback_url=asked.callbackUrl or "",
        media_url=url if spoken else "",
        media_type=kind if spoken else "",
        seen=bool(url) and not spoken,
    )


def _media(value: Any) -> tuple[str, str]:
    """Return kind and address of what was sent along; the shape is documented nowhere."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            value = json.loads(value)
        except ValueError:
            return "", ""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        return "", ""
    return str(value.get("type", "")).lower(), value["url"]


def keys(asked: Asked, moment: float) -> tuple[str, ...]:
    """Return the names under which this request may be known already, its own first.

    A request with a callback is named by its single-use token. Without one there is no id: the
    same words of the same person within ten seconds are the same request.
    """
    if asked.callback_url:
        return (f"callback:{_digest(asked.callback_url)}",)
    said = _digest(asked.sender, asked.utterance, urlsplit(asked.media_url).path)
    window = int(moment // 10)
    return tuple(f"said:{said}:{at}" for at in (window, window - 1))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def cut(text: str, most: int) -> str:
    """Return `text` within `most` letters, its end marked where something was cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def simple_text(text: str) -> Skill:
    """Return a speech bubble."""
    return {"simpleText": {"text": cut(text, SIMPLE_TEXT)}}


def quick(label: str, says: str) -> Skill:
    """Return a quick reply that says `says` for the person."""
    return {"label": cut(label, LABEL), "action": "message", "messageText": says}


CHECK_REPLY = quick(CHECK, CHECK)
AGAIN = (
    quick("다시", "다시 말해 주세요"),
    quick("천천히", "천천히 말해 주세요"),
    quick("상담원", "상담원 연결해 주세요"),
)


def card(
    title: str, description: str, watch: str, number: str, *, picture: str, square: bool
) -> Skill:
    """Return the card that leads to the video; `number` adds a button that dials."""
    return {
        "basicCard": {
            "title": cut(title, CARD_TITLE),
            "description": cut(description, CARD_DESCRIPTION),
            "thumbnail": {
                "imageUrl": picture,
                "altText": "상담사가 답하는 영상",
                "fixedRatio": square,
                "link": {"web": watch},
            },
            "buttons": [_web("▶ 영상 보기", watch), *_dial(number)],
        }
    }


def text_card(title: str, description: str, watch: str, number: str) -> Skill:
    """Return the card of an answer without a video."""
    return {
        "textCard": {
            "title": cut(title, CARD_TITLE),
            "description": cut(description, CARD_DESCRIPTION),
            "buttons": [_web("큰 글씨로 보기", watch), *_dial(number)],
        }
    }


def _web(label: str, address: str) -> Skill:
    return {"action": "webLink", "label": label, "webLinkUrl": address}


def _dial(number: str) -> list[Skill]:
    if not number:
        return []
    label = f"☎ {number}"
    label = label if len(label) <= LABEL else "☎ 전화하기"
    return [{"action": "phone", "label": label, "phoneNumber": number}]


def skill(outputs: list[Skill], quick_replies: tuple[Skill, ...] = AGAIN) -> Skill:
    """Return a response with up to three outputs."""
    template: Skill = {"outputs": outputs[:3]}
    if quick_replies:
        template["quickReplies"] = list(quick_replies[:10])
    return {"version": "2.0", "template": template}


def will_call_back(text: str) -> Skill:
    """Return the acknowledgement that promises an answer to the callback address."""
    return {"version": "2.0", "useCallback": True, "data": {"text": text}}
