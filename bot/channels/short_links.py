"""Addresses short enough for a text message: `/s/CODE` leads to a turn's watch page.

The code is the turn's key itself, which nobody can guess, in 22 letters.
"""

from __future__ import annotations

import base64
import binascii
import re
from http import HTTPStatus

from flask import Blueprint, abort, redirect
from sqlalchemy import select
from werkzeug.wrappers import Response

from bot.channels.services import services, session
from bot.conversation.models import Turn

blueprint = Blueprint("short", __name__)
_CODE = re.compile(r"[A-Za-z0-9_-]{22}")


def code_of(key: str) -> str:
    """Return the code of the turn `key` (32 hex digits)."""
    return base64.urlsafe_b64encode(bytes.fromhex(key)).decode().rstrip("=")


def key_of(code: str) -> str | None:
    """Return the key of the turn that `code` stands for; None for what is no code."""
    if not _CODE.fullmatch(code):
        return None
    try:
        return base64.urlsafe_b64decode(code + "==").hex()
    except binascii.Error:
        return None


def short_url(public_url: str, key: str) -> str:
    """Return the short address of the turn `key`."""
    return f"{public_url}/s/{code_of(key)}"


@blueprint.get("/s/<code>")
def lead(code: str) -> Response:
    """Lead to the watch page, whose link ends as long after the question as every other."""
    key = key_of(code)
    with session() as opened:
        turn = opened.scalar(select(Turn).where(Turn.key == key)) if key else None
    if turn is None:
        abort(HTTPStatus.NOT_FOUND)
    since = turn.created_at.timestamp()
    return redirect(services().links.watch(turn.key, since=since), HTTPStatus.FOUND)
