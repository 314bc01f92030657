"""Clips as what the networks learn from: face crops, mel spectrograms and landmarks.

Each sentence becomes one file, made once: a later run goes on where an earlier one was stopped.
"""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media.errors import MediaError
from media.networks.mel import content_mel, wav2lip_mel
from media.train.clips import Clip, Part
from media.types import FRAME_RATE, Audio, FloatArray, Frame

LONGEST = 25.0
"""Seconds of one sentence, or of a clip without sentences, that are used."""
SHORTEST = 25
"""Frames that a sentence must have."""
QUALITY = 92
"""JPEG quality of the kept crops."""
_HOUR = 3600.0


@dataclass(frozen=True)
class Sentence:
    """One prepared sentence of n frames at 25 a second.

    `crops` (n, 96, 96, 3) BGR, `mel` (80, ~3.2 n) Wav2Lip's, `content` (~2.5 n, 80) MakeItTalk's,
    `points` (n, 468, 3) landmarks in pixels of the video.
    """

    name: str
    part: Part
    crops: NDArray[np.uint8]
    mel: FloatArray
    content: FloatArray
    points: FloatArray


def prepare(
    clips: Iterable[Clip],
    parts: dict[str, Part],
    folder: Path,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Write each sentence of `clips` into `folder` and return the files.

    `tell` is given a line for each clip that is refused, with the reason. MediaError `no_clips`
    where none can be used.
    """
    files: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for clip in clips:
            reason = _prepared(clip, parts[clip.name], folder)
            if reason:
                tell(f"{clip.name}: {reason}")
            files += sorted(folder.glob(f"{glob.escape(clip.name)}.[0-9]*.npz"))
    except OSError as error:
        raise MediaError(
            "no_space",
            f"{folder} cannot be written: {error.strerror or error}.",
            "Make room, or name another folder with --out.",
        ) from error
    if not files:
        raise MediaError(
            "no_clips", "None of the clips can be used.", "Give videos of one speaking face each."
        )
    return files


def _prepared(clip: Clip, part: Part, folder: Path) -> str:
    """Write the sentences of `clip` unless that has been done; return why there are none."""
    done = folder / f"{clip.name}.done"
    if not done.exists():
        reason = ""
        try:
            for index, (crops, points, audio) in enumerate(_sentences(clip)):
                _write(folder / f"{clip.name}.{index}.npz", part, crops, points, audio)
        except MediaError as error:
            reason = str(error)
        done.write_text(reason, encoding="utf-8")
    return done.read_text(encoding="utf-8")


def read(file: Path) -> Sentence:
    """Return the prepared sentence in `file`."""
    import cv2

    with np.load(file) as kept:
        strip = cv2.imdecode(kept["crops"], cv2.IMREAD_COLOR)
        if strip is None:
            raise ValueError(f"{file} holds no pictures")
        side = strip.shape[1]
        return Sentence(
            file.stem,
            str(kept["part"]),  # type: ignore[arg-type]
            np.asarray(strip.reshape(-1, side, side, 3), np.uint8),
            kept["mel"].astype(np.float32),
            kept["content"].astype(np.float32),
            kept["points"].astype(np.float32),
        )


def _sentences(clip: Clip) -> Iterator[tuple[NDArray[np.uint8], FloatArray, Audio]]:
    """Yield crops (n, 96, 96, 3) RGB, landmarks and sound of each sentence of `clip`."""
    from media.clip import pictures, sound
    from media.sync import watch

    spans = clip.spans or ((0.0, LONGEST),)
    longest = min(_HOUR, max(end for _, end in spans))
    audio = sound(clip.sound or clip.video, longest)
    frames = pictures(clip.video, longest)
    shown = 0
    for start, end in spans:
        first, last = round(start * FRAME_RATE), round(min(end, start + LONGEST) * FRAME_RATE)
        if first < shown:
            continue
        seen = list(_take(frames, first - shown, last - first))
        shown = last
        begin = round(first / FRAME_RATE * audio.rate)
        samples = audio.samples[begin : begin + round(len(seen) / FRAME_RATE * audio.rate)]
        if len(seen) < SHORTEST or len(samples) < audio.rate // 2:
            continue
        try:
            lips = watch(seen)
        except MediaError:
            if not clip.spans:
                raise
            continue
        yield lips.crops, lips.points, Audio(samples, audio.rate)


def _take(frames: Iterator[Frame], skip: int, count: int) -> Iterator[Frame]:
    """Yield `count` of `frames` after the next `skip`."""
    return islice(frames, skip, skip + count)


def _write(
    file: Path, part: Part, crops: NDArray[np.uint8], points: FloatArray, audio: Audio
) -> None:
    """Write one sentence, all or nothing."""
    import cv2

    strip = np.ascontiguousarray(crops[..., ::-1].reshape(-1, *crops.shape[2:]))
    coded = cv2.imencode(".jpg", strip, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    handle, name = tempfile.mkstemp(prefix=".", dir=file.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            np.savez(
                out,
                part=np.array(part),
                crops=coded,
                mel=wav2lip_mel(audio).astype(np.float16),
                content=content_mel(audio).astype(np.float16),
                points=points,
            )
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
