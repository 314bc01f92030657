"""What a recording is, told by its first bytes; its name is never asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

_HEAD = 1 << 16
_MATROSKA = b"\x1a\x45\xdf\xa3"
_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
"""First boxes of QuickTime files that are older than `ftyp`."""


@dataclass(frozen=True, slots=True)
class Format:
    """A container that is read: its common `name` and the ffmpeg demuxer that is forced on it."""

    name: str
    demuxer: str


def sniff(source: BinaryIO) -> Format | None:
    """Return the format of an open file, or None for anything that is not on the list.

    Playlists (HLS, DASH, concat scripts) are text and so are never on it.
    """
    head = _read(source, 0)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return Format("wav", "wav")
    if head[:4] == b"OggS":
        return Format("ogg", "ogg")
    if head[:4] == _MATROSKA:
        return Format("webm" if b"webm" in head[:64] else "matroska", "matroska")
    if head.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
        return Format("amr", "amr")
    if head[4:8] == b"ftyp" or head[4:8] in _BOXES:
        return Format(_brand(head), "mov")
    return _elementary(source, head)


def _read(source: BinaryIO, offset: int) -> bytes:
    source.seek(offset)
    return source.read(_HEAD)


def _brand(head: bytes) -> str:
    brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
    if brand.startswith((b"3gp", b"3g2")):
        return "3gp"
    if brand.startswith((b"M4A", b"M4B")):
        return "m4a"
    return "mov" if brand == b"qt  " else "mp4"


def _elementary(source: BinaryIO, head: bytes) -> Format | None:
    """mp3 or ADTS: no signature of their own, so two frames in a row must agree."""
    tagged = head[:3] == b"ID3" and len(head) > 10
    if tagged:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        head = _read(source, size + 10)
    at = head.find(b"\xff")
    while 0 <= at < len(head) - 8:
        frame = head[at:]
        for format_, length in (("mp3", _mp3_length(frame)), ("aac", _adts_length(frame))):
            following = head[at + length : at + length + 8]
            if length and _agrees(frame, following, format_):
                return Format(format_, format_)
        at = head.find(b"\xff", at + 1)
    return None


def _agrees(frame: bytes, following: bytes, format_: str) -> bool:
    length = _mp3_length if format_ == "mp3" else _adts_length
    if len(following) < 8:
        return False
    return bool(length(following)) and frame[1] & 0xFE == following[1] & 0xFE


_BITRATES = {
    # kbit/s by index, for MPEG-1 and MPEG-2/2.5, layer III.
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""Samples a second by the header's version (3 MPEG-1, 2 MPEG-2, 0 MPEG-2.5) and index."""


def _mp3_length(frame: bytes) -> int:
    """Bytes of an MPEG layer III frame that starts here, 0 where none does."""
    version, layer = frame[1] >> 3 & 3, frame[1] >> 1 & 3
    bitrate, rate, padding = frame[2] >> 4, frame[2] >> 2 & 3, frame[2] >> 1 & 1
    known = frame[1] >> 5 == 7 and version != 1 and layer == 1
    if not known or bitrate in (0, 15) or rate == 3:
        return 0
    first = version == 3
    return (144 if first else 72) * _BITRATES[first][bitrate] * 1000 // _RATES[version][
        rate
    ] + padding


def _adts_length(frame: bytes) -> int:
    """Bytes of an ADTS frame that starts here, 0 where none does."""
    if frame[1] & 0xF6 != 0xF0 or frame[2] >> 2 & 15 > 12:
        return 0
    length = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    return length if length > 7 else 0
