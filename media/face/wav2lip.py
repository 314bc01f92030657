"""A portrait or a looped clip whose mouth the Wav2Lip network draws.

The face is found once and kept; a silent window shows the resting frame; what the network draws
is laid back with a feathered edge at the portrait's full resolution. Nothing is written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, lru_cache
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from media.errors import MediaError
from media.face.motion import Motion, Pose, listening_motion, phrases, speaking_motion
from media.face.portrait import Portrait
from media.face.portrait_mesh import OVAL, Points, framed_face
from media.face.viseme import REST, frame_count
from media.types import Audio, FloatArray, Frame, Speech
from media.weights import digest_of

if TYPE_CHECKING:
    from media.networks.runtime import MouthPainter

INPUT = 96
MEL_RATE = 16000
SILENT = -3.5
"""Mean of a mel window (−4 is digital silence) below which the mouth rests."""
CLIPS = frozenset({".mp4", ".mov", ".mpg", ".webm", ".mkv", ".avi"})
BATCH = 16
SHOWN = 36
"""Row of the drawn face (96 × 96) from which on it is laid back: see `_feather`."""
WINDOWS = Path(__file__).with_name("wav2lip_windows.npz")
"""320 mel windows of our voices' speech, written by `bench_wav2lip.py --windows`."""
LONGEST_CLIP = 250
"""Frames of a clip that are used; they are played forth and back."""

Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels."""
Mouths = dict[int, FloatArray]
"""Drawn faces (3, 96, 96) by the number of their window in a batch; silent ones are not there."""


class Wav2LipFace:
    """A Face drawn by the Wav2Lip network in `checkpoint`; `source` is a photo or a short clip.

    A photo also blinks and moves its head slightly, as the viseme portrait does; `still` leaves
    it as it is.
    """

    def __init__(
        self,
        source: str | Path,
        checkpoint: str | Path,
        size: int = 512,
        threads: int = 2,
        still: bool = False,
    ) -> None:
        self.source = Path(source)
        self.checkpoint = Path(checkpoint)
        self.size = (size, size)
        self.threads = threads
        self.still = still

    @cached_property
    def version(self) -> str:
        """Engine, checkpoint and source by their contents, for cache keys."""
        marks = [
            f"{path.stem}-{digest_of(path)[:12] if path.is_file() else 'none'}"
            for path in (self.checkpoint, self.source)
        ]
        return f"wav2lip-2-{'-'.join(marks)}-{self.size[0]}"

    @cached_property
    def painter(self) -> MouthPainter:
        """The network; MediaError `no_torch` where the extra `neural` is not installed."""
        try:
            from media.networks.runtime import MouthPainter
        except ImportError as error:
            raise MediaError(
                "no_torch",
                f"Wav2Lip needs {error.name}, which is not installed.",
                "Run: pip install 'silverline[neural]'",
            ) from error
        return MouthPainter(
            self.checkpoint, self.threads, "int8", top=SHOWN, examples=self.examples
        )

    def examples(self) -> tuple[FloatArray, FloatArray]:
        """Return (windows of speech (320, 80, 16), faces of this source (n, 6, 96, 96))."""
        with np.load(WINDOWS) as table:
            windows = table["windows"].astype(np.float32)
        pairs = self._clip if self._is_clip else [self._resting]
        return windows, network_input([frame for frame, _ in pairs], [box for _, box in pairs])

    def warm_up(self) -> None:
        """Find the face, load the network and the spectrogram's library, and draw one batch."""
        from media.networks.mel import wav2lip_mel

        wav2lip_mel(Audio(np.zeros(MEL_RATE // 2, np.float32), MEL_RATE))
        pairs = self._clip[:2] if self._is_clip else [self._resting]
        faces = network_input([frame for frame, _ in pairs], [box for _, box in pairs])
        self.painter.paint(np.zeros((len(faces), 80, 16), np.float32), faces)

    def speaking(self, speech: Speech, tail: float = 0.4) -> Iterator[Frame]:
        """Yield 25 frames a second that go with `speech`, then `tail` seconds of rest."""
        from media.networks.mel import wav2lip_mel, wav2lip_windows

        count = frame_count(speech.audio.seconds + tail)
        windows = wav2lip_windows(wav2lip_mel(at_mel_rate(speech.audio, tail)), count)
        if self._is_clip:
            yield from self._over_clip(windows)
            return
        spoken = phrases(speech.phonemes)
        motion = speaking_motion(count, spoken, speech.text.rstrip().endswith("?"), seed=count)
        yield from self._over_photo(windows, motion)

    def listening(self, seconds: float) -> Iterator[Frame]:
        """Yield frames of the face at rest, attentive."""
        count = frame_count(seconds)
        if self._is_clip:
            for frame, _ in self._looped(count):
                yield frame
            return
        motion = listening_motion(count, seed=1)
        for index in range(count):
            yield self._posed(motion.at(index))

    @cached_property
    def _is_clip(self) -> bool:
        return self.source.suffix.lower() in CLIPS

    def _over_clip(self, windows: FloatArray) -> Iterator[Frame]:
        """Yield the clip's frames with the mouths for `windows`; the silent ones as they are."""
        pairs = list(self._looped(len(windows)))

        def draw(start: int) -> Mouths:
            frames, boxes = zip(*pairs[start : start + BATCH], strict=True)
            return self._mouths(windows[start : start + BATCH], network_input(frames, boxes))

        for start, mouths in _ahead(range(0, len(windows), BATCH), draw):
            for index, (frame, box) in enumerate(pairs[start : start + BATCH]):
                yield paste(frame, mouths[index], box) if index in mouths else frame

    def _over_photo(self, windows: FloatArray, motion: Motion) -> Iterator[Frame]:
        """Yield the photo with the mouths for `windows`, its head moved by `motion`.

        The mouth is drawn on the resting face, which the network therefore encodes only once.
        """
        picture, box = self._resting
        face = network_input([picture], [box])

        def draw(start: int) -> Mouths:
            return self._mouths(windows[start : start + BATCH], face)

        for start, mouths in _ahead(range(0, len(windows), BATCH), draw):
            for index in range(min(BATCH, len(windows) - start)):
                pose = motion.at(start + index)
                if index not in mouths:
                    yield self._posed(pose)
                    continue
                drawn = paste(picture, mouths[index], box)
                yield drawn if self.still else self.portrait.pose(drawn, pose)

    def _posed(self, pose: Pose) -> Frame:
        return self._resting[0] if self.still else self.portrait.draw(REST, pose)

    def _mouths(self, windows: FloatArray, faces: FloatArray) -> Mouths:
        """Return the drawn mouth of each of `windows` that is not silent; one face may do."""
        voiced = np.flatnonzero(windows.mean(axis=(1, 2)) > SILENT)
        if not len(voiced):
            return {}
        painted = self.painter.paint(windows[voiced], faces if len(faces) == 1 else faces[voiced])
        return dict(zip(voiced.tolist(), painted, strict=True))

    def _looped(self, count: int) -> Iterator[tuple[Frame, Box]]:
        """Yield `count` frames of the clip, played forth and back, and where the face is."""
        forth = self._clip
        yield from islice(cycle(forth + forth[-2:0:-1]), count)

    @cached_property
    def _resting(self) -> tuple[Frame, Box]:
        mesh = self.portrait.mesh
        return mesh.picture, face_box(mesh.points, self.size)

    @cached_property
    def portrait(self) -> Portrait:
        """The photo at rest, which turns and blinks."""
        return Portrait(self.source, self.size[0])

    @cached_property
    def _clip(self) -> list[tuple[Frame, Box]]:
        """The clip's frames, framed around the face of the first one, with smoothed boxes."""
        video = cv2.VideoCapture(str(self.source))
        frames: list[Frame] = []
        while len(frames) < LONGEST_CLIP:
            more, picture = video.read()
            if not more:
                break
            frames.append(np.ascontiguousarray(picture[:, :, ::-1], np.uint8))
        video.release()
        if not frames:
            raise MediaError(
                "not_clip", f"{self.source.name} holds no pictures.", "Give a short MP4 of a face."
            )
        return framed_clip(frames, self.size[0])


def _ahead(starts: Iterable[int], draw: Callable[[int], Mouths]) -> Iterator[tuple[int, Mouths]]:
    """Yield each of `starts` with what `draw` gives for it, drawn while the one before is used:
    pasting and posing keep one core busy, and the network would wait."""
    with ThreadPoolExecutor(1) as pool:
        drawn: tuple[int, Future[Mouths]] | None = None
        for start in starts:
            coming = (start, pool.submit(draw, start))
            if drawn is not None:
                yield drawn[0], drawn[1].result()
            drawn = coming
        if drawn is not None:
            yield drawn[0], drawn[1].result()


def framed_clip(frames: Sequence[Frame], size: int) -> list[tuple[Frame, Box]]:
    """Return `frames` (h, w, 3) cut to `size` squares around the first one's face, with boxes.

    MediaError where a frame shows no single frontal face.
    """
    found = []
    crop = None
    for frame in frames:
        picture, face, crop = framed_face(frame, size, crop)
        found.append((picture, face))
    faces = np.stack([face for _, face in found])
    # A box that jitters makes the mouth jitter: average over five frames, as published.
    padded = np.pad(faces, ((2, 2), (0, 0), (0, 0)), mode="edge")
    smooth = np.stack([padded[i : i + 5].mean(axis=0) for i in range(len(found))])
    pairs = zip(found, smooth, strict=True)
    return [(picture, face_box(points, (size, size))) for (picture, _), points in pairs]


def face_box(points: Points, size: tuple[int, int]) -> Box:
    """Return the crop that Wav2Lip sees: the face's oval and a little below the chin.

    `size` is the (width, height) of the picture; the box is never empty.
    """
    oval = points[list(OVAL), :2]
    left, top = oval.min(axis=0)
    right, bottom = oval.max(axis=0)
    bottom += 0.05 * (bottom - top)
    width, height = size
    low = np.clip(np.round([left, top]), 0, [width - 1, height - 1]).astype(int)
    high = np.maximum(np.clip(np.round([right, bottom]), 0, size).astype(int), low + 1)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def network_input(frames: Sequence[Frame], boxes: Sequence[Box]) -> FloatArray:
    """Return (n, 6, 96, 96): each crop with its lower half blanked, on the crop; BGR in [0, 1]."""
    crops = [
        cv2.resize(frame[t:b, left:right], (INPUT, INPUT), interpolation=cv2.INTER_AREA)
        for frame, (left, t, right, b) in zip(frames, boxes, strict=True)
    ]
    whole = np.stack(crops)[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255.0
    masked = whole.copy()
    masked[:, :, INPUT // 2 :] = 0.0
    return np.concatenate((masked, whole), axis=1)


def paste(frame: Frame, mouth: FloatArray, box: Box) -> Frame:
    """Return a copy of `frame` with the drawn face (3, 96, 96) BGR laid into `box`, feathered."""
    left, top, right, bottom = box
    eight = np.ascontiguousarray(
        (mouth[::-1].clip(0, 1) * 255.0 + 0.5).transpose(1, 2, 0), np.uint8
    )
    fitted = cv2.resize(eight, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
    share, rest, first = _feather(right - left, bottom - top)
    out = frame.copy()
    region = out[top + first : bottom, left:right]
    out[top + first : bottom, left:right] = cv2.blendLinear(fitted[first:], region, share, rest)
    return out


@lru_cache(maxsize=LONGEST_CLIP)
def _feather(width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """Return how much of the drawn face shows, how much of the frame, and the first row that
    either is of: an oval around mouth and chin in a box of `width` × `height`."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across = (x / width - 0.5) / 0.44
    down = (y / height - 0.7) / 0.29
    distance = np.sqrt(across**2 + down**2)
    share: NDArray[np.float32] = np.clip((1.0 - distance) / 0.25, 0.0, 1.0).astype(np.float32)
    shown = share.any(axis=1)
    first = int(shown.argmax()) if shown.any() else 0
    share = np.ascontiguousarray(share[first:])
    return share, np.asarray(1 - share, np.float32), first


def at_mel_rate(audio: Audio, tail: float) -> Audio:
    """Return `audio` at 16 kHz with `tail` seconds of silence after it."""
    samples = audio.samples
    if audio.rate != MEL_RATE:
        samples = resample_poly(samples, MEL_RATE, audio.rate).astype(np.float32)
    return Audio(np.pad(samples, (0, round(tail * MEL_RATE))), MEL_RATE)
