from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """Two seconds in which nobody speaks."""
    path = tmp_path / "quiet.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(64_000))
    return path


def test_words_and_times_come_as_json(speech_ko: Path) -> None:
    file = str(speech_ko / "picovoice_leopard_test_ko.wav")
    result = CliRunner().invoke(main, ["transcribe", file, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert "걸어갔다" in told["text"]
    assert told["heard"] and told["words"]
    assert set(told["words"][0]) == {"text", "start", "end", "confidence"}


def test_a_person_reads_the_text_alone(speech_ko: Path) -> None:
    file = str(speech_ko / "picovoice_rhino_out_of_context_ko.wav")
    result = CliRunner().invoke(main, ["transcribe", file])
    assert result.exit_code == 0
    assert "커피" in result.stdout


def test_silence_says_why_nothing_was_heard(quiet: Path) -> None:
    result = CliRunner().invoke(main, ["transcribe", str(quiet)])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "silence" in result.stderr
    told = json.loads(CliRunner().invoke(main, ["transcribe", str(quiet), "--json"]).stdout)
    assert told["text"] == "" and not told["heard"] and told["reason"] == "silence"


def test_a_file_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "question.wav"
    text.write_text("글입니다")
    result = CliRunner().invoke(main, ["transcribe", str(text)])
    assert result.exit_code == 1
    assert "whatever its name says" in result.output
