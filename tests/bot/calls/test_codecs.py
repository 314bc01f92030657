"""Our encoders in aiortc's place: decodable, changed by the bit rate alone, and used by calls."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCRtpCodecParameters, rtcrtpsender
from aiortc.codecs import depayload, get_decoder
from aiortc.codecs.base import Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.jitterbuffer import JitterFrame

from bot.calls.codecs import QuickH264, QuickVp8, hear_at_once, use_quick_encoders
from media.face.counsellor import Counsellor

VP8 = RTCRtpCodecParameters("video/VP8", 90000, payloadType=97)
H264 = RTCRtpCodecParameters(
    "video/H264", 90000, payloadType=99,
    parameters={"packetization-mode": "1", "profile-level-id": "42e01f"},
)  # fmt: skip


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return list(Counsellor(size=256).listening(1.0))


def frame(picture: np.ndarray, number: int, form: str = "yuv420p") -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=form)
    made.pts, made.time_base = number * 3600, Fraction(1, 90000)
    return made


def decoded(codec: RTCRtpCodecParameters, packets: list[list[bytes]]) -> list[np.ndarray]:
    decoder, found = get_decoder(codec), []
    for number, payloads in enumerate(packets):
        data = b"".join(depayload(codec, payload) for payload in payloads)
        found += decoder.decode(JitterFrame(data, number * 3600))
    return [one.to_ndarray(format="rgb24") for one in found]


@pytest.mark.parametrize(("codec", "encoder"), [(VP8, QuickVp8), (H264, QuickH264)])
def test_what_is_encoded_looks_the_same(
    codec: RTCRtpCodecParameters, encoder: type[Encoder], pictures: list[np.ndarray]
) -> None:
    made = encoder()
    packets = []
    for number, picture in enumerate(pictures):
        payloads, at = made.encode(frame(picture, number, "rgb24" if number == 3 else "yuv420p"))
        assert at == number * 3600
        assert payloads
        assert all(len(one) <= 1300 for one in payloads)
        packets.append(payloads)
    shown = decoded(codec, packets)
    assert len(shown) == len(pictures)
    errors = [np.mean((a.astype(float) - b) ** 2) for a, b in zip(shown, pictures, strict=True)]
    assert 10 * np.log10(255**2 / np.mean(errors[5:])) > 35


@pytest.mark.parametrize("encoder", [QuickVp8, QuickH264])
def test_a_new_encoder_only_for_another_rate_or_size(
    encoder: type[Encoder], pictures: list[np.ndarray]
) -> None:
    made = encoder()
    made.target_bitrate = 500_000
    sizes = [sum(map(len, made.encode(frame(one, n))[0])) for n, one in enumerate(pictures[:6])]
    first = made.codec
    made.target_bitrate = 540_000
    made.encode(frame(pictures[6], 6))
    assert made.codec is first
    whole = sum(map(len, made.encode(frame(pictures[7], 7), force_keyframe=True)[0]))
    assert whole > 3 * np.median(sizes[1:])
    made.target_bitrate = 900_000
    made.encode(frame(pictures[8], 8))
    assert made.codec is not first
    second = made.codec
    made.encode(frame(pictures[9][:128, :128].copy(), 9))
    assert made.codec is not second


def test_connections_take_ours_for_pictures_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtcrtpsender, "get_encoder", rtcrtpsender.get_encoder)
    use_quick_encoders()
    assert isinstance(rtcrtpsender.get_encoder(VP8), QuickVp8)
    assert isinstance(rtcrtpsender.get_encoder(H264), QuickH264)
    opus = RTCRtpCodecParameters("audio/opus", 48000, channels=2, payloadType=96)
    assert isinstance(rtcrtpsender.get_encoder(opus), OpusEncoder)


def test_sound_is_taken_as_it_comes() -> None:
    async def both() -> None:
        pc = RTCPeerConnection()
        pc.addTransceiver("audio")
        pc.addTransceiver("video")
        before = [t.receiver._RTCRtpReceiver__jitter_buffer._prefetch for t in pc.getTransceivers()]
        hear_at_once(pc)
        after = [t.receiver._RTCRtpReceiver__jitter_buffer._prefetch for t in pc.getTransceivers()]
        assert before == [4, 0]
        assert after == [1, 0]
        await pc.close()

    asyncio.run(both())
