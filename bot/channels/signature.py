"""Who sent a webhook: Twilio's signatures and Kakao's shared header."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr
from twilio.request_validator import (
    HMAC_SHA1,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from bot.settings import Twilio

__all__ = ["SIGNATURE_HEADER", "SIGNATURE_SETTINGS_HEADER", "is_from_twilio", "same_secret"]


def same_secret(given: str, expected: SecretStr) -> bool:
    """Compare in constant time; a secret that is not configured matches nothing."""
    wanted = expected.get_secret_value()
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def is_from_twilio(
    settings: Twilio,
    url: str,
    params: Mapping[str, Sequence[str]] | str,
    headers: Mapping[str, str],
) -> bool:
    """Say whether Twilio signed this request.

    `url` is the public address with its query, as Twilio was given it; `params` every form field
    with its values, known or not, or the raw body of a JSON request. The settings header chooses
    between the account's token (HMAC-SHA1) and a shared key (HMAC-SHA256) that is configured
    under its id. Without the secret nothing is from Twilio.
    """
    chosen = headers.get(SIGNATURE_SETTINGS_HEADER, "")
    algorithm = get_signature_algorithm(chosen)
    secret = _shared_key(settings, chosen) if chosen else settings.auth_token
    # A shared key never signs with the old algorithm, nor the token with a new one.
    if not secret.get_secret_value() or (algorithm == HMAC_SHA1) == bool(chosen):
        return False
    if isinstance(params, str) and "bodySHA256" not in parse_qs(urlsplit(url).query):
        return False
    validator = RequestValidator(secret.get_secret_value())
    fields = params if isinstance(params, str) else _Fields(params)
    given = headers.get(SIGNATURE_HEADER, "")
    return bool(given.isascii() and validator.validate(url, fields, given, algorithm))


def _shared_key(settings: Twilio, chosen: str) -> SecretStr:
    for part in chosen.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "key":
            return settings.shared_keys.get(value.strip(), SecretStr(""))
    return SecretStr("")


class _Fields(dict[str, Sequence[str]]):
    """Form fields in the shape that the validator asks for: every value of a repeated name."""

    def getall(self, name: str) -> Sequence[str]:
        return self[name]
