"""Kakao's skill caller, played: requests with a header, media, a callback address used once."""

from __future__ import annotations

import queue
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from flask import Response, jsonify, request

from bot.simulate.skill_rules import faults
from bot.simulate.vendor import Vendor, type_of

DEADLINE = 5.0
CALLBACK_SECONDS = 60.0
PATIENCE = 30.0
"""So long an answer is waited for, to say by how much it was late."""


@dataclass
class Promise:
    """A callback address: when it was given, when the service promised to use it, and its use."""

    token: str
    asked: float = field(default_factory=time.monotonic)
    promised: float | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """What came to a callback address, `seconds` after the question."""

    token: str
    response: Any
    seconds: float


class FakeKakao(Vendor):
    """Kakao for one bot. `arrived` gives what comes to the callback addresses, once each."""

    def __init__(
        self, header_name: str, header_value: str, bot_id: str = "", port: int = 0
    ) -> None:
        super().__init__(port=port)
        self.arrived: queue.Queue[Called] = queue.Queue()
        self.refused: list[str] = []
        self.fail_next = 0
        """So many callbacks are answered with 503 after they were shown, like a lost answer."""
        self._header = {header_name: header_value}
        self._bot_id = bot_id or "bot"
        self._promises: dict[str, Promise] = {}
        self._media: dict[str, Path] = {}
        add = self.app.add_url_rule
        add("/v1/bots/<bot>/callback/<token>", "callback", self._callback, methods=["POST"])
        add("/dna/<name>/<file>", "media", self._serve_media)

    def payload(
        self, question: Path | str, user: str, callback: bool = True
    ) -> tuple[dict[str, Any], Promise]:
        """Return a skill request that carries a text or a file, and its callback's promise."""
        promise = Promise(secrets.token_hex(16))
        params: dict[str, Any] = {"surface": "Kakaotalk.plusfriend"}
        utterance, trigger = question, "TEXT_INPUT"
        if isinstance(question, Path):
            name = secrets.token_hex(8)
            self._media[name] = question
            signed = "credential=zf3biCPbmWRjbqf40YGePFCewdhVuFUo&expires=4102444800&signature=x"
            utterance = f"{self.url}/dna/{name}/{question.name}?{signed}"
            kind = type_of(question).partition("/")[0]
            params["media"] = {"type": kind, "url": utterance}
            trigger = "IMAGE_UPLOAD"
        asked: dict[str, Any] = {
            "timezone": "Asia/Seoul",
            "lang": "ko",
            "utterance": utterance,
            "block": {"id": "block", "name": "폴백 블록"},
            "params": params,
            "user": {
                "id": user,
                "type": "botUserKey",
                "properties": {"plusfriendUserKey": "key", "isFriend": True},
            },
        }
        if callback:
            self._promises[promise.token] = promise
            asked["callbackUrl"] = f"{self.url}/v1/bots/{self._bot_id}/callback/{promise.token}"
        body = {
            "intent": {"id": "block", "name": "폴백 블록"},
            "userRequest": asked,
            "bot": {"id": self._bot_id, "name": "실버라인"},
            "action": {"id": "a", "name": "상담", "params": {}, "detailParams": {}},
            "contexts": [],
            "flow": {"trigger": {"type": trigger}, "lastBlock": {"id": "block", "name": "폴백"}},
        }
        return body, promise

    def post(
        self, body: dict[str, Any], server_url: str, promise: Promise, header: str | None = None
    ) -> tuple[requests.Response, float]:
        """Send a skill request; return the answer and its seconds. `header` forges the secret."""
        headers = self._header if header is None else dict.fromkeys(self._header, header)
        begun = time.monotonic()
        answer = requests.post(
            f"{server_url}/kakao/skill", json=body, headers=headers, timeout=PATIENCE
        )
        seconds = time.monotonic() - begun
        if answer.ok and answer.json().get("useCallback") is True:
            promise.promised = time.monotonic()
        return answer, seconds

    def _serve_media(self, name: str, file: str) -> Response:
        if name not in self._media or "signature" not in request.args:
            return Response(status=403)
        path = self._media[name]
        return Response(path.read_bytes(), content_type=type_of(path))

    def _callback(self, bot: str, token: str) -> tuple[Response, int]:
        promise = self._promises.get(token)
        moment = time.monotonic()
        if promise is None or promise.used or moment - promise.asked > CALLBACK_SECONDS:
            self.refused.append(token)
            return _verdict("FAIL", "Invalid callback token. Check your callback token.")
        if promise.promised is None:
            self.book.expect(False, "the callback came before its promise")
            return _verdict("FAIL", "Use callback true setting required.")
        promise.used = True
        body = request.get_json(silent=True)
        wrong = faults(body)
        for fault in wrong:
            self.book.expect(False, f"callback: {fault}")
        self.arrived.put(Called(token, body, moment - promise.asked))
        if self.fail_next > 0:
            self.fail_next -= 1
            return jsonify(status="ERROR"), 503
        return _verdict("ERROR", wrong[0]) if wrong else _verdict("SUCCESS", "")


def _verdict(status: str, message: str) -> tuple[Response, int]:
    return jsonify(
        taskId=secrets.token_hex(12),
        status=status,
        message=message,
        timestamp=int(time.time() * 1000),
    ), 200
