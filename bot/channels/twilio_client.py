"""Twilio's REST API: one client for messages, calls and recordings."""

from __future__ import annotations

from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.settings import Twilio

API = "https://api.twilio.com"
API_SECONDS = 15.0


class ApiClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client, pointed at `api_url`, where the API is proxied or played."""

    def __init__(self, api_url: str) -> None:
        super().__init__(timeout=API_SECONDS)
        self._api_url = api_url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        """Make a request as the SDK asks for it, at the configured address."""
        if url.startswith(API + "/"):
            url = self._api_url + url.removeprefix(API)
        return super().request(method, url, *args, **kwargs)


def rest_client(twilio: Twilio) -> Any:
    """Return the SDK's client for the account in `twilio`."""
    return Client(
        twilio.account_sid,
        twilio.auth_token.get_secret_value(),
        http_client=ApiClient(twilio.api_url),
    )
