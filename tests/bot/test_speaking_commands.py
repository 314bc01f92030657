import json
from pathlib import Path

from click.testing import CliRunner

from bot.cli import main
from media.speech_file import read_speech, read_wav


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_say_writes_sound_and_timings(tmp_path: Path) -> None:
    wav, timings = tmp_path / "s.wav", tmp_path / "t.json"
    code, output = run("say", "네, 좋아요.", "--out", str(wav), "--timings", str(timings), "--json")
    assert code == 0, output
    result = json.loads(output)
    speech = read_speech(wav, timings)
    assert speech.text == "네, 좋아요."
    assert abs(speech.audio.seconds - result["seconds"]) < 0.01
    assert len(speech.phonemes) == result["phonemes"] > 5


def test_say_for_a_person(tmp_path: Path) -> None:
    code, output = run("say", "네.", "--out", str(tmp_path / "s.wav"), "--rate", "0.8")
    assert code == 0
    assert "s.wav" in output


def test_say_tells_what_is_wrong(tmp_path: Path) -> None:
    for arguments in (["say", "🙂"], ["say", "네.", "--persona", "nobody"]):
        code, output = run(*arguments, "--out", str(tmp_path / "s.wav"))
        assert code == 1
        assert output.startswith("Error: ")
        assert not (tmp_path / "s.wav").exists()


def test_compare_writes_every_voice(tmp_path: Path) -> None:
    code, output = run("voice", "compare", "네.", "--out", str(tmp_path / "voices"))
    assert code == 0, output
    written = list((tmp_path / "voices").glob("*.wav"))
    assert len(written) >= 2
    assert all(read_wav(path).seconds > 0.1 for path in written)


def test_bench_measures_a_voice(tmp_path: Path) -> None:
    table = tmp_path / "sentences.tsv"
    table.write_text("half\ttext\nheld_out\t감사합니다.\ntuning\t네.\n", encoding="utf-8")
    code, output = run("voice", "bench", "--sentences", str(table), "--json")
    assert code == 0, output
    result = json.loads(output)
    assert result["sentences"] == 1
    rate, low, high = result["cer"]
    assert 0 <= low <= rate <= high
    assert len(result["cer_telephone"]) == 3
    assert result["real_time_factor"] > 0
    assert result["times_faster"] > 0
    code, output = run(
        "voice", "bench", "--sentences", str(table), "--half", "tuning", "--limit", "1"
    )
    assert code == 0
    assert "real_time_factor" in output


def test_a_bench_that_was_stopped_is_taken_up(tmp_path: Path) -> None:
    table, kept = tmp_path / "sentences.tsv", tmp_path / "heard.jsonl"
    table.write_text("half\ttext\nheld_out\t감사합니다.\n", encoding="utf-8")
    command = ["voice", "bench", "--sentences", str(table), "--only", "hearing", "--json"]
    code, output = run(*command, "--heard", str(kept))
    assert code == 0, output
    assert "real_time_factor" not in json.loads(output)
    (line,) = kept.read_text(encoding="utf-8").splitlines()
    # What is kept counts; nothing is said again.
    kept.write_text(json.dumps(json.loads(line) | {"wide": "강사합니다."}) + "\n", encoding="utf-8")
    code, again = run(*command, "--heard", str(kept))
    assert code == 0, again
    assert json.loads(again)["cer"][0] == 0.2
    other = json.loads(line) | {"voice": "another", "wide": "아니요."}
    kept.write_text(json.dumps(other) + "\n", encoding="utf-8")
    code, fresh = run(*command, "--heard", str(kept))
    assert json.loads(fresh) == json.loads(output)


def test_a_bench_of_the_speed_alone(tmp_path: Path) -> None:
    table = tmp_path / "sentences.tsv"
    table.write_text("half\ttext\nheld_out\t네.\n", encoding="utf-8")
    code, output = run("voice", "bench", "--sentences", str(table), "--only", "speed", "--json")
    assert code == 0, output
    result = json.loads(output)
    assert result["times_faster"] > 0
    assert "cer" not in result
