"""Frames and sound become one MP4 that plays everywhere: H.264 and AAC, 25 frames a second.

Everything goes through pipes into a single ffmpeg: frames into its standard input, sound through a
second pipe. It writes beside the target, which is replaced only when the file is whole.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import ffmpeg
import numpy as np

from media.captions import Caption
from media.errors import MediaError
from media.overlay import Overlay
from media.overlay import caption as caption_overlay
from media.overlay import mark as mark_overlay
from media.sandbox import ffmpeg_path, kill, start
from media.soundpipe import SoundPipe
from media.types import FRAME_RATE, Audio, Frame

AI_MARK = "AI 생성 영상"
_POSTER_BYTES = 300_000
_AHEAD = 12
"""Frames that the sound is ahead of the pictures: ffmpeg takes it in blocks of 0.1–0.2 s, and
reads no picture while the sound is behind."""

_FINISH = 120.0
"""Seconds that ffmpeg has for the rest of its work when all frames have been given."""


@dataclass(frozen=True, slots=True)
class Video:
    """A finished video file and, where asked for, its poster; `seconds` of picture and sound."""

    path: Path
    poster: Path | None
    seconds: float
    bytes: int
    frames: int


def encode(
    frames: Iterable[Frame],
    audio: Audio,
    out: Path,
    *,
    size: tuple[int, int],
    captions: Sequence[Caption] = (),
    mark: str = AI_MARK,
    title: str = "",
    poster: Path | None = None,
    poster_frame: int = 0,
) -> Video:
    """Write `frames` (each `size`, RGB) with `audio` to the MP4 `out`, all or nothing.

    The longer of the two decides: sound is followed by silence, pictures by the last one held.
    `mark` is shown on every frame and written in the metadata; `captions` are burnt in. `poster`
    gets the frame number `poster_frame` (the last one where there are fewer) as a JPG of at most
    300 kB. MediaError `no_frames` or `encode_failed`; what `frames` raises passes through.
    """
    dressed = _Dressing(_whole(frames, audio), size, captions, mark, poster_frame)
    unfinished = _beside(out, ".mp4")
    try:
        count = _pipe(dressed, audio, unfinished, _tags(title, mark), size)
        if poster is not None:
            _write_poster(dressed.poster, poster)
        unfinished.chmod(0o644)
        length = unfinished.stat().st_size
        unfinished.replace(out)
    except OSError as error:
        raise _failed(str(error)) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return Video(out, poster, count / FRAME_RATE, length, count)


def _whole(frames: Iterable[Frame], audio: Audio) -> Iterator[Frame]:
    """Yield `frames`, the last one again for as long as the sound goes on."""
    last = None
    count = 0
    for last in frames:
        yield last
        count += 1
    if last is None:
        raise MediaError("no_frames", "There is no picture to encode.", "Give at least one frame.")
    for _ in range(count, int(np.ceil(audio.seconds * FRAME_RATE - 1e-6))):
        yield last


class _Dressing:
    """Frames with mark and captions on them; `poster` is one with the mark alone."""

    def __init__(
        self,
        frames: Iterator[Frame],
        size: tuple[int, int],
        captions: Sequence[Caption],
        mark: str,
        poster_frame: int,
    ) -> None:
        self._frames = frames
        self._size = size
        self._captions = sorted(captions, key=lambda caption: caption.start)
        self._mark = mark_overlay(mark, size)
        self._poster_frame = poster_frame
        self.poster: Frame = np.zeros((0, 0, 3), np.uint8)

    def __iter__(self) -> Iterator[Frame]:
        width, height = self._size
        for index, given in enumerate(self._frames):
            if given.shape != (height, width, 3):
                raise MediaError(
                    "wrong_size",
                    f"Frame {index} is {given.shape}, not ({height}, {width}, 3).",
                    "Give frames of the size that is named.",
                )
            frame = given.copy()
            self._mark.lay(frame)
            if index <= self._poster_frame:
                self.poster = frame.copy()
            overlay = self._caption_at(index / FRAME_RATE)
            if overlay:
                overlay.lay(frame)
            yield frame

    def _caption_at(self, time: float) -> Overlay | None:
        # A caption that starts within half a frame is shown from this frame on.
        time += 0.5 / FRAME_RATE
        while self._captions and self._captions[0].end <= time:
            self._captions.pop(0)
        if self._captions and self._captions[0].start <= time:
            return caption_overlay(self._captions[0].text, self._size)
        return None


def _pipe(
    frames: Iterable[Frame], audio: Audio, out: Path, tags: dict[str, str], size: tuple[int, int]
) -> int:
    """Feed ffmpeg to the end; return the number of frames."""
    sound_end, our_end = os.pipe()
    try:
        process = start(
            _command(out, size, audio.rate, sound_end, tags),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=(sound_end,),
        )
    except OSError:
        os.close(our_end)
        raise
    finally:
        os.close(sound_end)
    complaints = _Complaints(process)
    sound = SoundPipe(audio, our_end)
    count = 0
    try:
        count = _feed(process, frames, sound)
        code = process.wait(_FINISH)
    except subprocess.TimeoutExpired as error:
        raise _failed(f"ffmpeg did not end within {_FINISH} s") from error
    finally:
        # Where frames failed, ffmpeg must go first: it is what the sound's thread waits for.
        kill(process)
        sound.close()
        complaints.join()
    if code != 0:
        raise _failed(complaints.text or f"it ended with code {code}")
    return count


def _feed(process: subprocess.Popen[bytes], frames: Iterable[Frame], sound: SoundPipe) -> int:
    assert process.stdin is not None
    count = 0
    waiting: deque[Frame] = deque()
    # Where ffmpeg has ended already, its exit code says more than a broken pipe.
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        for frame in frames:
            count += 1
            sound.allow(count / FRAME_RATE)
            waiting.append(frame)
            if len(waiting) > _AHEAD:
                pipe.write(waiting.popleft().data)
        sound.finish()
        while waiting:
            pipe.write(waiting.popleft().data)
    return count


class _Complaints:
    """Reads what ffmpeg says of its faults, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.text = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self.text = (self.text + line.decode("utf-8", "replace"))[-2000:]

    def join(self) -> None:
        self._thread.join()
        self.text = self.text.strip()


