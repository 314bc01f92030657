"""A caller without a browser: aiortc with a microphone that follows a script."""

from __future__ import annotations

import asyncio
import json
import time
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from media.types import FloatArray

RATE = 48000


class Microphone(MediaStreamTrack):
    """Sends `sound` (n,) at 48 kHz, then silence."""

    kind = "audio"

    def __init__(self, sound: FloatArray) -> None:
        super().__init__()
        self._sound = (sound * 32767).astype(np.int16)
        self._at = 0
        self._begin = time.monotonic()

    async def recv(self) -> av.AudioFrame:
        wait = self._begin + self._at / RATE - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        part = np.zeros((1, 960), np.int16)
        said = self._sound[self._at : self._at + 960]
        part[0, : len(said)] = said
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self._at
        self._at += 960
        return frame


class Camera(MediaStreamTrack):
    """Sends a grey picture ten times a second."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(0.1)
        picture = np.full((120, 160, 3), 128, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = self._number * 9000, Fraction(1, 90000)
        self._number += 1
        return frame


class Caller:
    """Calls, keeps what comes, and hangs up. `codec` names the video codec that is offered."""

    def __init__(self, sound: FloatArray, camera: bool = False, picture: bool = True) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTrack(Microphone(sound))
        if camera:
            self.peer.addTrack(Camera())
        elif picture:
            self.peer.addTransceiver("video", direction="recvonly")
        self.line = self.peer.createDataChannel("line")
        self.told: list[dict[str, Any]] = []
        self.pictures: list[tuple[float, np.ndarray]] = []
        self.sounds: list[tuple[float, float]] = []
        self.closed = asyncio.Event()
        self._tasks: set[asyncio.Future[None]] = set()
        self.line.on("message", lambda text: self.told.append(json.loads(text)))
        self.line.on("close", self.closed.set)
        self.peer.on("track", self._on_track)

    async def offer(self) -> str:
        """Return the offer's SDP."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def take(self, sdp: str) -> None:
        """Take the answer."""
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    def tell(self, message: Any) -> None:
        """Send a message to the counsellor."""
        self.line.send(message if isinstance(message, str) else json.dumps(message))

    async def hang_up(self) -> None:
        """End the call."""
        for task in self._tasks:
            task.cancel()
        await self.peer.close()

    def _on_track(self, track: MediaStreamTrack) -> None:
        task = asyncio.ensure_future(self._keep(track))
        self._tasks.add(task)

    async def _keep(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert frame.pts is not None
                at = float(frame.pts * frame.time_base)
                if isinstance(frame, av.VideoFrame):
                    self.pictures.append((at, frame.to_ndarray(format="rgb24")))
                elif isinstance(frame, av.AudioFrame):
                    level = float(np.sqrt(np.mean(frame.to_ndarray().astype(float) ** 2)))
                    self.sounds.append((at + 0.01, level))
        except MediaStreamError:
            return
