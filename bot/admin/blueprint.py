"""The console's blueprint: its hooks, its words in templates, its error page."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, make_response, render_template
from werkzeug.exceptions import HTTPException

from bot.admin import (
    account_views,
    article_views,
    conversation_views,
    dashboard_views,
    disclosure_views,
    handover_views,
    lexicon_views,
    review_views,
    trail_views,
    trial_views,
)
from bot.admin.access import begin_request, end_request, to
from bot.admin.desk import desk
from bot.admin.visits import form_token
from bot.admin.words import LANGUAGES, language, t
from bot.conversation.accounts import Role
from bot.conversation.summaries import KST

VIEWS = (
    account_views,
    trail_views,
    conversation_views,
    disclosure_views,
    review_views,
    handover_views,
    article_views,
    lexicon_views,
    trial_views,
    dashboard_views,
)
ERRORS = {
    HTTPStatus.BAD_REQUEST: (
        "요청을 처리하지 못했어요",
        "오래 열어 둔 화면일 수 있어요. 다시 열어 주세요.",
    ),
    HTTPStatus.FORBIDDEN: ("볼 수 없는 화면이에요", "필요하면 관리자에게 권한을 부탁하세요."),
    HTTPStatus.NOT_FOUND: ("찾을 수 없어요", "주소가 틀렸거나 자료가 지워졌어요."),
    HTTPStatus.CONFLICT: (
        "그사이에 바뀌었어요",
        "다른 사람이 먼저 맡았거나 고쳤어요. 다시 열어 보세요.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: ("너무 많이 시도했어요", "10분 뒤에 다시 해 주세요."),
}


def console() -> Blueprint:
    """Return the console: every view, in one blueprint below `/admin`."""
    made = Blueprint("admin", __name__, url_prefix="/admin")
    made.before_request(begin_request)
    made.after_request(end_request)
    made.context_processor(_context)
    made.add_app_template_filter(moment, "moment")
    made.register_error_handler(HTTPException, failed)
    for views in VIEWS:
        views.register(made)
    return made


def moment(value: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return `value` as people in Korea read it; empty for none."""
    return value.astimezone(KST).strftime(form) if value else ""


def failed(error: HTTPException) -> Response:
    """Return a page that says what is the matter, in plain words."""
    status = HTTPStatus(error.code or 500)
    title, line = ERRORS.get(status, ("문제가 생겼어요", "조금 뒤에 다시 해 주세요."))
    response = make_response(render_template("admin/notice.html", title=title, line=line), status)
    if "Allow" in dict(error.get_headers()):
        response.headers["Allow"] = dict(error.get_headers())["Allow"]
    return response


def _context() -> dict[str, Any]:
    return {
        "t": t,
        "url_for": to,
        "language": language(),
        "languages": LANGUAGES,
        "account": g.get("account"),
        "token": form_token(desk(), g.visit) if "visit" in g else "",
        "Role": Role,
    }
