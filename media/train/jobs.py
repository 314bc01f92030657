"""A training from a folder of clips to networks with their card."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from media.networks.checkpoint import read_network
from media.networks.wav2lip import Generator, SyncExpert
from media.train.clips import PARTS, Part, find_clips, parted
from media.train.expert import ExpertOptions, score_expert, train_expert
from media.train.landmarks import (
    BEFORE,
    LandmarkOptions,
    Moves,
    score_landmarks,
    train_landmarks,
)
from media.train.lipsync import (
    LipsyncOptions,
    score_generator,
    strip,
    train_generator,
    write_sample,
)
from media.train.prepare import Sentence, prepare, read
from media.train.run import Budget, Run, Tell, device_for, write_network
from media.train.talk import Talk

_FRAME_BYTES = 96 * 96 * 3


@dataclass(frozen=True)
class LipsyncJob:
    """What `silverline train lipsync` is asked for; half of `seconds` goes to the expert.

    `only` the expert, or `drawing`: the generator as far as it needs none. Both may go on at the
    same time; without `only` the same folder is then taken up where they stopped.
    """

    data: Path
    out: Path
    device: str = "auto"
    seconds: float = math.inf
    seed: int = 7
    expert_steps: int = 20_000
    steps: int = 100_000
    width: float = 1.0
    expert_width: float = 1.0
    expert_batch: int = 288
    batch: int = 16
    vary: bool = True
    hearing: int = 600
    alone: float = 0.5
    quality: float = 0.0
    only: Literal["expert", "drawing"] | None = None
    expert: Path | None = None
    memory: float = 4.0
    every: int = 200


@dataclass(frozen=True)
class LandmarkJob:
    """What `silverline train landmarks` is asked for."""

    data: Path
    out: Path
    device: str = "auto"
    seconds: float = math.inf
    seed: int = 7
    steps: int = 6_000
    half: bool = False
    every: int = 200


def train_lipsync(job: LipsyncJob, tell: Tell) -> Path:
    """Train expert and generator as `job` asks and return the generator's file.

    The folder gets `sync_expert.safetensors`, `wav2lip.safetensors`, `card.json`, and a run's
    files under `expert/` and `generator/`. MediaError where the clips cannot be used.
    """
    device = device_for(job.device)
    torch.manual_seed(job.seed)
    talks = {
        part: Talk(held, device)
        for part, held in _sentences(job.data, job.out, job.memory, tell).items()
    }
    facts: dict[str, object] = {
        "data": str(job.data),
        "trained": date.today().isoformat(),
        "device": str(device),
        "parts": {p: {"sentences": len(t), "seconds": round(t.seconds)} for p, t in talks.items()},
    }
    if job.only == "drawing":
        return _draw(job, talks, None, Budget(job.steps, job.seconds), tell)
    share = 1.0 if job.only else 0.5
    whole = Budget(job.expert_steps, job.seconds * share)
    file = job.out / "sync_expert.safetensors"
    with whole.interruptible():
        if job.expert is not None:
            expert = read_network(SyncExpert, job.expert).to(device).eval()
        else:
            windows = max(2, job.expert_batch // ExpertOptions.sentences)
            options = ExpertOptions(job.expert_width, windows=windows, every=job.every)
            run = Run(job.out / "expert", tell)
            expert = train_expert(talks["train"], talks["validation"], run, whole, options)
            write_network(expert, file)
    chosen = score_expert(expert, talks["validation"])
    facts["expert_test"] = asdict(score_expert(expert, talks["test"], chosen.threshold))
    card = Run(job.out, tell)
    card.card(**facts)
    if whole.stopped or job.only:
        return file
    file = _draw(job, talks, expert, Budget(job.steps, job.seconds - whole.spent), tell)
    generator = read_network(Generator, file).to(device)
    facts["generator_test"] = score_generator(generator, expert, talks["test"]).known()
    write_sample(Run(job.out / "generator"), "test", strip(generator, talks["test"], 0))
    card.card(**facts)
    return file


def _draw(
    job: LipsyncJob, talks: dict[Part, Talk], expert: SyncExpert | None, budget: Budget, tell: Tell
) -> Path:
    """Train the generator with `expert`, or as far as it goes without, and return its file."""
    options = LipsyncOptions(
        job.width, job.batch, vary=job.vary, hearing=job.hearing, alone=job.alone,
        quality=job.quality, every=job.every,
    )  # fmt: skip
    run = Run(job.out / "generator", tell)
    with budget.interruptible():
        generator = train_generator(
            talks["train"], talks["validation"], expert, run, budget, options
        )
    file = job.out / "wav2lip.safetensors"
    write_network(generator, file)
    return file


def train_landmark_job(job: LandmarkJob, tell: Tell) -> Path:
    """Train the content branch as `job` asks and return its file, `content_branch.safetensors`."""
    device = device_for(job.device)
    torch.manual_seed(job.seed)
    parts = _sentences(job.data, job.out, math.inf, tell)
    moves = {part: Moves(held, device) for part, held in parts.items()}
    run = Run(job.out, tell)
    budget = Budget(job.steps, job.seconds)
    with budget.interruptible():
        branch = train_landmarks(
            moves["train"], moves["validation"], run, budget, LandmarkOptions(every=job.every)
        )
    shape = moves["train"].moves.mean(0)
    chosen = score_landmarks(branch, moves["validation"], shape)
    tested = score_landmarks(branch, moves["test"], shape)
    file = job.out / "content_branch.safetensors"
    notes = json.dumps({"before": BEFORE, "gain": round(min(chosen.gain, 2.0), 3)})
    write_network(branch, file, half=job.half, notes={"silverline": notes})
    run.card(
        data=str(job.data),
        trained=date.today().isoformat(),
        device=str(device),
        parts={p: {"sentences": len(parts[p]), "frames": len(m)} for p, m in moves.items()},
        test=asdict(tested),
    )
    return file


def _sentences(data: Path, out: Path, memory: float, tell: Tell) -> dict[Part, list[Sentence]]:
    """Return the prepared sentences of each part, of about `memory` GB of pictures in all."""
    clips = find_clips(data)
    parts = parted(clips)
    files = prepare(clips, parts, out / "prepared", tell)
    # The same draw every time, so that a resumed run sees the same sentences.
    order = np.random.default_rng(5).permutation(len(files))
    held: dict[Part, list[Sentence]] = {part: [] for part in PARTS}
    room = memory * 1e9
    for index in order:
        if room < 0 and all(held.values()):
            tell(f"--memory is full: {sum(map(len, held.values()))} of {len(files)} sentences")
            break
        sentence = read(files[index])
        held[sentence.part].append(sentence)
        room -= len(sentence.crops) * _FRAME_BYTES
    return held
