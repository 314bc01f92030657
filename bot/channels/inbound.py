"""What webhooks of every channel share: a recording fetched, its faults told in plain words."""

from __future__ import annotations

from pathlib import Path

from bot.channels.fetch import FetchError, Outlet
from bot.conversation.delivery import DeliveryError, Reply
from bot.settings import Limits
from media.errors import MediaError

_REMEDIES = {
    "size": ("too_large", "Send a shorter recording."),
    "status": ("not_available", "Send the recording again."),
}
_REFUSED = (
    "address_refused",
    "Only the vendor's own hosts are fetched from; the settings kakao.media_hosts and "
    "twilio.media_hosts name them.",
)


def fetch_recording(
    outlet: Outlet,
    limits: Limits,
    url: str,
    target: Path,
    auth: tuple[str, str] | None = None,
) -> str:
    """Write the recording at `url` to `target`; return the content type its host names.

    MediaError where it may never be had (another host, a private address, too large, gone);
    DeliveryError where trying again may help.
    """
    try:
        fetched = outlet.fetch(
            url,
            target,
            max_bytes=limits.max_bytes,
            seconds=limits.download_seconds,
            auth=auth,
        )
    except FetchError as error:
        if not error.permanent:
            raise DeliveryError(f"the recording was not fetched: {error}", False) from error
        code, remedy = _REMEDIES.get(error.code, _REFUSED)
        raise MediaError(code, f"The recording was not fetched: {error}.", remedy) from error
    return fetched.content_type


def turn_key(reply: Reply) -> str:
    """Return the key of the turn that `reply` answers, which its watch link is made for."""
    return reply.watch_path.rsplit("/", 1)[-1]
