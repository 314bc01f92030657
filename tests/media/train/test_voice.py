"""Training a JETS voice on a corpus of a few tones: a step, a resume, and speaking with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bot.cli.train import train
from media.errors import MediaError
from media.speak.jets import JetsVoice
from media.speech_file import write_wav
from media.types import Audio

pytest.importorskip("espnet2", reason="JETS needs espnet; `make test` installs it")
torch = pytest.importorskip("torch")

from media.train.voice import TOKENS, VoiceJob, train_voice  # noqa: E402
from media.train.voice_data import Manual, prepare, read_lines  # noqa: E402

TEXTS = ("네, 그래요.", "감사합니다.", "어디로 가나요?", "신분증이요.", "주민센터예요.")
MANUAL = Manual(TOKENS, "", 24000, 300, 16)


def corpus(folder: Path, texts: tuple[str, ...] = TEXTS) -> Path:
    folder.mkdir()
    chance = np.random.default_rng(1)
    lines = []
    for number, text in enumerate(texts):
        time = np.arange(int(22050 * (0.9 + 0.1 * number))) / 22050
        tone = np.sin(2 * np.pi * (150 + 30 * number) * time) * (0.3 + 0.2 * np.sin(20 * time))
        noise = chance.normal(0, 0.005, len(time))
        write_wav(Audio((tone + noise).astype(np.float32), 22050), folder / f"{number:05}.wav")
        lines.append(f"{number:05}.wav|{text}")
    (folder / "transcripts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_run_goes_on_and_its_voice_speaks(tmp_path: Path) -> None:
    data, out = corpus(tmp_path / "data"), tmp_path / "run"
    arguments = ["voice", "--data", str(data), "--out", str(out), "--size", "tiny"]
    arguments += ["--batch", "2", "--device", "cpu"]
    first = CliRunner().invoke(train, [*arguments, "--steps", "1"])
    assert first.exit_code == 0, first.output
    assert "from step 0" in first.output
    second = CliRunner().invoke(train, [*arguments, "--steps", "2"])
    assert second.exit_code == 0, second.output
    assert "from step 1" in second.output
    state = torch.load(out / "state.pt", weights_only=True)
    assert state["step"] == 2
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert card["steps"] == 2
    assert card["recordings"] == len(TEXTS) - 1
    assert card["held_out"] == ["00000.wav"]
    assert np.isfinite(card["held_out_mel"])
    assert len(list((out / "samples").glob("*.wav"))) == 4
    speech = JetsVoice(folder=str(out / "voice")).speak("네.")
    assert speech.audio.rate == 24000
    assert speech.audio.seconds > 0
    tuned = train_voice(
        VoiceJob(data, tmp_path / "tuned", out / "voice", "tiny", "cpu", steps=1), lambda _: None
    )
    # One step moves the average of the weights hardly at all.
    from safetensors.torch import load_file

    before, after = (load_file(folder / "model.safetensors") for folder in (out / "voice", tuned))
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in before)


def code(folder: Path, **changes: object) -> str:
    with pytest.raises(MediaError) as caught:
        prepare(folder, MANUAL, folder / "cache", lambda _: None)
    return caught.value.code


def test_what_cannot_be_learnt_from_is_left_out_with_its_reason(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data", (*TEXTS, "!!", "가" * 300))
    (data / "00001.wav").write_bytes(b"no sound")
    write_wav(Audio(np.zeros(22050, np.float32), 22050), data / "00002.wav")
    found = prepare(data, MANUAL, tmp_path / "cache", lambda _: None)
    assert len(found.items) + len(found.held) == 3
    assert len(found.left_out) == 4
    assert found.left_out[0].startswith("00001.wav: It cannot be read")
    assert "0.0 s of speech" in found.left_out[1]
    again = prepare(data, MANUAL, tmp_path / "cache", lambda _: None)
    assert torch.equal(again.items[0].mel, found.items[0].mel)


def test_a_corpus_that_is_none_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert code(tmp_path / "empty") == "no_transcripts"
    few = corpus(tmp_path / "few", TEXTS[:2])
    assert code(few) == "no_recordings"
    lines = few / "transcripts.txt"
    lines.write_text("# 설명\n\n00000.wav|네.\n", encoding="utf-8")
    assert [line.text for line in read_lines(few)] == ["네."]
    for wrong in ("00000.wav 네.", "00009.wav|네.", "00000.wav| "):
        lines.write_text(wrong, encoding="utf-8")
        assert code(few) == "bad_transcripts"
