"""Distilling: the teacher in torch says what the default voice says; a tiny student learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bot.cli.train import train
from media.errors import MediaError
from media.speak.jets import JetsVoice
from media.speak.kokoro import rendered
from media.speak.kokoro_engine import styles
from media.speak.kokoro_graph import prepare

torch = pytest.importorskip("torch")

from media.train.distil import mel_bank  # noqa: E402
from media.train.distil_job import DistilJob, distil  # noqa: E402
from media.train.distil_run import main  # noqa: E402
from media.train.distil_start import lines_from  # noqa: E402
from media.train.lessons import Lines, read_lines, read_shard, write_lines  # noqa: E402
from media.train.onnx_torch import OnnxGraph  # noqa: E402

STYLE = "korean_woman"


@pytest.fixture(scope="module")
def lines() -> Lines:
    return lines_from(["네.", "예.", "네."])


@pytest.fixture(scope="module")
def speech(lines: Lines, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the teacher says of the lines, as its process leaves it."""
    folder = tmp_path_factory.mktemp("distil")
    write_lines(lines, folder / "lines.json")
    np.save(folder / "style.npy", styles()[STYLE])
    arguments = ["speech", "--kokoro", str(prepare().published)]
    arguments += ["--style", str(folder / "style.npy"), "--lines", str(folder / "lines.json")]
    arguments += ["--folder", str(folder / "speech"), "--hours", "1", "--workers", "1"]
    arguments += ["--shard", "0.4", "--device", "cpu"]
    assert main(arguments) == 0
    return folder


def spectrum(sound: NDArray[Any]) -> NDArray[np.float64]:
    """Return the log magnitudes (frames, 601) of a sound, 300 samples a frame."""
    waves = np.asarray(sound, np.float64) / np.abs(sound).max()
    frames = np.lib.stride_tricks.sliding_window_view(waves, 1200)[::300]
    return np.asarray(np.log(1e-3 + np.abs(np.fft.rfft(frames * np.hanning(1200)))))