def _command(
    out: Path, size: tuple[int, int], rate: int, sound_fd: int, tags: dict[str, str]
) -> list[str]:
    pictures = ffmpeg.input(
        "pipe:0",
        f="rawvideo",
        pix_fmt="rgb24",
        video_size=size,
        framerate=FRAME_RATE,
        thread_queue_size=8,
    )
    sound = ffmpeg.input(f"pipe:{sound_fd}", f="f32le", ar=rate, ac=1, thread_queue_size=64)
    # H.264 stores colour at half size, so width and height must be even.
    even = pictures.video.filter("pad", "ceil(iw/2)*2", "ceil(ih/2)*2").filter(
        "scale", out_color_matrix="bt709", out_range="tv"
    )
    even = even.filter("setparams", color_primaries="bt709", color_trc="bt709")
    stream = ffmpeg.output(
        even,
        sound.audio,
        f"file:{out}",
        **_PICTURE,
        **_SOUND,
        **{f"metadata:g:{i}": f"{key}={value}" for i, (key, value) in enumerate(tags.items())},
        f="mp4",
        movflags="+faststart",
        fflags="+bitexact",
    )
    stream = stream.global_args("-hide_banner", "-nostats", "-loglevel", "error")
    command: list[str] = ffmpeg.compile(stream, cmd=ffmpeg_path(), overwrite_output=True)
    return command


_PICTURE = {
    "c:v": "libx264",
    "preset": "veryfast",
    "crf": 21,
    "maxrate": "1800k",
    "bufsize": "1800k",
    "profile:v": "main",
    # No frame refers to a later one, so pictures start at 0 in every player.
    "bf": 0,
    "g": 2 * FRAME_RATE,
    "pix_fmt": "yuv420p",
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
    "threads": 2,
}
_SOUND = {"c:a": "aac", "b:a": "96k", "ar": 48_000, "ac": 1, "metadata:s:a:0": "language=kor"}


def _tags(title: str, mark: str) -> dict[str, str]:
    return {"title": f"{title} ({mark})" if title else mark, "comment": mark, "description": mark}


def _write_poster(frame: Frame, poster: Path) -> None:
    for quality in (90, 80, 65, 45, 20):
        written, data = cv2.imencode(
            ".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        if written and data.nbytes <= _POSTER_BYTES:
            break
    unfinished = _beside(poster, ".jpg")
    try:
        unfinished.write_bytes(data.tobytes())
        unfinished.chmod(0o644)
        unfinished.replace(poster)
    finally:
        unfinished.unlink(missing_ok=True)


def _beside(target: Path, suffix: str) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=suffix, dir=target.parent)
    except OSError as error:
        raise _failed(str(error)) from error
    os.close(handle)
    return Path(name).resolve()


def _failed(why: str) -> MediaError:
    return MediaError(
        "encode_failed",
        f"The video could not be written: {why}.",
        "Check that the disk has room and the folder can be written.",
    )
