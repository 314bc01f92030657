"""The watch page of a turn, and the media files behind their signed links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as WerkzeugResponse
from werkzeug.wsgi import wrap_file

from bot.channels.call_summary import summarised, summary_page
from bot.channels.links import LinkBrokenError, LinkExpiredError, Links, Purpose
from bot.channels.services import services, session
from bot.conversation.database import start_write
from bot.conversation.models import ENDS, MediaFile, State, Turn
from bot.conversation.record import HUMAN, SUMMARY
from bot.conversation.summaries import forget_day

blueprint = Blueprint("watch", __name__)

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

NAMES = {"video/mp4": "answer.mp4", "image/jpeg": "poster.jpg", "audio/wav": "answer.wav"}
"""What a file is called in its address: short ASCII, as the vendors ask."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a watch page shows. Addresses are paths on this service."""

    answered: bool
    lines: tuple[str, ...]
    question: str = ""
    video: str = ""
    poster: str = ""
    waiting: bool = False
    state_url: str = ""
    contact_name: str = ""
    contact_number: str = ""
    source_name: str = ""
    source_url: str = ""
    checked: date | None = None
    by_human: bool = False
    rate_url: str = ""
    helpful: bool | None = None


def page_of(turn: Turn, links: Links, token: str) -> Page:
    """Return what the watch page of `turn` shows now."""
    by_human = turn.outcome == HUMAN
    waiting = turn.video is None and turn.state not in ENDS and not by_human
    base = urlsplit(links.public_url).path
    return Page(
        answered=turn.outcome == "answered",
        lines=tuple(turn.lines) or ((turn.answer,) if turn.answer else ()),
        question=turn.text,
        video=media_path(links, turn.video),
        poster=media_path(links, turn.poster),
        waiting=waiting,
        state_url=f"{base}/w/{token}/state",
        contact_name=turn.contact_name,
        contact_number=turn.contact_number,
        source_name=turn.source_name,
        checked=turn.checked,
        by_human=by_human,
        rate_url=f"{base}/w/{token}/rating" if turn.state is State.DELIVERED else "",
        helpful=turn.helpful,
    )


def media_path(links: Links, file: MediaFile | None) -> str:
    """Return the path of `file` under a fresh signed link; empty where there is no file."""
    if file is None:
        return ""
    url = links.media(file.key, NAMES.get(file.content_type, "file"))
    return urlsplit(url).path


@blueprint.get("/w/<token>")
def watch(token: str) -> Response:
    """Show the answer of a turn: its video, or that it is being made, and the words."""
    turn = _turn(token)
    if isinstance(turn, Response):
        return turn
    held = services()
    call = held.settings.call
    if turn.outcome == SUMMARY:
        again = held.links.call(turn.identity.person_id, call.link_hours).rpartition("/")[2]
        with session() as opened:
            return summary_page(summarised(opened, turn), again, PAGE_POLICY)
    page = page_of(turn, held.links, token)
    call_url = held.links.call(turn.identity.person_id, call.link_hours) if call.enabled else ""
    response = make_response(
        render_template("watch.html", page=page, call_url=urlsplit(call_url).path)
    )
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


@blueprint.get("/w/<token>/state")
def state(token: str) -> Response:
    """Say whether the video is `ready`, still `waiting`, or will not come (`none`)."""
    turn = _turn(token)
    if isinstance(turn, Response):
        return turn
    page = page_of(turn, services().links, token)
    return jsonify(state="ready" if page.video else "waiting" if page.waiting else "none")


@blueprint.post("/w/<token>/rating")
def rate(token: str) -> WerkzeugResponse:
    """Keep whether the answer helped, as the person who got it says; the last word counts."""
    turn = _turn(token)
    if isinstance(turn, Response):
        return turn
    said = request.form.get("helpful", "")
    if said not in ("yes", "no") or turn.state is not State.DELIVERED:
        abort(HTTPStatus.BAD_REQUEST)
    with session() as opened:
        start_write(opened)
        opened.get_one(Turn, turn.id).helpful = said == "yes"
        forget_day(opened, turn.created_at)
        opened.commit()
    base = urlsplit(services().links.public_url).path
    return redirect(f"{base}/w/{token}", HTTPStatus.SEE_OTHER)


@blueprint.get("/media/<token>/<name>")
def media(token: str, name: str) -> Response:
    """Send a media file, or the part that a Range header asks for."""
    key = _subject("media", token)
    if isinstance(key, Response):
        return key
    with session() as opened:
        file = opened.scalar(select(MediaFile).where(MediaFile.key == key))
    if file is None:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(content_type=file.content_type)
    response.content_length = file.bytes
    response.set_etag(file.sha256)
    response.headers["Cache-Control"] = "private, no-store"
    name = NAMES.get(file.content_type, "file")
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    environ = dict(request.environ)
    asked = environ.get("HTTP_RANGE", "")
    suffix = asked.removeprefix("bytes=-")
    if "," in asked:
        # Several ranges at once may be answered with the whole; players never ask for them.
        del environ["HTTP_RANGE"]
    elif suffix.isdecimal() and int(suffix) > file.bytes:
        # More of the end than there is means the whole; werkzeug would refuse it.
        environ["HTTP_RANGE"] = "bytes=0-"
    if request.method != "HEAD":
        try:
            response.response = wrap_file(environ, services().files.open(file.key), 64 * 1024)
        except FileNotFoundError:
            abort(HTTPStatus.NOT_FOUND)
        response.direct_passthrough = True
    response.make_conditional(environ, accept_ranges=True, complete_length=file.bytes)
    return response


def notice(status: HTTPStatus, title: str, *lines: str) -> Response:
    """Return a page that says in plain words what is the matter and what to do."""
    knowledge = services().settings.knowledge
    response = make_response(
        render_template(
            "notice.html",
            title=title,
            lines=lines,
            human_number=knowledge.human_number,
            human_name=knowledge.human_name,
        ),
        status,
    )
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def _turn(token: str) -> Turn | Response:
    key = _subject("watch", token)
    if isinstance(key, Response):
        return key
    with session() as opened:
        turn = opened.scalar(
            select(Turn)
            .where(Turn.key == key)
            .options(joinedload(Turn.video), joinedload(Turn.poster), joinedload(Turn.identity))
        )
    if turn is None:
        abort(HTTPStatus.NOT_FOUND)
    return turn


def _subject(purpose: Purpose, token: str) -> str | Response:
    try:
        return services().links.read(purpose, token)
    except LinkBrokenError:
        abort(HTTPStatus.NOT_FOUND)
    except LinkExpiredError:
        return notice(
            HTTPStatus.GONE,
            "이 답변은 기간이 지났어요",
            "개인정보를 지키려고 답변은 며칠만 보여 드려요.",
            "대화방에서 한 번 더 물어보시면 새로 답해 드려요. 급하시면 아래로 전화하세요.",
        )
