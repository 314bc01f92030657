"""The web application: every channel's webhook, media files, watch pages and health."""

from __future__ import annotations

import time
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from bot import health, monitoring
from bot.admin.blueprint import console
from bot.admin.desk import Desk
from bot.admin.measure import Laboratory
from bot.channels import (
    call_page,
    kakao_webhook,
    phone_webhook,
    short_links,
    watch,
    whatsapp_webhook,
)
from bot.channels.services import Services, services
from bot.conversation.models import MediaFile
from bot.keys import signing_key
from bot.knowledge.articles import load_folder
from bot.knowledge.setup import answerer_for
from bot.knowledge.store import ArticleStore
from bot.settings import Settings

log = structlog.get_logger(__name__)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
YEAR = 365 * 24 * 3600
CONSOLE_LINK_SECONDS = 600
"""How long a link lives that the console leads to."""

TEXTS = {
    HTTPStatus.NOT_FOUND: (
        "이 주소에는 아무것도 없어요",
        "주소가 잘렸을 수 있어요. 받은 메시지에서 다시 눌러 보세요.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "잠시 문제가 생겼어요",
        "조금 뒤에 다시 눌러 주세요. 급하시면 아래로 전화하세요.",
    ),
}


def create_app(settings: Settings, held: Services | None = None) -> Flask:
    """Return the application that `settings` describe; `held` are its services where made before.

    SettingsError or DatabaseError where it cannot be built.
    """
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=settings.limits.request_bytes, MAX_FORM_PARTS=200)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    (held or Services.of(settings)).attach(app)
    app.register_blueprint(health.blueprint)
    monitoring.observe(app)
    if settings.metrics.enabled:
        app.register_blueprint(monitoring.blueprint)
    app.register_blueprint(watch.blueprint)
    if settings.kakao.enabled:
        app.register_blueprint(kakao_webhook.blueprint)
    if settings.twilio.enabled:
        app.register_blueprint(whatsapp_webhook.blueprint)
    if settings.twilio.enabled and settings.twilio.phone_enabled:
        app.register_blueprint(phone_webhook.blueprint)
        app.register_blueprint(short_links.blueprint)
    if settings.call.enabled:
        app.register_blueprint(call_page.blueprint)
    if settings.admin.enabled:
        _console(app)
    app.context_processor(lambda: {"base": urlsplit(settings.app.public_url).path})
    app.register_error_handler(Exception, _failed)
    app.after_request(_headers)
    return app


def _console(app: Flask) -> None:
    """Add the console, which reaches media files by links that soon expire."""
    held: Services = app.extensions["silverline"]

    def media(file: MediaFile) -> str:
        since = time.time() - held.links.hours * 3600 + CONSOLE_LINK_SECONDS
        url = held.links.media(file.key, watch.NAMES.get(file.content_type, "file"), since=since)
        return urlsplit(url).path

    articles = ArticleStore(held.sessions.kw["bind"], load_folder(held.settings.knowledge.folder))
    key = signing_key(held.settings)
    laboratory = Laboratory(
        lambda: answerer_for(held.settings.knowledge, held.settings.app.data_dir)
    )
    desk = Desk(held.settings, held.sessions, media, key, articles=articles, laboratory=laboratory)
    desk.attach(app)
    app.register_blueprint(console())


def _headers(response: Response) -> Response:
    """Add what every answer carries, except where a view chose otherwise."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static":
        response.headers["Cache-Control"] = "public, max-age=3600"
    if services().settings.app.public_url.startswith("https:"):
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR}"
    return response


def _failed(error: Exception) -> Response:
    """Answer a request that failed, without a word about how the inside looks."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    extra = {}
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.code or status)
        extra = {name: value for name, value in error.get_headers() if name == "Content-Range"}
    else:
        log.error("request_failed", endpoint=request.endpoint, exc_info=error)
    if request.accept_mimetypes.accept_html and status in TEXTS and request.method == "GET":
        response = watch.notice(status, *TEXTS[status])
    else:
        response = Response(f"{status.phrase}\n", status, mimetype="text/plain")
    response.headers.update(extra)
    return response
