"""The web application of the live process: sockets and calls that hold a conversation."""

from __future__ import annotations

from flask import Flask

from bot import health
from bot.channels import live_seats, phone_live
from bot.channels.services import Services
from bot.live.house import LiveHouse
from bot.settings import Settings

SOCKET = {"ping_interval": 20, "max_message_size": 64 * 1024}


def create_live_app(settings: Settings, held: Services, house: LiveHouse) -> Flask:
    """Return the application that `settings` describe, with the conversations of `house`."""
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=settings.limits.request_bytes, SOCK_SERVER_OPTIONS=SOCKET)
    held.attach(app)
    live_seats.attach(app, house)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(live_seats.blueprint)
    if settings.twilio.enabled and settings.twilio.phone_enabled:
        app.register_blueprint(phone_live.blueprint)
    return app
