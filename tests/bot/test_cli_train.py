"""`silverline train`: the options reach the training, and its errors name their remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.train import train

pytest.importorskip("torch", reason="training needs the extra `neural`")


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(train, [str(word) for word in words])
    return result.exit_code, result.output


def test_a_folder_without_clips_is_refused_with_a_remedy(tmp_path: Path) -> None:
    for name in ("lipsync", "landmarks"):
        code, said = run(name, "--data", tmp_path, "--out", tmp_path / "run", "--device", "cpu")
        assert code == 1
        assert "no videos" in said
        assert "Give a folder" in said


def test_options_reach_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import media.train.jobs as jobs

    asked: list[object] = []

    def taken(job: object, tell: object) -> Path:
        asked.append(job)
        return tmp_path / "net.safetensors"

    monkeypatch.setattr(jobs, "train_lipsync", taken)
    monkeypatch.setattr(jobs, "train_landmark_job", taken)
    code, said = run(
        "lipsync", "--data", tmp_path, "--out", tmp_path, "--minutes", "2", "--width", "0.5",
        "--quality", "0.07",
    )  # fmt: skip
    assert (code, said.strip()) == (0, str(tmp_path / "net.safetensors"))
    code, _ = run("landmarks", "--data", tmp_path, "--out", tmp_path, "--half", "--steps", "9")
    assert code == 0
    lips, marks = asked
    assert isinstance(lips, jobs.LipsyncJob)
    assert (lips.seconds, lips.width, lips.quality) == (120, 0.5, 0.07)
    assert isinstance(marks, jobs.LandmarkJob)
    assert (marks.seconds, marks.half, marks.steps) == (float("inf"), True, 9)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "media.train.jobs", None)
    code, said = run("lipsync", "--data", tmp_path, "--out", tmp_path)
    assert code == 1
    assert "silverline[neural]" in said
