"""`silverline persona`: add, list, show."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from bot.settings import CONFIG
from media.face.counsellor import Counsellor


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of personas that has the default one."""
    monkeypatch.setattr("bot.cli.persona.PERSONAS", tmp_path)
    (tmp_path / "sunny.toml").write_bytes((CONFIG / "personas" / "sunny.toml").read_bytes())
    return tmp_path


def persona(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["persona", *arguments])


def test_a_photo_becomes_a_persona_that_is_listed_and_shown(folder: Path) -> None:
    photo = folder / "photo.jpg"
    drawn = next(iter(Counsellor(look="haneul").listening(0.04)))
    cv2.imwrite(str(photo), np.ascontiguousarray(drawn[:, :, ::-1]))
    shown = folder / "shown"
    options = ("--consent", "이하늘 본인, 2026-11-20", "--title", "이하늘", "--preview", str(shown))
    done = persona("add", "lee", str(photo), *options)
    assert done.exit_code == 0, done.output
    assert (shown / "lee.mp4").stat().st_size > 5000
    assert "lee.toml" in done.output
    assert "portrait" in persona("list").stdout
    rows = json.loads(persona("list", "--json").stdout)
    assert [row["name"] for row in rows] == ["lee", "sunny"]
    assert "이하늘 본인, 2026-11-20" in persona("show", "lee").stdout
    row = json.loads(persona("show", "lee", "--json").stdout)
    assert row["face"]["photo"] == str(folder / "lee.png")
    assert row["voice"] == {"engine": "jets"}


def test_what_is_wrong_is_said(folder: Path) -> None:
    photo = folder / "photo.png"
    cv2.imwrite(str(photo), np.full((300, 300, 3), 90, np.uint8))
    done = persona("add", "lee", str(photo), "--consent", "이하늘, 2026", "--voice", "sunny")
    assert done.exit_code == 1
    assert "No face was found" in done.output
    assert "no persona 'park'" in persona("show", "park").output
