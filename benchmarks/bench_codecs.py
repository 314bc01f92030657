"""Processor time a picture of a call: drawn, turned to planes, encoded by aiortc's way and ours.

Eight seconds of the drawn counsellor speaking, 512 × 512, 0.5 Mbit/s. Time is the processor's, so
that a busy machine changes it little; likeness is the mean PSNR after the first second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import av
import cv2
import numpy as np
from aiortc.codecs import depayload, get_decoder
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from bot.calls.codecs import QuickH264, QuickVp8
from media.face.counsellor import Counsellor
from media.face.live import live_face
from media.types import FRAME_RATE, Audio, Phoneme, Speech

SECONDS, RATE = 8, 500_000
VP8 = RTCRtpCodecParameters("video/VP8", 90000, payloadType=97)
H264 = RTCRtpCodecParameters("video/H264", 90000, payloadType=99)


def pictures() -> tuple[list[np.ndarray], float]:
    """Return the frames of a speaking face, and the milliseconds that one takes."""
    face = live_face(Counsellor(), 1)
    face.frame(0.0)
    sounds = tuple(
        Phoneme("amaosi"[i % 6], 0.1 + 0.12 * i, 0.22 + 0.12 * i, "말") for i in range(60)
    )
    noise = np.random.default_rng(0).normal(0, 0.1, SECONDS * 24000).astype(np.float32)
    face.say(Speech("말", Audio(noise, 24000), sounds), 0.5)
    began = time.process_time()
    found = [face.frame(n / FRAME_RATE) for n in range(SECONDS * FRAME_RATE)]
    return found, 1000 * (time.process_time() - began) / len(found)


def planes(form: Callable[[np.ndarray], av.VideoFrame], shown: list[np.ndarray]) -> float:
    """Return the milliseconds that `form` takes for a picture."""
    began = time.process_time()
    for picture in shown[:100]:
        form(picture)
    return 1000 * (time.process_time() - began) / 100


def by_reformat(picture: np.ndarray) -> av.VideoFrame:
    """Turn a picture to planes as PyAV does."""
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")


def by_opencv(picture: np.ndarray) -> av.VideoFrame:
    """Turn a picture to planes as calls do."""
    return av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), "yuv420p")


def encoded(encoder: Encoder, codec: RTCRtpCodecParameters, shown: list[np.ndarray]) -> str:
    """Return what `encoder` costs and how good it is, in words."""
    encoder.target_bitrate = RATE
    decoder, spent, size, errors = get_decoder(codec), [], 0, []
    for number, picture in enumerate(shown):
        frame = by_opencv(picture)
        frame.pts, frame.time_base = number * 90000 // FRAME_RATE, Fraction(1, 90000)
        began = time.process_time()
        payloads, _ = encoder.encode(frame)
        spent.append(1000 * (time.process_time() - began))
        data = b"".join(depayload(codec, payload) for payload in payloads)
        size += len(data)
        for got in decoder.decode(JitterFrame(data, number)):
            difference = got.to_ndarray(format="rgb24").astype(np.float32) - picture
            errors.append(10 * np.log10(255**2 / np.mean(difference**2)))
    likeness = np.mean(errors[FRAME_RATE:])
    return (
        f"{np.mean(spent):5.2f} ms, p95 {np.percentile(spent, 95):5.2f} ms, "
        f"{8 * size / SECONDS / 1000:4.0f} kbit/s, {likeness:.1f} dB"
    )


def main() -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    shown, drawn = pictures()
    print(f"drawing the counsellor: {drawn:.2f} ms")
    print(f"planes: {planes(by_reformat, shown):.2f} ms by PyAV, {planes(by_opencv, shown):.2f} ms")
    for name, encoder, codec in (
        ("VP8 of aiortc", Vp8Encoder(), VP8),
        ("VP8 of ours", QuickVp8(), VP8),
        ("H.264 of aiortc", H264Encoder(), H264),
        ("H.264 of ours", QuickH264(), H264),
    ):
        print(f"{name:16} {encoded(encoder, codec, shown)}")


if __name__ == "__main__":
    main()
