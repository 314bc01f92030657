"""Offers from strangers: checked before any connection is made for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiortc.sdp import SessionDescription

from bot.channels.call import MOST_OFFER_BYTES

MOST_LINES = 900
MOST_CANDIDATES = 40
MOST_CODECS = 60
KINDS = ("audio", "video", "application")

_UNREADABLE = (
    ValueError, KeyError, IndexError, AttributeError, TypeError, AssertionError, OverflowError,
)  # fmt: skip
"""What the SDP parser raises at text that is no SDP."""


class BadOfferError(Exception):
    """An offer that is none; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer, and what its caller agreed to."""

    sdp: str
    record: bool
    """Questions and answers with their sound may be stored."""
    pictures: bool
    """Pictures of the caller may be stored."""


def read_offer(body: bytes) -> Offer:
    """Return the offer in a request's JSON `body`; BadOfferError where it is none."""
    if len(body) > MOST_OFFER_BYTES:
        raise BadOfferError(f"it is longer than {MOST_OFFER_BYTES} bytes")
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadOfferError("it is not JSON") from error
    if not isinstance(told, dict) or told.get("type") != "offer":
        raise BadOfferError("it is not an object of type `offer`")
    sdp = told.get("sdp")
    if not isinstance(sdp, str):
        raise BadOfferError("it has no text `sdp`")
    choices = [told.get(name, False) for name in ("record", "pictures")]
    if not all(isinstance(choice, bool) for choice in choices):
        raise BadOfferError("`record` and `pictures` are true or false")
    check_sdp(sdp)
    return Offer(sdp, *choices)


def check_sdp(sdp: str) -> None:
    """Raise BadOfferError where `sdp` is not an offer of one sound, and little more."""
    lines = sdp.splitlines()
    if not lines or lines[0] != "v=0" or len(lines) > MOST_LINES:
        raise BadOfferError("it is no session description of a usual length")
    if any(len(line) < 2 or line[1] != "=" or not line.isprintable() for line in lines if line):
        raise BadOfferError("a line of it is no SDP")
    if sum(line.startswith("a=candidate:") for line in lines) > MOST_CANDIDATES:
        raise BadOfferError(f"it has more than {MOST_CANDIDATES} candidates")
    try:
        session = SessionDescription.parse(sdp)
    except _UNREADABLE as error:
        raise BadOfferError("it cannot be read") from error
    kinds = [media.kind for media in session.media]
    if kinds.count("audio") != 1 or any(kinds.count(kind) > 1 for kind in KINDS):
        raise BadOfferError("it needs one sound, and at most one picture and one data channel")
    for media in session.media:
        if media.kind not in KINDS:
            raise BadOfferError(f"it has a medium {media.kind[:20]!r}")
        if media.dtls is None or not media.dtls.fingerprints:
            raise BadOfferError("it has no DTLS fingerprint")
        if media.ice is None or not (media.ice.usernameFragment and media.ice.password):
            raise BadOfferError("it has no ICE credentials")
        if len(media.rtp.codecs) > MOST_CODECS:
            raise BadOfferError("it has too many codecs")
