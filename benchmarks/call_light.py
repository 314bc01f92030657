"""A caller that costs the machine next to nothing: sound and packets, no browser.

A browser draws what it receives, in software where there is no GPU, and takes more of two cores
than the server that is measured. Its caller would have brought a machine of their own.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import requests
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from bot.calls.codecs import hear_at_once
from media.types import FloatArray
from tests.bot.calls.caller import RATE, Caller

LOUD = 150.0
"""Root mean square of 16-bit samples from which something is said."""


@dataclass
class Heard:
    """When what came in a call, in monotonic seconds."""

    rang: float = 0.0
    ends: list[float] = field(default_factory=list)
    """Ends of the caller's questions."""
    sounds: list[tuple[float, float]] = field(default_factory=list)
    """Arrival of each 20 ms of sound, and its loudness."""
    pictures: list[float] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)

    def first_sounds(self, most: float) -> list[float]:
        """Return the seconds (less than `most`) from each question's end to the first sound."""
        at = np.array([moment for moment, _ in self.sounds])
        loud = np.array([level for _, level in self.sounds]) > LOUD
        waits = []
        for end in self.ends:
            if loud[(at > end - 0.3) & (at < end)].any():
                continue  # she was speaking herself
            after = at[loud & (at > end)]
            if len(after) and after[0] - end < most:
                waits.append(float(after[0] - end))
        return waits


class Light(Caller):
    """Notes when things arrive and keeps none of them."""

    def __init__(self, sound: FloatArray) -> None:
        super().__init__(sound)
        self.heard = Heard()

    async def _keep(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                moment = time.monotonic()
                if isinstance(frame, av.AudioFrame):
                    level = float(np.sqrt(np.mean(frame.to_ndarray().astype(np.float32) ** 2)))
                    self.heard.sounds.append((moment, level))
                else:
                    self.heard.pictures.append(moment)
        except MediaStreamError:
            return


async def ring(link: str, sound: FloatArray, ends: list[float]) -> Heard:
    """Call `link`, say `sound` (n,) at 48 kHz whose questions end at `ends` (s), hang up."""
    rang = time.monotonic()
    caller = Light(sound)
    microphone: Any = caller.peer.getSenders()[0].track
    body = json.dumps({"type": "offer", "sdp": await caller.offer(), "record": True})
    answer = await asyncio.to_thread(requests.post, f"{link}/offer", data=body, timeout=60)
    await caller.take(answer.json()["sdp"])
    hear_at_once(caller.peer)
    heard = caller.heard
    heard.rang, heard.ends = rang, [microphone._begin + end for end in ends]
    await asyncio.sleep(microphone._begin + len(sound) / RATE - time.monotonic())
    heard.captions = [one["text"] for one in caller.told if one.get("who") == "person"]
    caller.tell({"type": "bye"})
    await asyncio.sleep(0.5)
    await caller.hang_up()
    return heard
