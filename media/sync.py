"""Whether sound and lips go together: the offset between them, and how sure that is.

Three measures, from the simplest to the one that papers report:

- `correlation`: how far the lips are apart (landmarks) against how loud the sound is. Needs no
  weights; tells the offset, and nothing about the quality of lips.
- `expert`: distances between the embeddings of a sync expert, in the sense of LSE-C and LSE-D.
  Ours comes with the program and knows one speaker.
- `syncnet`: LSE-C and LSE-D themselves, by SyncNet's published weights.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from media.clip import pictures, sound
from media.errors import MediaError
from media.face.landmarks import detect_faces, find_mesh
from media.face.wav2lip import INPUT, face_box
from media.types import FRAME_RATE, Audio, FloatArray, Frame

REACH = 15
"""Frames by which the sound is shifted to both sides, as in the published evaluation."""
SPAN = 5
"""Frames that the expert looks at."""
SMOOTH = 5
"""Frames that a box is averaged over."""
_RANGE_DB = 30.0
_STILL = 0.003
"""Spread of the opening, in heights of the face, under which a mouth does not move."""
OURS = Path(__file__).with_name("face") / "sync_expert.safetensors"
"""The expert that comes with the program; docs/training.md has its card."""
SURE = 0.3
"""Confidence from which our expert is believed: on clips like those that it knows it was above in
each, and for another sentence's sound below in nineteen of twenty."""

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sync:
    """`offset` in frames: positive where the sound comes later than the lips.

    `distance` is that of the best shift (smaller is better), `confidence` how far the median of
    all shifts lies above it (larger is surer). Values of different measures do not compare.
    """

    measure: Literal["correlation", "expert", "syncnet"]
    offset: int
    confidence: float
    distance: float


@dataclass(frozen=True, slots=True)
class Lips:
    """What was seen of a speaking face, a row for each of n frames.

    `opening` (n,) between the inner lips in heights of the face; `crops` (n, 96, 96, 3) RGB, each
    cut by a box that is averaged over five frames, as the Wav2Lip face cuts a clip;
    `points` (n, 468, 3) landmarks in pixels of the frame.
    """

    opening: Points
    crops: NDArray[np.uint8]
    points: FloatArray


def watch(frames: Iterable[Frame]) -> Lips:
    """Return the lips in `frames` (25 a second); where no face is found the last one stays.

    MediaError `no_face` where less than half of the frames show one.
    """
    track: list[FloatArray] = []
    missed = waiting = 0

    def faces() -> Iterator[tuple[Frame, FloatArray]]:
        nonlocal missed, waiting
        last: Frame | None = None
        for frame in frames:
            boxes = detect_faces(frame)
            if boxes:
                last = frame
                track.append(find_mesh(frame, boxes[0]).points)
            elif last is None:
                waiting += 1
                continue
            else:
                missed += 1
                track.append(track[-1])
            yield last, track[-1]

    crops = list(_crops(faces()))
    if not track or 2 * (missed + waiting) > len(track) + waiting:
        raise MediaError(
            "no_face", "Most of the video shows no face.", "Give a video of one speaking face."
        )
    # Frames before the first face count, too: the sound's clock goes on.
    points = np.stack(track[:1] * waiting + track)
    across = points[:, :, :2].astype(np.float64)
    height = np.linalg.norm(across[:, 152] - across[:, 10], axis=1)
    opening = np.linalg.norm(across[:, 14] - across[:, 13], axis=1) / height
    return Lips(opening, np.stack(crops[:1] * waiting + crops), points)


