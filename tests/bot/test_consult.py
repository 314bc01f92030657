"""The whole way with real parts: a recording in, a reply video out; and what its command prints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.cli.ask import ask
from bot.consult import consult
from bot.conversation import steps
from bot.conversation.engines import Engines, engines
from bot.demo import demo
from bot.knowledge.types import Outcome
from bot.settings import load_settings
from media.decode import probe
from media.hear.score import character_error_rate
from media.speech_file import write_wav
from media.types import Audio

QUESTION = "기초연금은 어떻게 신청하나요?"


@pytest.fixture(scope="module")
def built() -> Engines:
    return engines(load_settings())


@pytest.fixture(scope="module")
def question(built: Engines, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("question") / "question.wav"
    write_wav(built.voice.speak(QUESTION).audio, path)
    return path


def test_a_spoken_question_becomes_a_video_that_says_its_source(
    question: Path, tmp_path: Path
) -> None:
    out = tmp_path / "reply.mp4"
    done = CliRunner().invoke(main, ["ask", str(question), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert character_error_rate(QUESTION, result["heard"]) < 0.3
    assert result["outcome"] == "answered"
    assert result["article"].startswith("basic-pension")
    assert result["source"]
    assert result["checked"]
    assert result["contact_number"] in result["answer"]
    assert list(result["seconds"]) == ["transcribe", "answer", "voice", "render"]
    film = probe(out)
    assert film.has_audio
    assert film.has_video
    assert (film.width, film.height) == (512, 512)
    assert film.seconds == pytest.approx(result["video_seconds"], abs=0.1)
    assert Path(result["poster"]).stat().st_size > 5000


def test_silence_is_asked_again_and_never_answered(built: Engines, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    write_wav(Audio(np.zeros(32000, np.float32), 16000), path)
    begun: list[str] = []
    done = consult(built, path, tmp_path / "reply.mp4", begun.append)
    assert done.answer.outcome is Outcome.NOT_HEARD
    assert done.as_json()["article"] is None
    assert done.as_json()["heard"] == ""
    assert begun == ["transcribe", "answer", "voice", "render"]


def test_the_demo_asks_in_our_own_voice_and_names_the_next_commands(tmp_path: Path) -> None:
    done = CliRunner().invoke(demo, ["--folder", str(tmp_path / "demo")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "demo" / "reply.mp4").exists()
    for part in ("들은 말", "답변", "근거", "걸린 시간", "make run", "simulate kakao"):
        assert part in done.output


@pytest.mark.parametrize("data", [b"", b"this is text, not sound\n" * 50])
def test_what_is_no_recording_is_refused_with_a_remedy(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "question.wav"
    path.write_bytes(data)
    for command, arguments in ((ask, ["--out", str(tmp_path / "r.mp4")]), (demo, [])):
        done = CliRunner().invoke(command, [str(path), *arguments])
        assert done.exit_code == 1
        assert "Traceback" not in done.output
        assert not (tmp_path / "r.mp4").exists()


def test_an_unknown_persona_is_named_with_the_known_ones(question: Path, tmp_path: Path) -> None:
    arguments = [str(question), "--out", str(tmp_path / "r.mp4"), "--persona", "nobody"]
    done = CliRunner().invoke(main, ["ask", *arguments])
    assert done.exit_code == 1
    assert "sunny" in done.output


def test_recordings_of_people_are_heard_and_foreign_questions_refused(
    built: Engines, speech_ko: Path
) -> None:
    for recording in sorted(speech_ko.glob("*.wav")):
        transcript = steps.hear(built, recording)
        assert transcript.heard, recording.name
        answer = steps.think(built, transcript.text)
        assert answer.outcome is Outcome.REFUSED, (transcript.text, answer)
        assert answer.contact_number in answer.text
