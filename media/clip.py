"""A video file as pictures and sound on one clock: 25 pictures a second, 16 kHz.

For measuring and training on files of one's own; what strangers send goes through `media.decode`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from media.errors import MediaError
from media.types import FRAME_RATE, Audio, Frame

RATE = 16_000


def pictures(path: Path, seconds: float = 60.0) -> Iterator[Frame]:
    """Yield the pictures (h, w, 3) RGB of the first `seconds`, one for every 1/25 s.

    A picture is repeated or left out where the file has another rate; the clock is the file's, so
    picture i goes with the sound from i / 25 s on. MediaError `not_clip`.
    """
    import av

    shown = 0
    last: Frame | None = None
    try:
        with av.open(str(path)) as box:
            if not box.streams.video:
                raise _not_clip(path, "it has no pictures")
            begin = _begin(box)
            for picture in box.decode(video=0):
                # A picture is due where its time rounds to; until then the one before stays.
                due = round(((picture.time or 0.0) - begin) * FRAME_RATE)
                current = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
                while shown < due:
                    yield current if last is None else last
                    shown += 1
                    if shown >= seconds * FRAME_RATE:
                        return
                last = current
            if last is not None:
                yield last
    except av.FFmpegError as error:
        raise _not_clip(path, str(error)) from error


def sound(path: Path, seconds: float = 60.0) -> Audio:
    """Return the sound of the first `seconds` as 16 kHz mono; MediaError `not_clip`."""
    import av

    parts = []
    try:
        with av.open(str(path)) as box:
            if not box.streams.audio:
                raise _not_clip(path, "it has no sound")
            begin = _begin(box)
            resampler = av.AudioResampler("flt", "mono", RATE)
            lead: float | None = None
            for piece in box.decode(audio=0):
                if lead is None:
                    lead = (piece.time or 0.0) - begin
                if (piece.time or 0.0) - begin > seconds:
                    break
                parts += [out.to_ndarray()[0] for out in resampler.resample(piece)]
            parts += [out.to_ndarray()[0] for out in resampler.resample(None)]
    except av.FFmpegError as error:
        raise _not_clip(path, str(error)) from error
    samples = np.concatenate([np.zeros(0, np.float32), *parts])
    shift = round((lead or 0.0) * RATE)
    samples = np.pad(samples, (shift, 0)) if shift > 0 else samples[-shift:]
    return Audio(samples[: round(seconds * RATE)].astype(np.float32), RATE)


def _begin(box: object) -> float:
    """Return when the file's clock begins, in seconds."""
    start = getattr(box, "start_time", None)
    return 0.0 if start is None else start / 1_000_000


def _not_clip(path: Path, why: str) -> MediaError:
    return MediaError(
        "not_clip",
        f"{path.name} is no video that can be read: {why}.",
        "Give a video of a speaking face, with its sound.",
    )
