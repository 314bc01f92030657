"""`silverline train …`: the networks learn from one's own recordings."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import click

from bot.cli.faults import told


@click.group()
def train() -> None:
    """Train a network on recordings of your own; a run that was stopped goes on."""


def training(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options of every training, and its errors their remedies."""

    @click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        required=True,
        help="Folder with the recordings.",
    )
    @click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        required=True,
        help="Folder of the run: state, log, plot, samples, networks, card.",
    )
    @click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
    @click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Time to spend.")
    @click.option("--seed", default=7, show_default=True)
    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        with told():
            command(*args, **options)

    return run


def seconds(minutes: float | None) -> float:
    """Return `minutes` in seconds; without any there is no end."""
    return math.inf if minutes is None else 60 * minutes


@train.command()
@training
@click.option("--expert-steps", default=20_000, show_default=True, help="Of the sync expert.")
@click.option("--steps", default=100_000, show_default=True, help="Of the generator.")
@click.option("--width", default=1.0, show_default=True, help="Of the generator; 1 as published.")
@click.option("--expert-width", default=1.0, show_default=True, help="Of the sync expert.")
@click.option("--expert-batch", default=288, show_default=True, help="Pairs of mouth and sound.")
@click.option("--batch", default=16, show_default=True, help="Times five frames, of the generator.")
@click.option("--vary/--no-vary", default=True, help="Move, mirror and light drawn faces anew.")
@click.option(
    "--alone", default=0.5, show_default=True, help="Share of the generator's training by L1 only."
)
@click.option("--quality", default=0.0, show_default=True, help="Weight of the discriminator.")
@click.option(
    "--only",
    type=click.Choice(["expert", "drawing"]),
    help="The expert, or the generator as far as it needs none: both may run at a time.",
)
@click.option("--every", default=200, show_default=True, help="Steps between two measurements.")
@click.option(
    "--expert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trained sync expert, instead of training one.",
)
@click.option("--memory", default=4.0, show_default=True, help="GB of pictures held at a time.")
def lipsync(
    data: Path,
    out: Path,
    device: str,
    minutes: float | None,
    seed: int,
    expert_steps: int,
    steps: int,
    width: float,
    expert_width: float,
    expert_batch: int,
    batch: int,
    vary: bool,
    alone: float,
    quality: float,
    only: Literal["expert", "drawing"] | None,
    every: int,
    expert: Path | None,
    memory: float,
) -> None:
    """Train the sync expert, then Wav2Lip with it, on talking clips (or AI Hub 538) in DATA."""
    from media.train.jobs import LipsyncJob, train_lipsync

    job = LipsyncJob(
        data=data,
        out=out,
        device=device,
        seconds=seconds(minutes),
        seed=seed,
        expert_steps=expert_steps,
        steps=steps,
        width=width,
        expert_width=expert_width,
        expert_batch=expert_batch,
        batch=batch,
        vary=vary,
        alone=alone,
        quality=quality,
        only=only,
        every=every,
        expert=expert,
        memory=memory,
    )
    click.echo(f"{train_lipsync(job, click.echo)}")


@train.command()
@training
@click.option("--steps", default=6_000, show_default=True)
@click.option("--half/--full", default=False, help="Write the weights in half precision.")
def landmarks(
    data: Path,
    out: Path,
    device: str,
    minutes: float | None,
    seed: int,
    steps: int,
    half: bool,
) -> None:
    """Train MakeItTalk's content branch on the landmarks of the talking clips in DATA."""
    from media.train.jobs import LandmarkJob, train_landmark_job

    job = LandmarkJob(
        data=data, out=out, device=device, seconds=seconds(minutes), seed=seed, steps=steps,
        half=half,
    )  # fmt: skip
    click.echo(f"{train_landmark_job(job, click.echo)}")


