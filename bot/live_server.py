"""The server of the live process: gunicorn with one worker of threads, for its models.

A WebSocket holds a thread as long as it is open, so there are some more threads than seats.
"""

from __future__ import annotations

import threading
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication

from bot.channels.services import Services
from bot.live.ahead import prepare
from bot.live.house import LiveHouse
from bot.live_app import create_live_app
from bot.log import set_up
from bot.settings import Settings

SPARE_THREADS = 12
GRACE_SECONDS = 20
START_SECONDS = 300
"""A worker that says nothing for so long is replaced; loading the models takes its time."""

log = structlog.get_logger(__name__)


class LiveServer(BaseApplication):  # type: ignore[misc]
    """Serves the live application of `settings`; `run` returns when told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn how to serve."""
        live = self._settings.live
        options = {
            "bind": f"{live.host}:{live.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": live.capacity + SPARE_THREADS,
            "timeout": START_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "warning",
            "proc_name": "silverline-live",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Load the models in the worker, and return the application."""
        settings = self._settings
        set_up(settings.log)
        house = LiveHouse.of(settings)
        house.warm_up()
        app = create_live_app(settings, Services.of(settings), house)
        begin_preparing(settings, house)
        log.info("live_ready", seats=settings.live.capacity)
        return app


def begin_preparing(settings: Settings, house: LiveHouse) -> None:
    """Speak what will be said, in the background, while nobody calls."""
    if not settings.live.prepare:
        return
    arguments: tuple[Any, ...] = (house, threading.Event())
    threading.Thread(target=prepare, args=arguments, name="ahead", daemon=True).start()
