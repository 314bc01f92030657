"""The page of what was talked about in a video call: after it, and behind its message's link."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Response, make_response, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.call import turns_of
from bot.channels.services import services
from bot.conversation.models import InboundEvent, Turn


def summary_page(turns: Sequence[Turn], token: str, policy: str) -> Response:
    """Return the page of the answers among `turns`; `token` calls again, `policy` is its CSP."""
    held = services()
    answers = [
        (turn, urlsplit(held.links.watch(turn.key, since=turn.created_at.timestamp())).path)
        for turn in turns
        if turn.answer
    ]
    response = make_response(
        render_template(
            "call_done.html",
            token=token,
            answers=answers,
            human_name=held.settings.knowledge.human_name,
            human_number=held.settings.knowledge.human_number,
        )
    )
    response.headers["Content-Security-Policy"] = policy
    return response


def summarised(session: Session, summary: Turn) -> list[Turn]:
    """Return the turns of the call that the turn `summary` sums up, the oldest first."""
    key = session.scalar(select(InboundEvent.key).where(InboundEvent.turn_id == summary.id))
    return turns_of(session, key.rpartition(":")[0]) if key else []
