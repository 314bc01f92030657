"""`silverline sync`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from bot.cli import main
from media.face.counsellor import Counsellor
from media.types import Audio, Phoneme, Speech
from media.video import encode


def sync(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["sync", *arguments])


def test_the_offset_is_printed(tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    time = np.arange(24000) / 24000
    beats = [(0.1, 0.3), (0.45, 0.6), (0.7, 0.9)]
    loud = sum(((time > start) & (time < end)) * 0.4 for start, end in beats)
    audio = Audio((loud * np.sin(2 * np.pi * 200 * time)).astype(np.float32), 24000)
    phonemes = tuple(Phoneme("a", start, end, "아") for start, end in beats)
    face = Counsellor(size=256)
    encode(face.speaking(Speech("아", audio, phonemes)), audio, video, size=face.size)
    row = json.loads(sync(str(video), "--json").stdout)
    assert row["measure"] == "correlation"
    assert abs(row["offset"]) <= 2
    shown = sync(str(video)).output
    assert f"offset      {row['offset']:+d} frames" in shown


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"nothing")
    done = sync(str(tmp_path / "v.mp4"))
    assert done.exit_code == 1
    assert "no video that can be read" in done.output
