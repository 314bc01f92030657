"""Any recording becomes 16 kHz mono sound, inside limits.

The file comes from strangers. Its format is told by content and must be on a list; ffmpeg is told
which demuxer to use and which decoders it may open (sound only, so no picture is ever decoded),
reads nothing but this file, and works in a sandbox with a deadline.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np

from media.errors import MediaError
from media.sandbox import Finished, ffmpeg_path, run
from media.sniff import Format, sniff
from media.types import Audio

RATE = 16_000
_USABLE = 0.3
"""Seconds of sound that are worth listening to in a damaged file."""
_DECODERS = (
    "aac,aac_latm,alac,amrnb,amrwb,flac,mp3,mp3float,opus,libopus,vorbis,libvorbis,"
    "pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,"
    "pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,adpcm_ima_wav,adpcm_ima_qt,adpcm_ms,gsm_ms"
)
_STREAM = re.compile(
    r"^  Stream #0:\d+(?:\[0x[0-9a-f]+\])?(?:\([^)\n]*\))?: (Audio|Video): ([^\n]*)$", re.MULTILINE
)
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_SIZE = re.compile(r"(?<=[ ,])(\d{1,6})x(\d{1,6})(?=[ ,\n]|$)")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a recording may be; `decode_seconds` is wall clock for all work on it."""

    max_bytes: int = 32 * 1024 * 1024
    max_seconds: float = 300.0
    max_pixels: int = 4096 * 2304
    decode_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file says of itself. `seconds` is None where it does not say (live webm)."""

    format: str
    seconds: float | None
    width: int
    height: int
    has_audio: bool
    has_video: bool


def probe(source: Path, limits: Limits = Limits()) -> Probe:
    """Return what the header of `source` says; no sound or picture is decoded.

    MediaError `not_found`, `too_large`, `empty`, `not_media`, `damaged` or `timeout`.
    """
    return _probe(source, _recognise(source, limits), _Clock(limits.decode_seconds))


def decode(source: Path, limits: Limits = Limits()) -> Audio:
    """Return the sound of a recording (or of a video) as 16 kHz mono.

    Of a damaged file what can be read is returned. MediaError as for `probe`, and `too_long`,
    `too_many_pixels`, `no_sound` or `unsupported`.
    """
    format_ = _recognise(source, limits)
    clock = _Clock(limits.decode_seconds)
    found = _probe(source, format_, clock)
    _check(found, limits)
    longest = int((limits.max_seconds + 1) * RATE)
    done = run(
        _decode_command(source, format_, limits.max_seconds + 1),
        seconds=clock.left(),
        max_output=(longest + RATE) * 4,
    )
    if done.timed_out:
        raise _timeout()
    samples = np.frombuffer(done.output[: len(done.output) // 4 * 4], dtype="<f4")
    if len(samples) > limits.max_seconds * RATE:
        raise _too_long(limits)
    _judge(len(samples) / RATE, found, done)
    # NaN and infinities can be written in a float recording.
    finite = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return Audio(np.clip(finite, -1.0, 1.0).astype(np.float32), RATE)


class _Clock:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.01, self._end - time.monotonic())


def _recognise(source: Path, limits: Limits) -> Format:
    if not source.is_file():
        raise MediaError("not_found", f"There is no file {source}.", "Check the path.")
    size = source.stat().st_size
    if size > limits.max_bytes:
        raise MediaError(
            "too_large",
            f"The file has {size / 2**20:.0f} MiB; {limits.max_bytes / 2**20:.0f} are allowed.",
            "Send a shorter recording, or raise limits.max_bytes.",
        )
    if size == 0:
        raise MediaError("empty", "The file is empty.", "Record again.")
    with source.open("rb") as opened:
        format_ = sniff(opened)
    if format_ is None:
        raise MediaError(
            "not_media",
            "The content is no sound or video format that is read here, whatever its name says.",
            "Send wav, mp3, ogg/opus, m4a, aac, amr, 3gp, webm or mp4.",
        )
    return format_


def _source(source: Path, format_: Format) -> ffmpeg.nodes.FilterableStream:
    return ffmpeg.input(
        f"file:{source.resolve()}",
        f=format_.demuxer,
        protocol_whitelist="file,pipe",
        codec_whitelist=_DECODERS,
        max_streams=16,
        threads=1,
    )


def _command(stream: ffmpeg.nodes.OutputStream, level: str) -> list[str]:
    stream = stream.global_args("-nostdin", "-hide_banner", "-nostats", "-loglevel", level)
    command: list[str] = ffmpeg.compile(stream, cmd=ffmpeg_path())
    return command


def _decode_command(source: Path, format_: Format, seconds: float) -> list[str]:
    sound = _source(source, format_)["a:0"]
    options = {"f": "f32le", "ac": 1, "ar": RATE, "t": f"{seconds:.3f}", "threads": 1}
    stream = ffmpeg.output(sound, "pipe:1", vn=None, sn=None, dn=None, **options)
    return _command(stream, "error")


def _probe(source: Path, format_: Format, clock: _Clock) -> Probe:
    # There is no ffprobe: a copy of nothing to nowhere makes ffmpeg describe its input.
    stream = ffmpeg.output(_source(source, format_), "-", f="null", c="copy", t=0)
    done = run(_command(stream, "info"), seconds=clock.left(), max_output=1 << 16)
    if done.timed_out:
        raise _timeout()
    return _parse(done.errors, format_)


def _parse(report: str, format_: Format) -> Probe:
    begin = report.find("Input #0, ")
    if begin < 0:
        raise MediaError(
            "damaged", f"The {format_.name} file cannot be opened: it is damaged.", "Send it again."
        )
    described = re.split(r"^(?:Stream mapping|Output #0)", report[begin:], flags=re.MULTILINE)[0]
    width = height = 0
    kinds = set()
    for kind, text in _STREAM.findall(described):
        if "(attached pic)" in text:
            continue
        kinds.add(kind)
        size = _SIZE.search(text)
        if kind == "Video" and size and int(size[1]) * int(size[2]) > width * height:
            width, height = int(size[1]), int(size[2])
    length = _DURATION.search(described)
    seconds = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else None
    return Probe(format_.name, seconds, width, height, "Audio" in kinds, "Video" in kinds)


def _check(found: Probe, limits: Limits) -> None:
    if found.width * found.height > limits.max_pixels:
        raise MediaError(
            "too_many_pixels",
            f"The picture has {found.width}×{found.height} pixels.",
            "Send a smaller video or only the sound.",
        )
    if found.seconds is not None and found.seconds > limits.max_seconds:
        raise _too_long(limits)
    if not found.has_audio:
        raise MediaError(
            "no_sound", "The video has no sound.", "Record again with the microphone on."
        )


def _judge(seconds: float, found: Probe, done: Finished) -> None:
    """Refuse what decoded to nothing, or to next to nothing with complaints."""
    if seconds == 0 and "whitelist" in done.errors:
        raise MediaError(
            "unsupported",
            f"The sound inside the {found.format} file is in a coding that is not read here.",
            "Send it as wav, mp3, opus or aac.",
        )
    # That the picture's decoder may not be opened is how it should be.
    complaints = [
        line
        for line in done.errors.splitlines()
        if "whitelist" not in line and "avformat_find_stream_info" not in line
    ]
    broken = done.code != 0 or bool(complaints)
    if seconds == 0 and not broken and not found.seconds:
        raise MediaError("empty", "The recording holds no sound at all.", "Record again.")
    if seconds == 0 or (broken and seconds < _USABLE):
        raise MediaError(
            "damaged",
            f"Only {seconds:.1f} s of the {found.format} file can be read: it is damaged.",
            "Send it again.",
        )


def _too_long(limits: Limits) -> MediaError:
    return MediaError(
        "too_long",
        f"The recording is longer than {limits.max_seconds:.0f} s.",
        "Ask in fewer words, or raise limits.max_seconds.",
    )


def _timeout() -> MediaError:
    return MediaError(
        "timeout", "Reading the recording took too long and was stopped.", "Send a shorter one."
    )
