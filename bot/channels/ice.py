"""ICE servers for callers, with TURN credentials that live for an hour.

The credentials follow the scheme that coturn calls the REST API (`use-auth-secret`): the user name
is the moment at which they end and a name, the password its HMAC-SHA1 under a shared secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from bot.sections import Call


def turn_credentials(secret: str, name: str, seconds: int, now: float) -> tuple[str, str]:
    """Return user name and password for `name`, good for `seconds` from `now` (epoch seconds)."""
    user = f"{int(now) + seconds}:{name}"
    digest = hmac.new(secret.encode(), user.encode(), hashlib.sha1).digest()
    return user, base64.b64encode(digest).decode()


def ice_servers(settings: Call, name: str) -> list[dict[str, Any]]:
    """Return the list `iceServers` of an RTCPeerConnection for the caller `name`."""
    servers: list[dict[str, Any]] = []
    if settings.stun_urls:
        servers.append({"urls": list(settings.stun_urls)})
    secret = settings.turn_secret.get_secret_value()
    if settings.turn_urls and secret:
        user, password = turn_credentials(secret, name, settings.turn_seconds, time.time())
        servers.append({"urls": list(settings.turn_urls), "username": user, "credential": password})
    return servers