def _crops(faces: Iterable[tuple[Frame, FloatArray]]) -> Iterator[Frame]:
    """Yield the crop of every face; its box is averaged with those of two frames on each side."""
    window: deque[tuple[Frame, FloatArray]] = deque(maxlen=SMOOTH)
    for face in faces:
        window.extend([face] * (1 if window else 1 + SMOOTH // 2))
        if len(window) == SMOOTH:
            yield _crop(window)
    for _ in range(SMOOTH // 2 if window else 0):
        window.append(window[-1])
        if len(window) == SMOOTH:
            yield _crop(window)


def by_correlation(opening: Points, audio: Audio) -> Sync:
    """Return the sync of lips `opening` (n,) at 25 frames a second with `audio`.

    `distance` is 1 − correlation. MediaError `no_movement` or `no_sound`.
    """
    if opening.std() < _STILL:
        raise MediaError(
            "no_movement", "The mouth in the video does not move.", "Give a video of speech."
        )
    level = loudness(audio, len(opening))
    if level.std() == 0:
        raise MediaError("no_sound", "The video is silent.", "Give a video with its sound.")

    # Standardised as wholes: a shift that leaves only a little to compare cannot win by chance.
    lips = (opening - opening.mean()) / opening.std()
    loud = (level - level.mean()) / level.std()

    def distance(seen: slice, heard: slice) -> float:
        return 1.0 - float(lips[seen] @ loud[heard]) / len(lips)

    return _best("correlation", len(opening), distance)


def by_expert(crops: NDArray[np.uint8], audio: Audio, checkpoint: Path) -> Sync:
    """Return the sync that the expert in `checkpoint` sees between `crops` and `audio` (16 kHz).

    MediaError `no_torch`, `no_checkpoint`, `bad_checkpoint`, or `too_short` under 10 frames.
    """
    if len(crops) < 2 * SPAN:
        raise MediaError("too_short", "The video is too short.", "Give at least half a second.")
    heard, seen = embeddings(crops, audio, checkpoint)

    def distance(lips: slice, sounds: slice) -> float:
        return float(np.linalg.norm(seen[lips] - heard[sounds], axis=1).mean())

    return _best("expert", len(seen), distance)


def by_syncnet(video: Path, weights: Path) -> Sync:
    """Return LSE-C and LSE-D of `video` by `syncnet_v2.model` and `sfd_face.pth` in `weights`.

    The surest face track counts. MediaError `no_syncnet` or `no_face`.
    """
    files = {
        "s3fd_weights": weights / "sfd_face.pth",
        "syncnet_weights": weights / "syncnet_v2.model",
    }
    missing = [file.name for file in files.values() if not file.is_file()]
    try:
        from syncnet_python import SyncNetPipeline
    except ImportError as error:
        raise MediaError(
            "no_syncnet",
            "syncnet-python is not installed.",
            "Install it in an environment of its own, since it replaces OpenCV: "
            "pip install syncnet-python",
        ) from error
    if missing:
        raise MediaError(
            "no_syncnet",
            f"{weights} holds no {' and no '.join(missing)}.",
            "Fetch both from https://www.robots.ox.ac.uk/~vgg/software/lipsync/data/ .",
        )
    pipeline = SyncNetPipeline({key: str(file) for key, file in files.items()}, device="cpu")
    offsets, confidences, distances, *_ = pipeline.inference(video_path=str(video), audio_path=None)
    if not len(offsets):
        raise MediaError("no_face", "SyncNet found no face.", "Give a video of one speaking face.")
    track = int(np.argmax(confidences))
    # SyncNet counts how far the lips are behind the sound.
    return Sync("syncnet", -int(offsets[track]), float(confidences[track]), float(distances[track]))


def measure(video: Path, expert: Path | None = None, syncnet: Path | None = None) -> Sync:
    """Return the sync of the file `video`, by SyncNet or an expert where their weights are given.

    Otherwise our own expert answers if it is sure: it knows few faces. Where it is not, or torch is
    missing, the correlation does. Looks at the first minute. MediaError as the measures raise, and
    `not_clip`.
    """
    if syncnet is not None:
        return by_syncnet(video, syncnet)
    audio = sound(video)
    lips = watch(pictures(video))
    if expert is not None:
        return by_expert(lips.crops, audio, expert)
    with suppress(MediaError):
        found = by_expert(lips.crops, audio, OURS)
        if found.confidence >= SURE:
            return found
    return by_correlation(lips.opening, audio)


def loudness(audio: Audio, frames: int) -> Points:
    """Return the level (frames,) of `audio` around the middle of each frame, 0 … 1 over 30 dB."""
    length = audio.rate / FRAME_RATE
    needed = round((frames + 1) * length)
    samples = np.pad(audio.samples.astype(np.float64), (0, max(0, needed - len(audio.samples))))
    power = np.array(
        [np.mean(samples[round(i * length) : round((i + 1) * length)] ** 2) for i in range(frames)]
    )
    level = 10 * np.log10(power + 1e-10)
    return np.asarray(np.clip((level - level.max()) / _RANGE_DB + 1, 0, 1))


def embeddings(
    crops: NDArray[np.uint8], audio: Audio, checkpoint: Path
) -> tuple[FloatArray, FloatArray]:
    """Return the expert's unit embeddings (n − 4, 512) of the sound and of the lips.

    Row i is of the frames i … i + 4 of `crops` (n, 96, 96, 3) RGB and of the sound with them.
    """
    try:
        import torch

        from media.networks.checkpoint import read_network
        from media.networks.mel import wav2lip_mel, wav2lip_windows
        from media.networks.wav2lip import SyncExpert
    except ImportError as error:
        raise MediaError(
            "no_torch",
            f"The sync expert needs {error.name}, which is not installed.",
            "Run: pip install 'silverline[neural]'",
        ) from error
    network = read_network(SyncExpert, checkpoint).eval()
    lower = crops[:, INPUT // 2 :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255.0
    count = len(crops) - SPAN + 1
    windows = wav2lip_windows(wav2lip_mel(audio), count)
    heard, seen = [], []
    with torch.inference_mode():
        for start in range(0, count, 16):
            rows = range(start, min(start + 16, count))
            faces = np.stack([lower[i : i + SPAN].reshape(-1, INPUT // 2, INPUT) for i in rows])
            mel = torch.from_numpy(windows[rows.start : rows.stop, None])
            one, other = network(mel, torch.from_numpy(faces))
            heard.append(one.numpy())
            seen.append(other.numpy())
    return np.concatenate(heard), np.concatenate(seen)


def _best(
    name: Literal["correlation", "expert"], count: int, distance: Callable[[slice, slice], float]
) -> Sync:
    """Return the shift at which `distance` of `count` frames and their sounds is smallest."""
    reach = min(REACH, count // 2)
    shifts = list(range(-reach, reach + 1))
    curve = np.array(
        [
            distance(slice(max(0, -s), count - max(0, s)), slice(max(0, s), count + min(0, s)))
            for s in shifts
        ]
    )
    best = int(curve.argmin())
    return Sync(name, shifts[best], float(np.median(curve) - curve[best]), float(curve[best]))


def _crop(window: Sequence[tuple[Frame, FloatArray]]) -> Frame:
    frame = window[len(window) // 2][0]
    points = np.mean([points for _, points in window], axis=0)
    left, top, right, bottom = face_box(points, (frame.shape[1], frame.shape[0]))
    part = frame[top:bottom, left:right]
    small = cv2.resize(part, (INPUT, INPUT), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small, np.uint8)
