"""Jobs: the Celery application, and how a turn is put on a queue.

A job is one word, "move this turn", and means nothing more when it comes twice or late: the turn's
row says what is to be done, and its lease who does it. A job that is lost is made anew by the
sweep in `bot.worker`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from bot.broker import folder_options
from bot.settings import Settings

SPEECH = "speech"
"""The queue of every step but rendering."""

VIDEO = "video"
"""The queue of rendering."""

QUEUES = (SPEECH, VIDEO)
ADVANCE = "silverline.advance"

VISIBILITY_SECONDS = 900
"""After this long Redis gives a job that was not acknowledged to another worker."""

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""A webhook waits this long for a broker that does not answer; the sweep queues the turn then."""

PUBLISH_TRIES = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1}

log = structlog.get_logger(__name__)


def celery_app(settings: Settings) -> Celery:
    """Return the Celery application on the broker of `settings`, the same for the same broker."""
    return _app(settings.jobs.broker, settings.app.data_dir.absolute() / "broker")


def enqueue(settings: Settings, turn_id: int, queue: str = SPEECH, delay: float = 0.0) -> bool:
    """Put the turn on `queue`, to be taken after `delay` seconds; say whether the broker took it.

    Call it after the commit only. Where the broker is away the sweep queues the turn later.
    """
    try:
        celery_app(settings).send_task(
            ADVANCE,
            [turn_id],
            queue=queue,
            countdown=delay or None,
            retry_policy=PUBLISH_TRIES,
            ignore_result=True,
        )
    except (OperationalError, OSError) as error:
        log.warning("job_not_queued", turn=turn_id, queue=queue, error=str(error))
        return False
    return True


@lru_cache(maxsize=8)
def _app(broker: str, folder: Path) -> Celery:
    url, options = broker, _options(broker)
    if broker == "filesystem":
        url, options = "folder://localhost", folder_options(folder)
    app = Celery("silverline", broker=url, set_as_current=False)
    app.conf.update(
        broker_transport_options=options,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        task_queues=[_queue(name) for name in QUEUES],
        task_default_queue=SPEECH,
        task_default_exchange=SPEECH,
        task_default_routing_key=SPEECH,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(name, type="direct"), name)  # type: ignore[no-untyped-call]


def _options(broker: str) -> dict[str, Any]:
    if broker.startswith(("redis://", "rediss://")):
        return {
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
        }
    return {
        "confirm_publish": True,
        "read_timeout": ANSWER_SECONDS,
        "write_timeout": ANSWER_SECONDS,
    }
