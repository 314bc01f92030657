"""Encoders of pictures that are quicker than aiortc's own, and a shorter wait for sound.

aiortc offers no setting for either, so this replaces its choice of encoders for the whole process
(`use_quick_encoders`) and shortens one buffer of a connection (`hear_at_once`). Bit rates, packets
and negotiation stay aiortc's.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from aiortc import RTCPeerConnection, rtcrtpsender
from aiortc.codecs import get_encoder
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_TIME_BASE, convert_timebase
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from media.types import FRAME_RATE

BUFFER = "_RTCRtpReceiver__jitter_buffer"
CHANGE = 0.1
"""A bit rate that changes by less than this share is kept: a new encoder begins with a whole
picture."""


class QuickVp8(Vp8Encoder):
    """VP8 for drawn or posed faces: no noise to remove, and less search."""

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Return the packets of `frame` (yuv420p) and its time, as aiortc's encoder does."""
        frame, rate = _planar(frame), self.target_bitrate
        if self.codec is None or not _fits(self.codec, frame, rate):
            self.codec = self._made(frame, rate)
        frame.pict_type = PictureType.I if force_keyframe else PictureType.NONE
        data = b"".join(bytes(packet) for packet in self.codec.encode(frame))
        payloads = self._packetize(data, self.picture_id)
        self.picture_id = (self.picture_id + 1) % (1 << 15)
        return payloads, convert_timebase(frame.pts, frame.time_base, VIDEO_TIME_BASE)

    def _made(self, frame: av.VideoFrame, rate: int) -> VideoCodecContext:
        codec = _context("libvpx", frame, rate)
        codec.gop_size, codec.qmin, codec.qmax = 3000, 2, 56
        codec.options = {
            "bufsize": str(rate),
            "minrate": str(rate),
            "maxrate": str(rate),
            "cpu-used": "-8",
            "deadline": "realtime",
            "lag-in-frames": "0",
            "noise-sensitivity": "0",
            "overshoot-pct": "15",
            "undershoot-pct": "100",
            "partitions": "0",
            "static-thresh": "1",
        }
        codec.thread_count = 1
        return codec


class QuickH264(H264Encoder):
    """H.264 by x264's `superfast` instead of `medium`."""

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Return the packets of `frame` (yuv420p) and its time, as aiortc's encoder does."""
        frame, rate = _planar(frame), self.target_bitrate
        if self.codec is None or not _fits(self.codec, frame, rate):
            self.codec = self._made(frame, rate)
        frame.pict_type = PictureType.I if force_keyframe else PictureType.NONE
        data = b"".join(bytes(packet) for packet in self.codec.encode(frame))
        packets = self._packetize(self._split_bitstream(data))
        return packets, convert_timebase(frame.pts, frame.time_base, VIDEO_TIME_BASE)

    def _made(self, frame: av.VideoFrame, rate: int) -> VideoCodecContext:
        codec = _context("libx264", frame, rate)
        codec.framerate, codec.time_base = Fraction(FRAME_RATE), Fraction(1, FRAME_RATE)
        codec.options = {"level": "31", "tune": "zerolatency", "preset": "superfast"}
        codec.profile = "Baseline"
        codec.thread_count = 1
        return codec


QUICK = {"video/vp8": QuickVp8, "video/h264": QuickH264}


def use_quick_encoders() -> None:
    """Let every connection of this process encode its pictures by the encoders above."""

    def quick(codec: Any) -> Encoder:
        made = QUICK.get(codec.mimeType.lower())
        return made() if made is not None else get_encoder(codec)

    rtcrtpsender.get_encoder = quick  # type: ignore[attr-defined]


def hear_at_once(pc: RTCPeerConnection) -> None:
    """Take the caller's sound out of the buffer of `pc` as it comes.

    aiortc keeps the last 80 ms back, which smooths what is to be heard by people; a recogniser
    hears as well without. What is out of order is still put right.
    """
    for transceiver in pc.getTransceivers():
        if transceiver.kind == "audio":
            getattr(transceiver.receiver, BUFFER)._prefetch = 1


def _context(name: str, frame: av.VideoFrame, rate: int) -> VideoCodecContext:
    codec = av.CodecContext.create(name, "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "yuv420p"
    codec.bit_rate = rate
    return codec


def _planar(frame: av.VideoFrame) -> av.VideoFrame:
    return frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p")


def _fits(codec: VideoCodecContext, frame: av.VideoFrame, rate: int) -> bool:
    same = (codec.width, codec.height) == (frame.width, frame.height)
    return same and abs(rate - (codec.bit_rate or 0)) <= CHANGE * (codec.bit_rate or 1)