def alike(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return how far the shorter sound's spectrum is in the longer one, where it fits best."""
    part, whole = spectrum(one), spectrum(other)
    return max(
        float(np.corrcoef(part.ravel(), whole[late : late + len(part)].ravel())[0, 1])
        for late in range(len(whole) - len(part) + 1)
    )


def test_the_teacher_says_what_the_voice_says(speech: Path, lines: Lines) -> None:
    own = next(line.own for line in lines.lines if line.symbols[:2] == ("n", "e"))
    taught = [one for path in (speech / "speech").glob("*.npz") for one in read_shard(path)]
    learnt = next(one for one in taught if tuple(one.tokens) == own)
    expected, _ = next(rendered("네.", STYLE))
    # By spectrum: waveforms of teacher and voice do not match in phase.
    assert alike(learnt.sound, expected) > 0.8
    other = next(one for one in taught if tuple(one.tokens) != own)
    assert alike(learnt.sound, expected) > alike(other.sound, expected)
    assert len(learnt.frames) == len(own)
    assert learnt.frames.min() >= 1
    assert learnt.frames.sum() * 300 == len(learnt.sound)
    assert 150 < np.exp(learnt.pitch[1]) < 400
    assert learnt.energy[1] > learnt.energy[-1]


def test_a_student_learns_goes_on_and_speaks(speech: Path, lines: Lines, tmp_path: Path) -> None:
    known = read_lines(speech / "lines.json")
    assert known == lines
    shards = sorted((speech / "speech").glob("*.npz"))
    assert sum(len(read_shard(path)) for path in shards) == 2
    job = DistilJob(
        speech / "speech", tmp_path, known.tokens, "tiny", "cpu", 1, batch=1, rows=4, held=1
    )
    told: list[str] = []
    distil(job, told.append)
    place = distil(
        DistilJob(
            job.speech, job.out, job.tokens, "tiny", "cpu", 3, batch=1, rows=4, held=1, first=1
        ),
        told.append,
    )
    assert any("from step 0" in line for line in told)
    assert any("from step 1" in line for line in told)
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert card["steps"] == 3
    assert card["sentences"] == 2
    assert np.isfinite(card["held_out"]["held_out_mel"])
    assert (tmp_path / "samples" / "teacher-student.wav").is_file()
    state = weights_of(place)
    assert {value.dtype for value in state.values()} == {torch.float16}
    assert JetsVoice(folder=str(place)).speak("네.").audio.rate == 24000
    with pytest.raises(MediaError, match="another network"):
        distil(
            DistilJob(job.speech, job.out, job.tokens[:-1], "tiny", "cpu", 3, rows=4, held=1),
            told.append,
        )


def weights_of(place: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    state: dict[str, torch.Tensor] = load_file(place / "model.safetensors")
    return state


def test_espnet_speaks_with_a_distilled_voice(speech: Path, tmp_path: Path) -> None:
    pytest.importorskip("espnet2", reason="JETS needs espnet; `make test` installs it")
    tokens = read_lines(speech / "lines.json").tokens
    place = distil(
        DistilJob(speech / "speech", tmp_path, tokens, "tiny", "cpu", 1, batch=1, rows=4, held=1),
        lambda _: None,
    )
    quick, espnet = (
        JetsVoice(folder=str(place), runtime=kind).speak("네.") for kind in ("auto", "espnet")
    )
    assert abs(quick.audio.seconds - espnet.audio.seconds) < 0.03


def test_the_command_takes_speech_that_is_there(speech: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text("네.\n예.\n그럼요.\n", encoding="utf-8")
    (tmp_path / "kept.txt").write_text("그럼요.\n", encoding="utf-8")
    arguments = ["distil", "--data", str(texts), "--out", str(speech), "--no-articles"]
    arguments += ["--without", str(tmp_path / "kept.txt")]
    trying = ["--size", "tiny", "--device", "cpu", "--held", "1", "--steps", "1", "--batch", "1"]
    result = CliRunner().invoke(train, [*arguments, *trying, "--hours", "0.0001"])
    assert result.exit_code == 0, result.output
    assert "2 stretches of speech" in result.output
    arguments[4] = str(tmp_path / "kit")
    packed = CliRunner().invoke(train, [*arguments, "--pack"])
    assert packed.exit_code == 0, packed.output
    kit = tmp_path / "kit"
    parts = sorted(kit.glob("kokoro.part.*"))
    assert sum(part.stat().st_size for part in parts) == prepare().published.stat().st_size
    assert (kit / "code" / "media" / "train" / "distil_run.py").is_file()
    (texts / "a.txt").write_text("그럼요.\n", encoding="utf-8")
    empty = CliRunner().invoke(train, [*arguments, "--pack"])
    assert empty.exit_code == 1
    assert "Put .txt files" in empty.output


def test_operators_compute_what_onnxruntime_does(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    weight = chance.normal(size=(6, 4, 3)).astype(np.float32)
    up = chance.normal(size=(6, 5, 4)).astype(np.float32)
    constants = {
        "w": weight, "u": up, "two": np.array([2]), "one": np.array([1]),
        "pads": np.array([0, 0, 2, 0, 0, 1]), "roi": np.array([], np.float32),
        "scales": np.array([1, 1, 3], np.float32), "start": np.array([1]), "end": np.array([9]),
        "parts": np.array([2, 3]), "like": np.array([0, -1]),
    }  # fmt: skip
    make = helper.make_node
    nodes = [
        make("Conv", ["x", "w"], ["a"], kernel_shape=[3], pads=[2, 2], dilations=[2],
             strides=[1], group=1),
        make("LeakyRelu", ["a"], ["b"], alpha=0.2),
        make("ConvTranspose", ["b", "u"], ["c"], kernel_shape=[4], strides=[2], pads=[1, 1],
             output_padding=[0], group=1, dilations=[1]),
        make("Pad", ["c", "pads"], ["d"], mode="reflect"),
        make("Resize", ["d", "roi", "scales"], ["e"], mode="nearest", nearest_mode="floor",
             coordinate_transformation_mode="asymmetric"),
        make("Slice", ["e", "start", "end", "two"], ["f"]),
        make("Split", ["f", "parts"], ["g", "h"], axis=1),
        make("ReduceMean", ["h", "two"], ["i"], keepdims=1),
        make("Mul", ["h", "i"], ["j"]),
        make("Shape", ["g"], ["s"]),
        make("Slice", ["s", "one", "two"], ["t"]),
        make("Reshape", ["j", "like"], ["y"]),
        make("ConstantOfShape", ["t"], ["z"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, "n"])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("y", "z")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    path = tmp_path / "g.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path
    )
    x = chance.normal(size=(1, 4, 11)).astype(np.float32)
    expected = onnxruntime.InferenceSession(path).run(["y", "z"], {"x": x})
    found = OnnxGraph(path, "cpu").run({"x": torch.from_numpy(x)})
    for name, value in zip(("y", "z"), expected, strict=True):
        assert np.allclose(found[name].numpy(), value, atol=1e-4)
    graph.node.append(make("Einsum", ["y"], ["q"], equation="ab->ba"))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    with pytest.raises(MediaError, match="Einsum"):
        OnnxGraph(path, "cpu")


def test_mel_bands_cover_the_spectrum() -> None:
    bank = mel_bank(1024, 80, 24000)
    assert bank.shape == (80, 513)
    assert torch.allclose(bank.sum(1), torch.ones(80))
    assert (bank.argmax(1).diff() >= 0).all()


def test_what_cannot_be_distilled_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="more than 1 are needed"):
        distil(
            DistilJob(
                tmp_path, tmp_path / "out", ("a",), "tiny", "cpu", seconds=0.1, held=1, rows=2
            ),
            lambda _: None,
        )
    with pytest.raises(MediaError, match="no text"):
        lines_from(["!!"])
    write_lines(Lines([], ("a",), 16), tmp_path / "lines.json")
    arguments = ["student", "--lines", str(tmp_path / "lines.json"), "--device", "cuda:7"]
    arguments += ["--folder", str(tmp_path), "--out", str(tmp_path / "other")]
    assert torch.cuda.is_available() or main(arguments) == 1
