"""`/metrics` of the web process, and what every request leaves behind: counts, a span, an id."""

from __future__ import annotations

import hmac
import ipaddress
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus

import structlog
from flask import Blueprint, Flask, Response, abort, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from bot.channels.services import services
from bot.conversation.casework import Handover, Stage
from bot.conversation.columns import now
from bot.conversation.models import ENDS, Delivery, Sending, Turn
from bot.metrics import REGISTRY, REQUEST_SECONDS, REQUESTS
from bot.tracing import span

blueprint = Blueprint("monitoring", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Answer with the figures for Prometheus, to who may read them."""
    held = services()
    token = held.settings.metrics.token.get_secret_value()
    if token:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            abort(HTTPStatus.UNAUTHORIZED)
    elif not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:
        abort(HTTPStatus.FORBIDDEN)
    text = generate_latest(REGISTRY) + generate_latest(_registry(held.sessions))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _registry(sessions: sessionmaker[Session]) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(Waiting(sessions))
    return made


class Waiting(Collector):
    """What waits in the database, read when it is asked for."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield turns by state, the age of the oldest, failed deliveries, people who wait."""
        with self._sessions() as session:
            states = session.execute(
                select(Turn.state, func.count()).where(Turn.state.not_in(ENDS)).group_by(Turn.state)
            ).tuples()
            turns = GaugeMetricFamily(
                "silverline_turns_unfinished", "Turns on their way, by state.", labels=("state",)
            )
            for state, count in states:
                turns.add_metric((state.value,), count)
            yield turns
            oldest = session.scalar(
                select(func.min(Turn.created_at)).where(Turn.state.not_in(ENDS))
            )
            age = (now() - oldest).total_seconds() if oldest else 0.0
            yield GaugeMetricFamily(
                "silverline_oldest_unfinished_turn_seconds", "Age of the oldest of them.", age
            )
            failed = select(func.count()).where(Delivery.state == Sending.FAILED)
            yield GaugeMetricFamily(
                "silverline_deliveries_failed",
                "Deliveries that were given up, ever.",
                session.scalar(failed) or 0,
            )
            waiting = select(func.count()).where(Handover.stage == Stage.WAITING)
            yield GaugeMetricFamily(
                "silverline_handovers_waiting",
                "People who wait for a human.",
                session.scalar(waiting) or 0,
            )


def observe(app: Flask) -> None:
    """Count and time every request of `app`, and give its log records an id."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_close)


def _begin() -> None:
    g.begun = time.monotonic()
    g.traced = ExitStack()
    number = uuid.uuid4().hex[:16]
    g.traced.enter_context(structlog.contextvars.bound_contextvars(request=number))
    g.traced.enter_context(span("request", endpoint=request.endpoint or "", request=number))


def _end(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    REQUESTS.labels(request.method, endpoint, str(response.status_code)).inc()
    REQUEST_SECONDS.labels(endpoint).observe(time.monotonic() - g.begun)
    return response


def _close(error: BaseException | None) -> None:
    if "traced" in g:
        g.traced.close()
