"""The trainings as they are asked for: from a folder of clips to networks with a card."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from media.errors import MediaError

torch = pytest.importorskip("torch", reason="training needs the extra `neural`")

from media.face.portrait_mesh import INNER_LOWER  # noqa: E402
from media.networks.checkpoint import notes_of, read_network  # noqa: E402
from media.networks.wav2lip import Generator, SyncExpert  # noqa: E402
from media.train.guide import guide  # noqa: E402
from media.train.hearing import Hearing  # noqa: E402
from media.train.jobs import (  # noqa: E402
    LandmarkJob,
    LipsyncJob,
    train_landmark_job,
    train_lipsync,
)
from media.train.prepare import Sentence  # noqa: E402
from media.train.run import Average, Budget, Run, device_for, learning_rate  # noqa: E402
from media.train.talk import Talk  # noqa: E402


@pytest.fixture(scope="module")
def lipsync(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> LipsyncJob:
    """A small training that has been run."""
    job = LipsyncJob(
        clips, tmp_path_factory.mktemp("run"), "cpu", expert_steps=2, steps=2, width=1 / 16,
        expert_width=1 / 16, expert_batch=24, batch=2, hearing=2, quality=0.07, every=1,
    )  # fmt: skip
    train_lipsync(job, lambda text: None)
    return job


def test_expert_and_generator_come_with_a_card(lipsync: LipsyncJob) -> None:
    out = lipsync.out
    assert read_network(SyncExpert, out / "sync_expert.safetensors").width == 1 / 16
    assert read_network(Generator, out / "wav2lip.safetensors").width == 1 / 16
    card = json.loads((out / "card.json").read_text())
    assert {part: held["sentences"] for part, held in card["parts"].items()} == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }
    assert 0 <= card["expert_test"]["pairs"] <= 1
    assert card["generator_test"]["copy_l1"] > 0
    for part in ("expert", "generator"):
        assert (out / part / "loss.png").stat().st_size > 1000
        steps = [row["step"] for row in Run(out / part).rows()]
        assert steps == [1, 2]
    assert (out / "generator" / "samples" / "test.png").exists()


def test_a_training_goes_on_where_it_was_stopped(lipsync: LipsyncJob) -> None:
    train_lipsync(replace(lipsync, expert_steps=3, steps=3), lambda text: None)
    for part in ("expert", "generator"):
        assert [row["step"] for row in Run(lipsync.out / part).rows()] == [1, 2, 3]


def test_another_expert_may_be_given_and_memory_is_bounded(
    lipsync: LipsyncJob, tmp_path: Path
) -> None:
    (tmp_path / "prepared").symlink_to(lipsync.out / "prepared")
    told: list[str] = []
    job = replace(
        lipsync,
        out=tmp_path,
        expert=lipsync.out / "sync_expert.safetensors",
        quality=0.0,
        steps=1,
        memory=1e-6,
    )
    assert train_lipsync(job, told.append) == tmp_path / "wav2lip.safetensors"
    assert not (tmp_path / "expert").exists()


def test_expert_and_drawing_may_go_on_side_by_side(lipsync: LipsyncJob, tmp_path: Path) -> None:
    (tmp_path / "prepared").symlink_to(lipsync.out / "prepared")
    job = replace(lipsync, out=tmp_path, quality=0.0, vary=False, steps=4)
    told: list[str] = []
    drawn = train_lipsync(replace(job, only="drawing"), told.append)
    assert read_network(Generator, drawn).width == 1 / 16
    assert any("audio encoder tells" in line for line in told)
    assert not (tmp_path / "expert").exists()
    train_lipsync(replace(job, only="expert"), told.append)
    train_lipsync(job, told.append)
    rows = Run(tmp_path / "generator").rows()
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert ["lse_c" in row and "sync_loss" in row for row in rows] == [False, False, True, True]
    assert "expert_test" in json.loads((tmp_path / "card.json").read_text())


def test_hearing_tells_lips_from_sound() -> None:
    torch.manual_seed(0)
    draw = np.random.default_rng(5)
    loud = np.convolve(draw.uniform(0, 1, 304), np.ones(5) / 5, "valid").astype(np.float32)
    columns = np.interp(np.arange(960) / 3.2, np.arange(300), loud)
    mel = np.tile(6 * columns - 4, (80, 1)).astype(np.float32)
    faces = np.zeros((300, 96, 96, 3), np.uint8)
    blank = np.zeros((1, 80), np.float32)
    points = np.zeros((300, 468, 3), np.float32)
    talk = Talk([Sentence("s", "train", faces, mel, blank, points)], torch.device("cpu"))
    assert not Hearing(talk, 8).possible
    talk.shapes = torch.from_numpy(np.tile(loud[:, None], (1, 40)))
    hearing = Hearing(talk, 32)
    assert hearing.possible
    assert hearing.teach(Generator(1 / 16).audio_encoder, 80) > 0.3


def test_being_asked_to_stop_ends_after_the_step_in_hand(
    lipsync: LipsyncJob, tmp_path: Path
) -> None:
    (tmp_path / "prepared").symlink_to(lipsync.out / "prepared")

    def stop(text: str) -> None:
        if text.startswith("step 1 "):
            # Not a real signal: after test_distil.py it has ended the process with a segmentation
            # fault, whose cause is not known.
            handler = signal.getsignal(signal.SIGTERM)
            assert callable(handler)
            handler(signal.SIGTERM, None)

    file = train_lipsync(replace(lipsync, out=tmp_path, expert_steps=1000), stop)
    assert file == tmp_path / "sync_expert.safetensors"
    assert len(Run(tmp_path / "expert").rows()) == 1
    assert not (tmp_path / "generator").exists()


def test_a_content_branch_is_trained(lipsync: LipsyncJob, tmp_path: Path) -> None:
    (tmp_path / "prepared").symlink_to(lipsync.out / "prepared")
    job = LandmarkJob(lipsync.data, tmp_path, "cpu", steps=2, half=True, every=1)
    file = train_landmark_job(job, lambda text: None)
    assert file.stat().st_size < 4_000_000
    notes = json.loads(notes_of(file)["silverline"])
    assert notes["before"] == 4
    assert 0 < notes["gain"] <= 2
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["test"]["mean"] > 0
    train_landmark_job(replace(job, steps=3), lambda text: None)
    assert [row["step"] for row in Run(tmp_path).rows()] == [1, 2, 3]


def test_a_state_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"cut short")
    with pytest.raises(MediaError, match="begin anew"):
        Run(tmp_path).restored(torch.device("cpu"))


def test_a_device_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for("auto").type == "cpu"
    with pytest.raises(MediaError, match="no CUDA device"):
        device_for("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_for("auto").type == "cuda"


def test_the_rate_rises_and_falls() -> None:
    rates = [learning_rate(1.0, share / 100) for share in range(101)]
    assert max(rates) == pytest.approx(1.0)
    assert rates[0] < 0.2
    assert rates[-1] < 0.02
    budget = Budget(10)
    assert budget.share(5) == 0.5
    assert budget.over(10)


def test_an_average_forgets_its_beginning() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    mean = Average(network, keep=0.5)
    network.weight.data.fill_(3.0)
    for _ in range(20):
        mean.update(network)
    assert float(mean.network.weight) == pytest.approx(3.0, abs=1e-3)


def test_the_guide_puts_like_mouths_together() -> None:
    draw = np.random.default_rng(4)
    base = draw.normal(0, 60, (468, 3)) + 200
    sentences = []
    for index in range(4):
        gap = np.convolve(draw.uniform(0, 1, 240), np.ones(5) / 5, "valid")
        points = np.tile(base, (len(gap), 1, 1)) + draw.normal(0, 0.05, (len(gap), 468, 3))
        points[:, list(INNER_LOWER), 1] += 20 * gap[:, None]
        columns = np.interp(np.arange(round(3.2 * len(gap))) / 3.2, np.arange(len(gap)), gap)
        mel = np.tile(6 * columns - 4, (80, 1)) + draw.normal(0, 0.1, (80, len(columns)))
        crops = np.zeros((len(gap), 96, 96, 3), np.uint8)
        sentences.append(
            Sentence(
                f"s{index}", "train", crops, mel.astype(np.float32),
                np.zeros((1, 80), np.float32), points.astype(np.float32),
            )
        )  # fmt: skip
    talk = Talk(sentences, torch.device("cpu"))
    found = guide(talk)
    assert found is not None
    assert found.shape == (len(talk.faces), 32)
    length = found.norm(dim=1)
    assert (length[talk.first[1] - 4 : talk.first[1]] == 0).all()
    assert length[: talk.first[1] - 4] == pytest.approx(1.0, abs=1e-5)
    gaps = np.array([talk.shapes[i : i + 5].norm(dim=1).mean() for i in range(200)])
    order = np.argsort(gaps)
    low, high, other = found[order[:20]], found[order[-20:]], found[order[20:40]]
    assert float((low.mean(0) * other.mean(0)).sum()) > float((low.mean(0) * high.mean(0)).sum())
    blind = [replace(s, points=np.zeros_like(s.points)) for s in sentences]
    assert guide(Talk(blind, torch.device("cpu"))) is None
    with pytest.raises(ValueError, match="ten frames"):
        Talk([replace(sentences[0], crops=crops[:5])], torch.device("cpu"))
