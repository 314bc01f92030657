"""What monitoring reads: counts and times of requests, steps and turns, for Prometheus.

The web process serves its own at `/metrics`, with what waits in the database; a worker serves its
own on `metrics.worker_port`. Nothing of a person is in a name or a label.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

REGISTRY = CollectorRegistry()
"""This process's figures."""

_REQUEST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_WORK = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120)

REQUESTS = Counter(
    "silverline_http_requests_total",
    "Requests answered.",
    ("method", "endpoint", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "silverline_http_request_duration_seconds",
    "Time until a request was answered.",
    ("endpoint",),
    buckets=_REQUEST,
    registry=REGISTRY,
)
STEP_SECONDS = Histogram(
    "silverline_step_duration_seconds",
    "Time of one attempt at one step of a turn.",
    ("step", "result"),
    buckets=_WORK,
    registry=REGISTRY,
)
TURN_SECONDS = Histogram(
    "silverline_turn_duration_seconds",
    "Time from a question until its reply had left.",
    ("channel", "outcome"),
    buckets=_WORK,
    registry=REGISTRY,
)


def serve(port: int, host: str = "") -> None:
    """Serve this process's figures at `port`, in the background."""
    start_http_server(port, addr=host or "127.0.0.1", registry=REGISTRY)
