"""Offers from strangers: what is taken, and two hundred that are not."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from bot.calls.offers import MOST_CANDIDATES, BadOfferError, check_sdp, read_offer
from bot.channels.call import MOST_OFFER_BYTES


async def _make() -> str:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio")
    peer.addTransceiver("video", direction="recvonly")
    peer.createDataChannel("line")
    await peer.setLocalDescription(await peer.createOffer())
    sdp = str(peer.localDescription.sdp)
    await peer.close()
    return sdp


@pytest.fixture(scope="module")
def sdp() -> str:
    """A good offer."""
    return asyncio.run(_make())


def body(sdp: Any, **more: Any) -> bytes:
    return json.dumps({"type": "offer", "sdp": sdp} | more).encode()


def test_a_good_offer_is_read(sdp: str) -> None:
    offer = read_offer(body(sdp, record=True))
    assert offer.sdp == sdp
    assert offer.record
    assert not offer.pictures


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"type": "answer", "sdp": "v=0"}',
        b'{"type": "offer"}', b'{"type": "offer", "sdp": 5}', b"[" * 40_000,
        b'{"type": "offer", "sdp": "' + b"x" * MOST_OFFER_BYTES + b'"}',
    ],
)  # fmt: skip
def test_what_is_no_offer_is_refused(text: bytes) -> None:
    with pytest.raises(BadOfferError):
        read_offer(text)


def test_consent_is_true_or_false(sdp: str) -> None:
    with pytest.raises(BadOfferError, match="true or false"):
        read_offer(body(sdp, record="yes"))


def hostile(sdp: str) -> dict[str, str]:
    """Return offers that are wrong in one way each."""
    lines = sdp.splitlines()
    candidate = "a=candidate:1 1 udp 2130706431 10.0.0.1 9 typ host"
    at = next(i for i, line in enumerate(lines) if line.startswith("a=ice-ufrag"))
    flooded = lines[:at] + [candidate] * (MOST_CANDIDATES + 1) + lines[at:]

    def without(start: str) -> str:
        return "\r\n".join(line for line in lines if not line.startswith(start))

    audio = sdp[sdp.index("m=audio") : sdp.index("m=video")]
    return {
        "empty": "",
        "no session": "\r\n".join(lines[1:]),
        "not sdp": "v=0\r\nhello",
        "control characters": sdp.replace("a=mid:0", "a=mid:\x00"),
        "too long": sdp + "\r\n".join(["a=x"] * 1000),
        "candidate flood": "\r\n".join(flooded),
        "no fingerprint": without("a=fingerprint"),
        "no ice": without("a=ice-"),
        "no sound": sdp[: sdp.index("m=audio")] + sdp[sdp.index("m=video") :],
        "two sounds": sdp + audio,
        "unknown medium": sdp.replace("m=video", "m=weapon"),
        "bad port": sdp.replace("m=audio ", "m=audio x"),
        "bad payload": sdp.replace("a=rtpmap:96", "a=rtpmap:9x6"),
        "codec flood": sdp.replace(
            "m=audio", "m=audio", 1
        ).replace(audio, audio + "".join(f"a=rtpmap:{n} x{n}/8000\r\n" for n in range(96, 200))),
    }  # fmt: skip


def test_every_hostile_offer_is_refused(sdp: str) -> None:
    for name, text in hostile(sdp).items():
        with pytest.raises(BadOfferError):
            check_sdp(text)
            pytest.fail(f"{name} was taken")


def test_damaged_offers_never_raise_anything_else(sdp: str) -> None:
    rng = random.Random(7)
    for _ in range(200):
        text = list(sdp)
        for _ in range(rng.randint(1, 30)):
            at = rng.randrange(len(text))
            text[at : at + rng.randint(1, 40)] = rng.choice(["", "\n", "=", "\0", "9" * 30, "m="])
        try:
            read_offer(body("".join(text)))
        except BadOfferError:
            continue
