from __future__ import annotations

import struct
import subprocess
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from media.decode import RATE, Limits, decode, probe
from media.errors import MediaError
from media.sandbox import ffmpeg_path

SECONDS = 3.0
USUAL = Limits()
COMMON = ["-nostdin", "-loglevel", "error", "-y"]
CODED = {
    "wav": ["-c:a", "pcm_s16le"],
    "mp3": ["-c:a", "libmp3lame"],
    "ogg": ["-c:a", "libopus"],
    "m4a": ["-c:a", "aac"],
    "aac": ["-c:a", "aac"],
    "amr": ["-c:a", "libopencore_amrnb", "-ar", "8000"],
    "3gp": ["-c:a", "libopencore_amrnb", "-ar", "8000"],
    "webm": ["-c:a", "libopus"],
    "mp4": ["-c:a", "aac"],
    "mov": ["-c:a", "aac"],
}


def make(*arguments: str) -> None:
    subprocess.run([ffmpeg_path(), *COMMON, *arguments], check=True)


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 440 Hz tone of three seconds, 44.1 kHz stereo."""
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    source = f"sine=frequency=440:sample_rate=44100:duration={SECONDS}"
    make("-f", "lavfi", "-i", source, "-ac", "2", str(path))
    return path


@pytest.fixture(scope="session")
def video(tone: Path) -> Path:
    """The tone with a small moving picture."""
    path = tone.with_name("video.mp4")
    picture = ["-f", "lavfi", "-i", f"testsrc=size=320x240:rate=10:duration={SECONDS}"]
    make(*picture, "-i", str(tone), "-c:v", "libx264", "-c:a", "aac", str(path))
    return path


def code(path: Path, limits: Limits = USUAL) -> str:
    with pytest.raises(MediaError) as caught:
        decode(path, limits)
    assert caught.value.cause and caught.value.remedy
    return caught.value.code


@pytest.mark.parametrize("kind", CODED)
def test_every_format_becomes_the_same_sound(kind: str, tone: Path, tmp_path: Path) -> None:
    path = tmp_path / f"question.{kind}"
    make("-i", str(tone), "-ac", "1", *CODED[kind], str(path))
    nameless = path.rename(tmp_path / "no name; $(at) all")
    audio = decode(nameless)
    assert audio.rate == RATE
    assert audio.samples.dtype == np.float32
    assert audio.seconds == pytest.approx(SECONDS, abs=0.15)
    spectrum = np.abs(np.fft.rfft(audio.samples[RATE : 2 * RATE]))
    assert spectrum.argmax() == pytest.approx(440, abs=3)
    found = probe(nameless)
    assert found.format == kind
    assert found.has_audio and not found.has_video


def test_a_video_is_heard_through_its_sound(video: Path) -> None:
    found = probe(video)
    assert (found.width, found.height) == (320, 240)
    assert found.has_audio and found.has_video
    assert found.seconds == pytest.approx(SECONDS, abs=0.1)
    assert decode(video).seconds == pytest.approx(SECONDS, abs=0.1)


def test_a_live_webm_does_not_say_its_length(tone: Path, tmp_path: Path) -> None:
    live = tmp_path / "live.webm"
    make("-i", str(tone), "-c:a", "libopus", "-f", "webm", "-live", "1", str(live))
    assert probe(live).seconds is None
    assert decode(live).seconds == pytest.approx(SECONDS, abs=0.1)
    assert code(live, Limits(max_seconds=2.0)) == "too_long"


def test_a_picture_inside_a_song_is_no_video(tone: Path, tmp_path: Path) -> None:
    cover, song = tmp_path / "cover.jpg", tmp_path / "song.mp3"
    make("-f", "lavfi", "-i", "testsrc=size=4000x4000:duration=0.04", "-frames:v", "1", str(cover))
    make("-i", str(tone), "-i", str(cover), "-map", "0", "-map", "1", "-c:v", "copy", str(song))
    assert not probe(song).has_video
    assert decode(song).seconds == pytest.approx(SECONDS, abs=0.15)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert code(tmp_path / "none.wav") == "not_found"
    assert code(tmp_path) == "not_found"


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.touch()
    assert code(path) == "empty"


def test_200_megabytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.wav"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    path.chmod(0o000)
    began = time.perf_counter()
    assert code(path) == "too_large"
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    "content",
    [
        "안녕하세요. 이것은 글입니다.\n" * 100,
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1/a.ts\n",
        "ffconcat version 1.0\nfile /etc/passwd\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    ],
    ids=["text", "hls", "concat", "dash"],
)
def test_text_and_playlists_are_no_media(content: str, tmp_path: Path) -> None:
    path = tmp_path / "question.wav"
    path.write_text(content, encoding="utf-8")
    assert code(path) == "not_media"
    path.write_text(content, encoding="utf-16")
    assert code(path) == "not_media"


def test_a_truncated_mp3_gives_what_is_there(tone: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp3"
    make("-i", str(tone), "-b:a", "64k", str(whole))
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert 1.0 < decode(cut).seconds < 2.0


def test_media_without_its_body_is_damaged(video: Path, tone: Path, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(video.read_bytes()[:2000])
    assert code(path) == "damaged"
    make("-i", str(tone), "-c:a", "libopus", "-f", "ogg", str(path))
    path.write_bytes(path.read_bytes()[:120])
    assert code(path) == "damaged"


def test_a_recording_of_nothing_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
    assert code(path) in {"empty", "damaged"}


def test_three_hours_of_silence_are_too_long(tmp_path: Path) -> None:
    minute, path = tmp_path / "minute.mp3", tmp_path / "night.mp3"
    make("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=60", "-b:a", "8k", str(minute))
    make("-stream_loop", "179", "-i", str(minute), "-c", "copy", str(path))
    assert path.stat().st_size < USUAL.max_bytes
    assert code(path) == "too_long"


def test_a_header_that_lies_about_its_length_is_found_out(tone: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    data = bytearray(tone.read_bytes())
    at = data.find(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", 1000)
    path.write_bytes(data)
    assert decode(path, Limits(max_seconds=SECONDS + 1)).seconds <= SECONDS + 0.1


def test_too_many_pixels_are_refused_undecoded(video: Path, tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    data = bytearray(video.read_bytes())
    at = data.find(b"avc1", data.find(b"stsd")) + 28
    assert struct.unpack(">HH", data[at : at + 4]) == (320, 240)
    data[at : at + 4] = struct.pack(">HH", 10_000, 10_000)
    path.write_bytes(data)
    assert code(path) == "too_many_pixels"


def test_a_silent_film_has_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    make("-f", "lavfi", "-i", "testsrc=size=64x64:duration=1", "-c:v", "libx264", str(path))
    assert code(path) == "no_sound"


def test_a_coding_that_is_not_read_is_unsupported(tone: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    make("-i", str(tone), "-c:a", "ac3", "-f", "matroska", str(path))
    assert code(path) == "unsupported"


def test_reading_stops_at_the_deadline(video: Path) -> None:
    assert code(video, Limits(decode_seconds=0.001)) == "timeout"


def test_wild_floats_are_tamed(tmp_path: Path) -> None:
    path = tmp_path / "wild.wav"
    samples = np.array([np.nan, np.inf, -np.inf, 7.0] * RATE, "<f4").tobytes()
    header = struct.pack("<IHHIIHH", 16, 3, 1, RATE, RATE * 4, 4, 32)
    body = b"WAVEfmt " + header + b"data" + struct.pack("<I", len(samples)) + samples
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    decoded = decode(path).samples
    assert np.isfinite(decoded).all()
    assert np.abs(decoded).max() <= 1.0
