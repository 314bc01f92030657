"""`silverline animate`: a WAV becomes a video, with timings or without."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from media.speech_file import write_timings, write_wav
from media.types import Audio, Phoneme, Speech

RATE = 24000


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    time = np.arange(RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 20)) * 0.2
    audio = Audio(voice.astype(np.float32), RATE)
    phonemes = (
        Phoneme("n", 0.1, 0.3, "네."),
        Phoneme("e", 0.3, 0.7, "네."),
    )
    write_wav(audio, tmp_path / "speech.wav")
    write_timings(Speech("네.", audio, phonemes), tmp_path / "timings.json")
    return tmp_path


def animate(folder: Path, *options: str) -> Result:
    arguments = ["animate", str(folder / "speech.wav"), "--out", str(folder / "v.mp4"), *options]
    return CliRunner().invoke(main, arguments)


def test_timings_drive_the_mouth(spoken: Path) -> None:
    done = animate(spoken, "--timings", str(spoken / "timings.json"), "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["driven_by"] == "phonemes"
    assert result["persona"] == "sunny"
    assert result["seconds"] == pytest.approx(1.4, abs=0.08)
    assert (spoken / "v.mp4").read_bytes()[4:8] == b"ftyp"


def test_without_timings_the_sound_drives_it(spoken: Path) -> None:
    done = animate(spoken, "--text", "네.")
    assert done.exit_code == 0, done.output
    assert "v.mp4: 1.4 s (sunny)" in done.stdout


def test_text_replaces_that_of_the_timings(spoken: Path) -> None:
    done = animate(spoken, "--timings", str(spoken / "timings.json"), "--text", "예.")
    assert done.exit_code == 0, done.output


def test_other_sound_formats_are_decoded(spoken: Path) -> None:
    data = (spoken / "speech.wav").read_bytes()
    samples = np.frombuffer(data[44:], "<i2")
    eight_bit = ((samples.astype(np.int32) >> 8) + 128).astype(np.uint8).tobytes()
    head = bytearray(data[:44])
    head[4:8] = (36 + len(eight_bit)).to_bytes(4, "little")
    head[28:32] = RATE.to_bytes(4, "little")
    head[32:34] = (1).to_bytes(2, "little")
    head[34:36] = (8).to_bytes(2, "little")
    head[40:44] = len(eight_bit).to_bytes(4, "little")
    (spoken / "speech.wav").write_bytes(bytes(head) + eight_bit)
    done = animate(spoken, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["driven_by"] == "sound"


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--persona", "nobody"], "nobody"), (["--timings", "speech.wav"], "timings")],
)
def test_what_is_wrong_is_said(
    spoken: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(spoken)
    done = animate(spoken, *options)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_what_is_no_sound_is_said(spoken: Path) -> None:
    (spoken / "speech.wav").write_text("hello", encoding="utf-8")
    done = animate(spoken)
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert not (spoken / "v.mp4").exists()
