"""TURN passwords as coturn's REST scheme has them, and what browsers get."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

from pydantic import SecretStr

from bot.channels.ice import ice_servers, turn_credentials
from bot.sections import Call


def test_password_is_what_coturn_computes() -> None:
    user, password = turn_credentials("north", "p7", 3600, 1_000_000.9)
    assert user == "1003600:p7"
    assert base64.b64decode(password) == hmac.digest(b"north", b"1003600:p7", hashlib.sha1)


def test_none_without_settings() -> None:
    assert ice_servers(Call(), "p1") == []
    assert ice_servers(Call(turn_urls=("turn:t:3478",)), "p1") == []


def test_both_kinds_of_server() -> None:
    settings = Call(
        stun_urls=("stun:s:3478",),
        turn_urls=("turn:t:3478?transport=udp", "turns:t:443?transport=tcp"),
        turn_secret=SecretStr("north"),
        turn_seconds=60,
    )
    stun, turn = ice_servers(settings, "p1")
    assert stun == {"urls": ["stun:s:3478"]}
    assert turn["urls"] == ["turn:t:3478?transport=udp", "turns:t:443?transport=tcp"]
    until, _, name = turn["username"].partition(":")
    assert name == "p1"
    assert 50 < int(until) - time.time() <= 60
    assert "north" not in str(turn)
