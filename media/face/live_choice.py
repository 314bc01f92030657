"""Which face calls show: what the persona asks for, as far as this machine keeps up with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from media.errors import MediaError
from media.face.easel import BATCH, Easel, Painter
from media.face.face import Face
from media.face.live import LiveFace, live_face
from media.face.live_wav2lip import PaintedFace
from media.face.portrait import Portrait
from media.face.wav2lip import SHOWN, Wav2LipFace

DRAWN, VISEMES, WAV2LIP = "drawn", "visemes", "wav2lip"


@dataclass(frozen=True, slots=True)
class Shown:
    """How calls show the face, and why.

    `speed` is that of Wav2Lip in times of real time, 0 where it was not measured; `places` is how
    many calls at once it moves.
    """

    engine: str
    why: str
    speed: float = 0.0
    needed: float = 0.0
    device: str = ""
    places: int = 0


class LiveFaces:
    """The faces of the calls of one process. `choose` before the first `open`."""

    def __init__(self, face: Face, needed: float = 2.0) -> None:
        """`needed` is how many times faster than real time Wav2Lip must be for one call.

        MediaError `not_live` where the face cannot be shown live at all.
        """
        live_face(face)
        self._face, self._needed = face, needed
        self._easel: Easel | None = None
        self._taken = 0
        self._lock = threading.Lock()
        self.shown = Shown(DRAWN, "the persona's face is drawn")

    def choose(self) -> Shown:
        """Load the face and measure, where there is something to measure; return what is shown."""
        face = self._face
        if isinstance(face, Wav2LipFace):
            self.shown = self._measured(face)
        else:
            face.warm_up()
            if isinstance(face, Portrait):
                self.shown = Shown(VISEMES, "the persona's face is a portrait")
        return self.shown

    def open(self, number: int = 0) -> LiveFace:
        """Return the face of a new call; its `close` makes room for another one."""
        with self._lock:
            easel = self._easel if self._taken < self.shown.places else None
            self._taken += easel is not None
        if easel is None:
            return live_face(self._face, number)
        return PaintedFace(easel, self.shown.speed, self._left, number)

    def close(self) -> None:
        """Paint nothing more."""
        if self._easel is not None:
            self._easel.close()

    def _left(self) -> None:
        with self._lock:
            self._taken -= 1

    def _measured(self, face: Wav2LipFace) -> Shown:
        portrait = face.portrait
        portrait.warm_up()
        best = Shown(VISEMES, "nothing here computes Wav2Lip", needed=self._needed)
        try:
            for device, painter in _painters(face):
                easel = Easel(portrait, painter)
                speed = easel.measure(self._needed)
                if speed >= self._needed:
                    self._easel = easel
                    places = int(speed / self._needed)
                    return Shown(WAV2LIP, "it keeps up", speed, self._needed, device, places)
                if speed > best.speed:
                    best = Shown(VISEMES, "Wav2Lip is too slow", speed, self._needed, device)
        except MediaError as error:
            # Without its network the photo still speaks.
            return Shown(VISEMES, error.cause, needed=self._needed)
        return best


def _painters(face: Wav2LipFace) -> Iterator[tuple[str, Painter]]:
    """Yield what could compute the network here, the quickest kind first.

    MediaError where the extra `neural` or the checkpoint is missing.
    """
    if not face.checkpoint.is_file():
        raise MediaError(
            "no_checkpoint", f"There is no checkpoint {face.checkpoint.name}.", "Correct the path."
        )
    try:
        from media.networks.gpu import TorchPainter, has_gpu
        from media.networks.runtime import MouthPainter
    except ImportError as error:
        raise MediaError(
            "no_torch",
            f"Wav2Lip needs {error.name}, which is not installed.",
            "Run: pip install 'silverline[neural]'",
        ) from error
    if has_gpu():
        yield "gpu", TorchPainter(face.checkpoint, top=SHOWN)
    threads = max(face.threads, (os.cpu_count() or 1) // 2)
    yield (
        "cpu",
        MouthPainter(
            face.checkpoint, threads, "int8", top=SHOWN, batch=BATCH, examples=face.examples
        ),
    )
