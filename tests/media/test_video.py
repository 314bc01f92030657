from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from media import video as module
from media.captions import Caption
from media.decode import decode, probe
from media.errors import MediaError
from media.sandbox import ffmpeg_path
from media.soundpipe import SoundPipe
from media.types import Audio, Frame
from media.video import encode

SIZE = (128, 128)
RATE = 24_000


def pictures(count: int, size: tuple[int, int] = SIZE) -> Iterator[Frame]:
    """A grey picture that turns white in its middle on every 25th frame."""
    for index in range(count):
        frame = np.full((size[1], size[0], 3), 90, np.uint8)
        if index % 25 == 0:
            frame[size[1] // 3 : size[1] // 2, size[0] // 3 : 2 * size[0] // 3] = 255
        yield frame


def ticks(seconds: float) -> Audio:
    """A click of 20 ms at the beginning of every second."""
    t = np.arange(int(seconds * RATE)) / RATE
    return Audio((0.8 * np.sin(2 * np.pi * 1000 * t) * (t % 1 < 0.02)).astype(np.float32), RATE)


def frames_of(path: Path, size: tuple[int, int] = SIZE) -> Frame:
    command = [ffmpeg_path(), "-v", "error", "-i", str(path), "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], check=True, capture_output=True)
    return np.frombuffer(raw.stdout, np.uint8).reshape(-1, size[1], size[0], 3)


def described(path: Path) -> str:
    command = [ffmpeg_path(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True).stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("video") / "reply.mp4"
    encode(
        pictures(110),
        ticks(4.0),
        out,
        size=SIZE,
        captions=[Caption("둘째", 2.0, 3.0), Caption("첫째", 1.0, 2.0)],
        title="기초연금",
        poster=out.with_suffix(".jpg"),
    )
    return out


def test_it_plays_everywhere(made: Path) -> None:
    text = described(made)
    assert "Video: h264 (Main)" in text and "yuv420p(tv, bt709, " in text and "25 fps" in text
    assert "Audio: aac (LC)" in text and "48000 Hz, mono" in text
    assert "start: 0.000000" in text
    data = made.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")


def test_sound_and_picture_are_equally_long(made: Path) -> None:
    assert len(frames_of(made)) == 110
    assert probe(made).seconds == pytest.approx(4.4, abs=0.04)
    assert decode(made).seconds == pytest.approx(4.4, abs=0.04)


def test_sound_and_picture_start_together(made: Path) -> None:
    white = [i / 25 for i, f in enumerate(frames_of(made)) if f[50, 64].min() > 200]
    sound = np.abs(decode(made).samples)
    clicks = [s + np.argmax(sound[s * 16_000 :] > 0.2) / 16_000 for s in range(4)]
    assert white == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert clicks == pytest.approx(white[:4], abs=0.01)


def test_the_mark_is_on_every_frame_and_in_the_metadata(made: Path) -> None:
    corner = frames_of(made)[:, :12, :40].reshape(110, -1)
    assert (corner.max(axis=1) > 180).all()
    assert (corner.min(axis=1) < 70).all()
    text = described(made)
    assert text.count("AI 생성 영상") >= 2
    assert "기초연금 (AI 생성 영상)" in text


def test_captions_are_up_in_their_time_only(made: Path) -> None:
    band = frames_of(made)[:, 110:124, 40:88].reshape(110, -1)
    up = band.max(axis=1) > 180
    assert up.tolist() == [25 <= index < 75 for index in range(110)]
    assert np.abs(band[30].astype(int) - band[60].astype(int)).max() > 50


def test_the_poster_is_a_small_picture_with_the_mark(made: Path) -> None:
    poster = made.with_suffix(".jpg")
    assert poster.stat().st_size <= 300_000
    assert cv2.imread(str(poster)).shape == (128, 128, 3)


def test_a_poster_of_a_busy_picture_stays_small(tmp_path: Path) -> None:
    size = (1024, 1024)
    noise = np.random.default_rng(1).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    frames = [np.zeros_like(noise), noise]
    poster = tmp_path / "poster.jpg"
    encode(frames, ticks(0.08), tmp_path / "a.mp4", size=size, poster=poster, poster_frame=9)
    assert poster.stat().st_size <= 300_000
    assert cv2.imread(str(poster)).std() > 10


def test_the_last_picture_is_held_while_the_sound_goes_on(tmp_path: Path) -> None:
    video = encode(pictures(10), ticks(2.0), tmp_path / "a.mp4", size=SIZE)
    assert (video.frames, video.seconds) == (50, 2.0)
    assert video.bytes == video.path.stat().st_size
    assert video.poster is None


def test_a_long_silence_after_the_sound_does_not_stall(tmp_path: Path) -> None:
    for size in (SIZE, (16, 16)):
        video = encode(pictures(400, size), ticks(0.3), tmp_path / "a.mp4", size=size)
        assert video.frames == 400
        assert decode(video.path).seconds == pytest.approx(16.0, abs=0.04)


def test_odd_sizes_are_padded(tmp_path: Path) -> None:
    video = encode(pictures(5, (101, 77)), ticks(0.2), tmp_path / "a.mp4", size=(101, 77))
    found = probe(video.path)
    assert (found.width, found.height) == (102, 78)


def test_the_frames_given_are_not_drawn_on(tmp_path: Path) -> None:
    frame = np.full((128, 128, 3), 90, np.uint8)
    encode([frame, frame], ticks(0.08), tmp_path / "a.mp4", size=SIZE)
    assert (frame == 90).all()


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_no_frames_or_wrong_ones_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as none:
        encode([], ticks(1.0), tmp_path / "a.mp4", size=SIZE)
    assert none.value.code == "no_frames"
    with pytest.raises(MediaError) as wrong:
        encode(pictures(3, (64, 64)), ticks(1.0), tmp_path / "a.mp4", size=SIZE)
    assert wrong.value.code == "wrong_size"
    assert left_behind(tmp_path) == []


def test_a_face_that_fails_leaves_the_old_video(tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    out.write_bytes(b"the video before")

    def failing() -> Iterator[Frame]:
        yield from pictures(30)
        raise ValueError("no more face")

    with pytest.raises(ValueError, match="no more face"):
        encode(failing(), ticks(5.0), out, size=SIZE)
    assert out.read_bytes() == b"the video before"
    assert left_behind(tmp_path) == ["a.mp4"]
    assert threading.active_count() < 20


def test_ffmpeg_killed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def noted(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = original(*args, **kwargs)
        started.append(process.pid)
        return process

    original = module.start
    monkeypatch.setattr(module, "start", noted)

    def frames() -> Iterator[Frame]:
        for index, frame in enumerate(pictures(200)):
            if index == 100:
                os.kill(started[0], signal.SIGKILL)
            yield frame

    with pytest.raises(MediaError) as caught:
        encode(frames(), ticks(8.0), tmp_path / "a.mp4", size=SIZE)
    assert caught.value.code == "encode_failed"
    assert left_behind(tmp_path) == []


def test_an_ffmpeg_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_instead(process: subprocess.Popen[bytes], frames: object, sound: object) -> int:
        os.kill(process.pid, signal.SIGSTOP)
        assert process.stdin is not None
        process.stdin.close()
        return 0

    monkeypatch.setattr(module, "_feed", stop_instead)
    monkeypatch.setattr(module, "_FINISH", 0.05)
    with pytest.raises(MediaError, match="did not end"):
        encode(pictures(50), ticks(2.0), tmp_path / "a.mp4", size=SIZE)
    assert left_behind(tmp_path) == []


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # /dev/full answers every write as a disk without room does.
    full = tmp_path / "full.mp4"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(module, "_beside", lambda target, suffix: full)
    with pytest.raises(MediaError, match="room") as caught:
        encode(pictures(50), ticks(2.0), tmp_path / "a.mp4", size=SIZE)
    assert caught.value.code == "encode_failed"
    assert left_behind(tmp_path) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        encode(pictures(2), ticks(0.1), tmp_path / "none" / "a.mp4", size=SIZE)
    assert caught.value.code == "encode_failed"


def test_a_minute_stays_under_sixteen_megabytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    grain = [rng.integers(0, 256, (256, 256, 3), dtype=np.uint8) for _ in range(4)]
    frames = (grain[index % 4] for index in range(200))
    video = encode(frames, ticks(8.0), tmp_path / "a.mp4", size=(256, 256))
    assert video.bytes / video.seconds * 60 <= 16e6


def test_sound_is_followed_by_silence_in_step() -> None:
    reader, writer = os.pipe()
    pipe = SoundPipe(Audio(np.ones(10, np.float32), 100), writer)
    pipe.allow(0.15)
    pipe.close()
    with os.fdopen(reader, "rb") as stream:
        samples = np.frombuffer(stream.read(), "<f4")
    assert samples.tolist() == [1.0] * 10 + [0.0] * 5


def test_a_reader_that_leaves_ends_the_sound() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    SoundPipe(Audio(np.ones(100_000, np.float32), 100), writer).close()