@train.command()
@training
@click.option(
    "--from",
    "base",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a JETS voice to begin with, as ESPnet lays it out.",
)
@click.option(
    "--size",
    type=click.Choice(["compact", "published", "tiny"]),
    default="compact",
    show_default=True,
    help="Of a voice from scratch: 12 or 26 M parameters, or enough to try the command.",
)
@click.option("--steps", default=100_000, show_default=True)
@click.option("--batch", default=16, show_default=True, help="Recordings a step.")
@click.option("--rate", default=2e-4, show_default=True, help="The highest learning rate.")
def voice(
    data: Path,
    out: Path,
    device: str,
    minutes: float | None,
    seed: int,
    base: Path | None,
    size: str,
    steps: int,
    batch: int,
    rate: float,
) -> None:
    """Train a JETS voice on recordings and their transcripts.txt in DATA."""
    from media.train.voice import VoiceJob, train_voice

    job = VoiceJob(data, out, base, size, device, steps, seconds(minutes), batch, rate, seed)
    place = train_voice(job, click.echo)
    click.echo(f'the voice is in {place}: engine = "jets", folder = "{place}" in a persona')


@train.command()
@training
@click.option("--articles/--no-articles", default=True, help="Also say the articles' texts.")
@click.option(
    "--without",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Sentences, one a line, that are kept for measuring and never said.",
)
@click.option("--hours", default=6.0, show_default=True, help="Of the teacher's speech.")
@click.option("--steps", default=20_000, show_default=True)
@click.option("--batch", default=32, show_default=True, help="Sentences a step.")
@click.option(
    "--size", type=click.Choice(["compact", "tiny"]), default="compact", show_default=True
)
@click.option("--style", default="korean_woman", show_default=True, help="The teacher's.")
@click.option("--workers", default=2, show_default=True, help="Processes that align the speech.")
@click.option("--held", default=48, show_default=True, help="Sentences kept for checking.")
@click.option("--shard", default=30.0, show_default=True, help="Minutes of speech in a file.")
@click.option("--pack", is_flag=True, help="Write a kit for a machine with a GPU into OUT.")
def distil(
    data: Path,
    out: Path,
    device: str,
    minutes: float | None,
    seed: int,
    articles: bool,
    without: Path | None,
    hours: float,
    steps: int,
    batch: int,
    size: str,
    style: str,
    workers: int,
    held: int,
    shard: float,
    pack: bool,
) -> None:
    """Distil the default voice into a compact JETS, over the .txt files in DATA.

    The teacher says the texts, the student learns from its sound, durations and pitch.
    """
    from media.train.distil_job import DistilJob
    from media.train.distil_start import Speaking, lines_from, start
    from media.train.kit import pack as write_kit

    texts = [line for path in sorted(data.glob("*.txt")) for line in _lines(path)]
    if articles:
        texts += article_texts()
    lines = lines_from(texts, _lines(without) if without else ())
    click.echo(f"{len(lines.lines)} stretches of speech to say")
    if pack:
        size_in_bytes = sum(path.stat().st_size for path in write_kit(out, lines, style))
        click.echo(f"the kit is in {out}, {size_in_bytes / 1e6:.0f} MB: see docs/jets.md")
        return
    job = DistilJob(
        out / "speech", out, lines.tokens, size, device, steps, seconds(minutes), batch,
        rows=len(lines.lines), held=held, seed=seed,
    )  # fmt: skip
    place = start(lines, Speaking(hours, workers, style, 60 * shard), job, click.echo)
    click.echo(f'the voice is in {place}: engine = "jets", folder = "{place}" in a persona')


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def article_texts() -> list[str]:
    """Return what is asked and answered in the articles: public-service text to speak."""
    from bot.knowledge.articles import load_folder
    from bot.settings import load_settings

    found = []
    for article in load_folder(load_settings().knowledge.folder):
        number = f"{article.contact_name} {article.contact_number}번으로 전화하세요."
        found += [article.title, article.answer, article.next_step, number, *article.questions]
    return found
