"""The worker: takes jobs from its queues and moves their turns; sweeps up what has stopped.

Jobs run in threads of one process, so that its models are loaded once and the broker is heard
while a step runs.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import structlog
from celery import Celery
from celery.exceptions import Reject
from celery.signals import worker_shutting_down
from sqlalchemy.exc import SQLAlchemyError

from bot import metrics, tracing
from bot.admin.figures import roll_up
from bot.conversation.columns import now
from bot.conversation.database import sessions, start_write
from bot.conversation.files import FileStore
from bot.conversation.parts import Parts
from bot.conversation.summaries import KST
from bot.conversation.sweep import sweep
from bot.conversation.turn import advance
from bot.jobs import ADVANCE, QUEUES, SPEECH, celery_app
from bot.settings import Settings
from media.errors import MediaError

log = structlog.get_logger(__name__)


def make_parts(settings: Settings, queues: Collection[str] = QUEUES) -> Parts:
    """Return what this process needs to move turns, built from `settings`."""
    # Channels and engines are imported by who works with them only: they take seconds.
    from bot.channels.registry import channels
    from bot.conversation.engine_steps import EngineSteps

    return Parts(
        sessions=sessions(settings),
        steps=EngineSteps(settings),
        channels=channels(settings),
        files=FileStore(settings.files.url),
        human_name=settings.knowledge.human_name,
        human_number=settings.knowledge.human_number,
        attempts=settings.jobs.attempts,
        lease_seconds=settings.jobs.stuck_seconds,
        queues=tuple(queues),
    )


def run_worker(
    settings: Settings, queues: Collection[str] = QUEUES, parts: Parts | None = None
) -> int:
    """Work until told to stop, finish the steps in hand, and return the exit status.

    Call it in the main thread, for its signal handlers. `parts` takes the place of what the
    settings would build.
    """
    parts = parts or make_parts(settings, queues)
    app = celery_app(settings)
    register(app, parts)

    def stop(**details: object) -> None:
        parts.stopping.set()

    worker_shutting_down.connect(stop, weak=False)
    tracing.set_up(settings.metrics, "silverline-worker")
    if settings.metrics.worker_port:
        metrics.serve(settings.metrics.worker_port)
    with sweeping(settings, parts), preparing(settings, parts):
        worker = app.Worker(
            queues=list(queues),
            pool="threads",
            concurrency=settings.jobs.concurrency,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            quiet=True,
            loglevel="WARNING",
        )
        worker.start()
        return int(worker.exitcode or 0)


def register(app: Celery, parts: Parts) -> None:
    """Make `app` move turns with `parts`."""

    def move(turn_id: int) -> None:
        if parts.stopping.is_set():
            raise Reject("this worker stops", requeue=True)
        advance(parts, turn_id)

    app.task(name=ADVANCE, ignore_result=True, shared=False)(move)
    app.finalize()


@contextmanager
def sweeping(settings: Settings, parts: Parts) -> Iterator[None]:
    """Sweep now and every `jobs.sweep_seconds` in the background while the block runs."""
    stop = threading.Event()

    def run() -> None:
        # The embedded broker keeps no job that a dead worker had taken.
        everything = settings.jobs.broker == "filesystem"
        while True:
            try:
                sweep(parts.sessions, settings.jobs.stuck_seconds, everything)
                everything = False
                _summarise(parts)
            except SQLAlchemyError as error:
                log.warning("not_swept", error=str(error))
            if stop.wait(settings.jobs.sweep_seconds):
                return

    thread = threading.Thread(target=run, name="sweep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _summarise(parts: Parts) -> None:
    """Count the days that are over, a few at a time, before somebody opens the dashboard."""
    with parts.sessions() as session:
        start_write(session)
        roll_up(session, now().astimezone(KST).date())
        session.commit()


@contextmanager
def preparing(settings: Settings, parts: Parts) -> Iterator[None]:
    """Speak what the telephone line says, in the background while the block runs."""
    if not (settings.twilio.enabled and settings.twilio.phone_enabled and SPEECH in parts.queues):
        yield
        return
    from bot.channels.phone_prompts import prepare

    def run() -> None:
        try:
            prepare(settings, parts)
        except (MediaError, SQLAlchemyError, OSError) as error:
            # The line works without: the vendor's own voice reads the words.
            log.warning("prompts_not_prepared", error=str(error))

    thread = threading.Thread(target=run, name="prompts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()
