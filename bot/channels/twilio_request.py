"""The first thing that happens to every request at Twilio's addresses: who sent it?"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import abort, request

from bot.channels.services import services
from bot.channels.signature import is_from_twilio

log = structlog.get_logger(__name__)


def verify() -> None:
    """Refuse what Twilio did not sign, over the public address whatever the Host header says."""
    settings = services().settings
    query = request.query_string.decode("ascii", "replace")
    url = f"{settings.app.public_url}{request.path}" + (f"?{query}" if query else "")
    params = dict(request.form.lists())
    if not is_from_twilio(settings.twilio, url, params, dict(request.headers)):
        log.warning("webhook_refused", path=request.path, cause="signature")
        abort(HTTPStatus.FORBIDDEN)
    account = request.form.get("AccountSid", "")
    if settings.twilio.account_sid and account != settings.twilio.account_sid:
        log.warning("webhook_refused", path=request.path, cause="account")
        abort(HTTPStatus.FORBIDDEN)
