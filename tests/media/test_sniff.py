from __future__ import annotations

import io
import random

import pytest

from media.sniff import sniff

MP3 = b"\xff\xfb\x90\x00" + b"\x00" * 413
ADTS = bytes([0xFF, 0xF1, 0x60, 0x40, 0x08, 0x1F, 0xFC]) + b"\x00" * 57


def kind(data: bytes) -> str | None:
    found = sniff(io.BytesIO(data))
    return found.name if found else None


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"OggS\x00\x02", "ogg"),
        (b"\x1a\x45\xdf\xa3\x9fB\x82\x84webm", "webm"),
        (b"\x1a\x45\xdf\xa3\x9fB\x82\x88matroska", "matroska"),
        (b"#!AMR\n\x3c", "amr"),
        (b"#!AMR-WB\n\x04", "amr"),
        (b"\x00\x00\x00\x1cftypisom", "mp4"),
        (b"\x00\x00\x00\x1cftypM4A ", "m4a"),
        (b"\x00\x00\x00\x1cftyp3gp4", "3gp"),
        (b"\x00\x00\x00\x14ftypqt  ", "mov"),
        (b"\x00\x00\x00\x08wide\x00\x00", "mov"),
        (MP3 * 3, "mp3"),
        (b"\x00" * 999 + MP3 * 3, "mp3"),
        (b"ID3\x04\x00\x00\x00\x00\x02\x01" + b"\xff" * 257 + MP3 * 3, "mp3"),
        (ADTS * 3, "aac"),
    ],
)
def test_formats_are_told_by_their_content(data: bytes, name: str) -> None:
    assert kind(data) == name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"fLaC\x00\x00\x00\x22",
        MP3,
        MP3[:4] + b"text" * 200,
        b"\xff\xfb\xf0\x00" * 300,
        "가나다라마바사".encode("utf-16") * 50,
    ],
)
def test_anything_else_is_nothing(data: bytes) -> None:
    assert kind(data) is None


def test_no_bytes_make_it_fail() -> None:
    draw = random.Random(7)
    for _ in range(300):
        data = draw.randbytes(draw.randrange(600))
        sniff(io.BytesIO(draw.choice([b"", b"ID3\x04", b"\xff\xfb", b"\xff\xf1", b"RIFF"]) + data))
