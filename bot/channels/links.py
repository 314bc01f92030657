"""Signed links that expire: to a media file, and to the watch page of a turn.

A link is its own permission, so it is unguessable, short-lived and good for one thing. The same
reply gives the same links, however often it is sent: its expiry is counted from the reply's time.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer

from bot.keys import signing_key
from bot.settings import Settings

Purpose = Literal["media", "watch", "call"]


class LinkBrokenError(Exception):
    """A link that this service did not sign."""


class LinkExpiredError(Exception):
    """A link whose time is over."""


@dataclass(frozen=True)
class Links:
    """Makes and reads the links of one service."""

    public_url: str
    key: str
    hours: int

    @classmethod
    def of(cls, settings: Settings) -> Links:
        """Return the links of the service that `settings` describe."""
        return cls(settings.app.public_url, signing_key(settings), settings.app.link_hours)

    def media(self, key: str, name: str, *, since: float | None = None) -> str:
        """Return an address for the file `key`, ending in `name`.

        `name` is short ASCII without spaces; `since` (epoch seconds) is when the hours begin.
        """
        return f"{self.public_url}/media/{self._sign('media', key, since)}/{name}"

    def watch(self, subject: str, *, since: float | None = None) -> str:
        """Return the watch page's address for the turn `subject`."""
        return f"{self.public_url}/w/{self._sign('watch', subject, since)}"

    def call(self, person: int, hours: int) -> str:
        """Return the address of the video call of the person `person`, good for `hours`."""
        token = self._serializer("call").dumps([int(time.time() + hours * 3600), str(person)])
        return f"{self.public_url}/call/{token}"

    def read(self, purpose: Purpose, token: str) -> str:
        """Return what `token` stands for; LinkBrokenError or LinkExpiredError where it does not."""
        try:
            expires, subject = self._serializer(purpose).loads(token)
        except (BadData, ValueError, TypeError) as error:
            raise LinkBrokenError from error
        if time.time() >= expires:
            raise LinkExpiredError
        return str(subject)

    def watched(self, url: str) -> str | None:
        """Return the turn that a watch address leads to, expired or not; None for any other."""
        path = urlsplit(url).path.split("/")
        if len(path) < 2 or path[-2] != "w":
            return None
        try:
            return str(self._serializer("watch").loads(path[-1])[1])
        except (BadData, ValueError, TypeError, IndexError):
            return None

    def _sign(self, purpose: Purpose, subject: str, since: float | None) -> str:
        start = time.time() if since is None else since
        token = self._serializer(purpose).dumps([int(start + self.hours * 3600), subject])
        return str(token)

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.key,
            salt=f"silverline.{purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
