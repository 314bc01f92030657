"""Twilio Messaging, played: signed webhooks, media behind a password, the REST API, statuses."""

from __future__ import annotations

import hmac
import queue
import secrets
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Response, jsonify, redirect, request
from twilio.request_validator import RequestValidator
from werkzeug.wrappers import Response as AnyResponse

from bot.simulate.vendor import Vendor, type_of

WHATSAPP_BYTES = 16 * 1024 * 1024
CAPTION_LETTERS = 1024
SECONDS = 15.0
PATIENCE = 30.0
"""So long an answer is waited for, to say by how much it was late."""
STATUSES = ("sent", "delivered")


@dataclass
class Sent:
    """A message that the service sent, and what its media address held."""

    sid: str
    fields: dict[str, str]
    media: bytes = b""
    media_type: str = ""
    status: str = "queued"
    at: float = field(default_factory=time.monotonic)


class FakeTwilio(Vendor):
    """Twilio for one account. `sent` holds the messages, `arrived` gives them as they come."""

    def __init__(self, account_sid: str, auth_token: str, public_url: str, port: int = 0) -> None:
        super().__init__(port=port)
        self.account_sid = account_sid
        self.public_url = public_url
        self.sent: list[Sent] = []
        self.arrived: queue.Queue[Sent] = queue.Queue()
        self.downloads: list[str] = []
        self.fail_next = 0
        """So many sends are answered with 503 after they were taken, like a lost answer."""
        self._token = auth_token
        self._media: dict[str, Path] = {}
        self._server_url = ""
        account = f"/2010-04-01/Accounts/{account_sid}"
        add = self.app.add_url_rule
        add(f"{account}/Messages/<mm>/Media/<me>", "media", self._serve_media)
        add("/cdn/<me>", "cdn", self._serve_cdn)
        add(f"{account}/Messages.json", "create", self._create, methods=["POST"])
        add(f"{account}/Messages.json", "list", self._list)
        add(f"{account}.json", "account", lambda: jsonify(sid=account_sid, status="active"))

    def form(self, question: Path | str, sender: str, to: str) -> dict[str, str]:
        """Return the form of a WhatsApp message that carries a file or a text."""
        sid = "SM" + secrets.token_hex(16)
        form = {
            "MessageSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self.account_sid,
            "From": sender,
            "To": to,
            "WaId": sender.partition("+")[2],
            "ProfileName": "시험",
            "ApiVersion": "2010-04-01",
            "NumSegments": "1",
            "SmsStatus": "received",
            # A field that nobody knows yet: the vendor adds them without notice.
            "XParameterOfTomorrow": "가 나&다",
        }
        if isinstance(question, str):
            return form | {"Body": question, "NumMedia": "0", "MessageType": "text"}
        name = "ME" + secrets.token_hex(16)
        self._media[name] = question
        url = f"{self.url}/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}/Media/{name}"
        kind = type_of(question)
        return form | {
            "Body": "",
            "NumMedia": "1",
            "MediaUrl0": url,
            "MediaContentType0": kind,
            "MessageType": kind.partition("/")[0],
        }

    def signature(self, url: str) -> str:
        """Return the signature of a request without fields to `url`, such as a handshake."""
        return str(RequestValidator(self._token).compute_signature(url, {}))

    def post(
        self, path: str, form: dict[str, str], server_url: str, signature: str | None = None
    ) -> requests.Response:
        """Send a webhook to the service at `server_url`, signed over its public address."""
        self._server_url = server_url
        signed = RequestValidator(self._token).compute_signature(self.public_url + path, form)
        return requests.post(
            server_url + path,
            data=form,
            headers={
                "X-Twilio-Signature": signed if signature is None else signature,
                "I-Twilio-Idempotency-Token": form.get("MessageSid", ""),
                "User-Agent": "TwilioProxy/1.1",
            },
            timeout=PATIENCE,
        )

    def _serve_media(self, mm: str, me: str) -> AnyResponse:
        if not self._authorized():
            return Response(status=HTTPStatus.UNAUTHORIZED)
        # Like Twilio, which hands media over to another host; the password must not go there.
        port = urlsplit(self.url).port
        return redirect(f"http://localhost:{port}/cdn/{me}", HTTPStatus.TEMPORARY_REDIRECT)

    def _serve_cdn(self, me: str) -> Response:
        self.book.expect(
            "Authorization" not in request.headers, "the password was sent along a redirect"
        )
        self.downloads.append(me)
        path = self._media[me]
        return Response(path.read_bytes(), content_type=type_of(path))

    def _create(self) -> tuple[Response, int]:
        if not self._authorized():
            return jsonify(code=20003, message="Authenticate"), HTTPStatus.UNAUTHORIZED
        message = Sent("MM" + secrets.token_hex(16), dict(request.form.items()))
        fault = self._fault(message)
        if not self.book.expect(not fault, f"a message was refused: {fault}"):
            return jsonify(code=63019, message=fault, status=400), HTTPStatus.BAD_REQUEST
        self.sent.append(message)
        self.arrived.put(message)
        if self.fail_next > 0:
            self.fail_next -= 1
            return jsonify(code=20503, message="unavailable"), HTTPStatus.SERVICE_UNAVAILABLE
        if message.fields.get("StatusCallback"):
            threading.Thread(target=self._tell, args=(message,), daemon=True).start()
        return jsonify(self._shown(message)), HTTPStatus.CREATED

    def _list(self) -> Response:
        if not self._authorized():
            return Response(status=HTTPStatus.UNAUTHORIZED)
        wanted = request.args
        found = [
            self._shown(message)
            for message in reversed(self.sent)
            if wanted.get("To") in (None, message.fields.get("To"))
            and wanted.get("From") in (None, message.fields.get("From"))
        ]
        return jsonify(messages=found, next_page_uri=None, page=0, page_size=50)

    def _fault(self, message: Sent) -> str:
        """Return why WhatsApp would not take the message; fetches its media as Twilio does."""
        fields = message.fields
        if not fields.get("To", "").startswith("whatsapp:+"):
            return "To is no WhatsApp address"
        if not fields.get("From", "").startswith("whatsapp:+"):
            return "From is no WhatsApp address"
        url = fields.get("MediaUrl", "")
        if not url:
            return "" if fields.get("Body") else "there is neither text nor media"
        if len(fields.get("Body", "")) > CAPTION_LETTERS:
            return f"the text under media exceeds {CAPTION_LETTERS} letters"
        return self._media_fault(message, url, WHATSAPP_BYTES)

    def _media_fault(self, message: Sent, url: str, most_bytes: int) -> str:
        """Return why the media at `url` would not be taken; keep it with the message."""
        name = urlsplit(url).path.rpartition("/")[2]
        if len(name) > 20 or not name.isascii():
            return f"the file name {name!r} is too long or not ASCII"
        head, got = requests.head(url, timeout=SECONDS), requests.get(url, timeout=SECONDS)
        if head.status_code != 200 or got.status_code != 200:
            return f"the media address answers {head.status_code} and {got.status_code}"
        kinds = {head.headers.get("Content-Type"), got.headers.get("Content-Type")}
        if kinds != {"video/mp4"}:
            return f"the media has the type {kinds}, not video/mp4"
        if head.headers.get("Content-Length") != str(len(got.content)):
            return "HEAD and GET do not agree on the length"
        if len(got.content) > most_bytes:
            return f"the media exceeds {most_bytes >> 20} MB"
        if got.content[4:8] != b"ftyp":
            return "the media is no MP4"
        message.media, message.media_type = got.content, "video/mp4"
        return ""

    def _tell(self, message: Sent) -> None:
        """Send the status callbacks, the later one first: their order is not promised."""
        url = urlsplit(message.fields["StatusCallback"])
        path = url._replace(scheme="", netloc="").geturl()
        for status in reversed(STATUSES):
            form = {
                "MessageSid": message.sid,
                "MessageStatus": status,
                "AccountSid": self.account_sid,
                "To": message.fields["To"],
                "From": message.fields["From"],
            }
            try:
                answer = self.post(path, form, self._server_url or self.public_url)
            except requests.RequestException as error:
                self.book.expect(False, f"no status webhook: {type(error).__name__}")
                return
            self.book.expect(answer.ok, f"the status webhook answered {answer.status_code}")
        message.status = STATUSES[-1]

    def _authorized(self) -> bool:
        given = request.authorization
        return (
            given is not None
            and given.username == self.account_sid
            and hmac.compare_digest(given.password or "", self._token)
        )

    def _shown(self, message: Sent) -> dict[str, Any]:
        return {
            "sid": message.sid,
            "account_sid": self.account_sid,
            "body": message.fields.get("Body", ""),
            "to": message.fields.get("To"),
            "from": message.fields.get("From"),
            "status": message.status,
            "direction": "outbound-api",
            "num_media": "1" if message.media else "0",
            "error_code": None,
            "uri": f"/2010-04-01/Accounts/{self.account_sid}/Messages/{message.sid}.json",
        }
