"""Training Wav2Lip's generator with a sync expert that has been trained before.

Each frame is drawn from its own mel window, a hidden lower half and a reference picture of the
same sentence from another moment. First single frames are drawn, near the filmed ones; then five in
a row, of which the expert, which no longer learns, says whether the mouths fit the sound, and the
quality discriminator, where it is asked for, whether they look filmed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the field's name for it

from media.networks.wav2lip import Generator, QualityDiscriminator, SyncExpert, Widths
from media.train.expert import curve, embeddings
from media.train.hearing import Hearing
from media.train.run import Average, Budget, Run, laid_out, learning_rate, reduced, take_up
from media.train.talk import SPAN, Talk, lower, varied_pictures, varied_windows

MOUTH = (slice(48, 96), slice(24, 72))
"""Rows and columns of a 96 × 96 crop that hold the mouth."""
AWAY = 10
"""Frames at least between a frame and its reference."""
LISTENING = 0.01
"""Weight of the lips' landmarks that the audio encoder tells on the side."""


@dataclass(frozen=True)
class LipsyncOptions:
    """How the generator is trained; a batch is `batch` × 5 frames."""

    width: float = 1.0
    batch: int = 16
    rate: float = 1e-3
    alone: float = 0.5
    """Share of the training in which single frames are drawn, without expert and discriminator."""
    hearing: int = 600
    """Steps in which the audio encoder learns to tell lips' landmarks beforehand."""
    mouth: float = 2.0
    """Weight of the L1 of the mouth beside that of the whole face, which is 1."""
    sync: float = 0.03
    quality: float = 0.0
    """Weight of the quality discriminator; 0.07 as published, 0 leaves it out."""
    shift: float = 0.03
    """By how much faces are moved and scaled; 0 is quicker."""
    vary: bool = True
    """Whether faces are moved, mirrored and lit anew at all."""
    every: int = 100


@dataclass(frozen=True)
class LipsyncScore:
    """Mouth-region L1 (0 … 1) and sync by our expert, of drawn faces and of the copied reference.

    `lse_c` and `lse_d` are in the sense of the published ones, by our expert; `filmed_` those of
    the filmed faces themselves. Without an expert there is only `l1`.
    """

    l1: float
    copy_l1: float
    lse_c: float | None = None
    copy_lse_c: float | None = None
    filmed_lse_c: float | None = None
    lse_d: float | None = None
    copy_lse_d: float | None = None
    filmed_lse_d: float | None = None
    offsets: float | None = None
    """Share of sentences whose drawn faces are within one frame of the sound."""

    def known(self) -> dict[str, float]:
        """Return what has been measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def train_generator(
    training: Talk,
    validation: Talk,
    expert: SyncExpert | None,
    run: Run,
    budget: Budget,
    options: LipsyncOptions = LipsyncOptions(),
) -> Generator:
    """Return the generator after `budget`; goes on from the state in `run`.

    Without an `expert` it stops where the expert would be asked, to go on with one later.
    """
    device = training.device
    if expert is not None:
        expert = expert.to(device).eval().requires_grad_(False)
    network = Generator(options.width).to(device)
    laid_out(network, device, options.width)
    hearing = Hearing(training, Widths(options.width)(512))
    state = run.restored(device)
    if state is None and hearing.possible and options.hearing:
        heard = hearing.teach(network.audio_encoder, options.hearing)
        run.tell(f"the audio encoder tells {heard:.0%} of how lips differ")
    mean = Average(network)
    critic = QualityDiscriminator().to(device) if options.quality else None
    weights = [*network.parameters(), *hearing.head.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=options.rate, weight_decay=1e-4, fused=True)
    critic_optimiser = (
        torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.5, 0.999)) if critic else None
    )
    step = 0
    if state is not None:
        step = take_up(state, network, mean, optimiser)
        hearing.head.load_state_dict(state["hearing"])
        if critic is not None and critic_optimiser is not None and state["critic"] is not None:
            critic.load_state_dict(state["critic"])
            critic_optimiser.load_state_dict(state["critic_optimiser"])

    def save() -> None:
        run.save(
            {
                "network": network.state_dict(), "mean": mean.network.state_dict(),
                "optimiser": optimiser.state_dict(), "step": step,
                "hearing": hearing.head.state_dict(),
                "critic": critic.state_dict() if critic else None,
                "critic_optimiser": critic_optimiser.state_dict() if critic_optimiser else None,
            }
        )  # fmt: skip

    losses: list[Tensor] = []

    def over() -> bool:
        return budget.over(step) or (expert is None and budget.share(step) >= options.alone)

    while not over():
        share = budget.share(step)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(options.rate, share)
        network.train()
        judge = expert if share >= options.alone else None
        batch = _batch(training, options, SPAN if judge else 1)
        with reduced(device):
            drawn = network(batch.windows, batch.face).permute(0, 2, 1, 3, 4)
        drawn = drawn.float()
        near = _distance(drawn, batch.target, options.mouth)
        loss, fits = near, torch.zeros_like(near)
        if hearing.possible and options.hearing:
            code = network.audio_encoder(batch.windows[:, 0])
            loss = loss + LISTENING * hearing.error(code.float(), batch.sentence, batch.frame)
        if judge is not None:
            fits = _unfit(judge, batch.heard, drawn)
            loss = (1 - options.sync - options.quality) * loss + options.sync * fits
        if judge is not None and critic is not None and critic_optimiser is not None:
            loss = loss + options.quality * _fooled(critic, drawn)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        mean.update(network)
        if judge is not None and critic is not None and critic_optimiser is not None:
            _teach(critic, critic_optimiser, drawn.detach(), batch.target)
        losses.append(torch.stack((near.detach(), fits.detach())))
        step += 1
        if step % options.every == 0 or over():
            near_, fits_ = torch.stack(losses).mean(0).tolist()
            losses = []
            score = score_generator(mean.network, expert, validation)
            lost = {"l1_loss": near_} | ({"sync_loss": fits_} if judge is not None else {})
            run.note(step, lost | {"spent": budget.spent} | score.known())
            write_sample(run, f"{step:06d}", strip(mean.network, validation, 0))
            save()
    save()
    run.plot()
    return mean.network


@dataclass(frozen=True)
class _Batch:
    """What is drawn in one step: n times t frames in a row, from `frame` of `sentence` (n,) on.

    `target` (n, t, 3, 96, 96), the network's input `face` (n, 6, t, 96, 96), the mel windows of
    the frames (n, t, 1, 80, 16), and the one (n, 1, 80, 16) that the expert hears.
    """

    sentence: Tensor
    frame: Tensor
    target: Tensor
    face: Tensor
    windows: Tensor
    heard: Tensor


def _batch(talk: Talk, options: LipsyncOptions, row: int) -> _Batch:
    """Return a batch of as many frames as `options` say, `row` in a row."""
    device, count = talk.device, options.batch * SPAN // row
    sentence = torch.randint(len(talk), (count,), device=device)
    spans = talk.count[sentence] - SPAN + 1
    frame = (torch.rand(count, device=device) * spans).long()
    # A moment at least AWAY frames off, where the sentence is long enough for one.
    free = (spans - 2 * AWAY + 1).clamp(min=1)
    other = (frame + AWAY + (torch.rand(count, device=device) * free).long()) % spans
    both = torch.cat((talk.pictures(sentence, frame, row), talk.pictures(sentence, other, row)), 1)
    if options.vary:
        both = varied_pictures(both, options.shift)
    target, reference = both.split(row, dim=1)
    at = frame[:, None] + torch.arange(row, device=device)
    windows = varied_windows(talk.windows(sentence[:, None].expand(-1, row), at))
    # The expert hears what the first frame is drawn from.
    face = network_input(target, reference)
    return _Batch(sentence, frame, target, face, windows, windows[:, 0])


def _distance(drawn: Tensor, target: Tensor, mouth: float) -> Tensor:
    """Return the mean L1 of the face, and `mouth` times that of its mouth, by their weights."""
    apart = (drawn - target).abs()
    return (apart.mean() + mouth * apart[..., MOUTH[0], MOUTH[1]].mean()) / (1 + mouth)


def _unfit(expert: SyncExpert, heard: Tensor, drawn: Tensor) -> Tensor:
    """Return the published sync loss: the cross-entropy of the cosine of sound and mouths."""
    with reduced(drawn.device):
        sound, sight = expert(heard, lower(drawn).flatten(1, 2))
    unfit: Tensor = -(sound.float() * sight.float()).sum(1).clamp(1e-3, 1).log().mean()
    return unfit


def network_input(target: Tensor, reference: Tensor) -> Tensor:
    """Return (n, 6, t, 96, 96): `target` (n, t, 3, 96, 96) with its lower half hidden, on the
    reference."""
    hidden = target.clone()
    hidden[..., hidden.shape[-2] // 2 :, :] = 0.0
    return torch.cat((hidden, reference), dim=2).permute(0, 2, 1, 3, 4)


def _fooled(critic: QualityDiscriminator, drawn: Tensor) -> Tensor:
    chance = critic(drawn.permute(0, 2, 1, 3, 4))
    return F.binary_cross_entropy(chance, torch.ones_like(chance))


def _teach(
    critic: QualityDiscriminator, optimiser: torch.optim.Optimizer, drawn: Tensor, filmed: Tensor
) -> None:
    loss = torch.zeros((), device=drawn.device)
    for pictures, truth in ((drawn, 0.0), (filmed, 1.0)):
        chance = critic(pictures.permute(0, 2, 1, 3, 4))
        loss = loss + F.binary_cross_entropy(chance, torch.full_like(chance, truth))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


@torch.inference_mode()
def drawn_sentence(network: Generator, talk: Talk, sentence: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return filmed, drawn and reference faces (n, 3, 96, 96) of a whole sentence.

    The reference of a frame is the one half the sentence away.
    """
    network.eval()
    n = int(talk.count[sentence])
    first = int(talk.first[sentence])
    filmed = talk.faces[first : first + n].float() / 255.0
    reference = filmed.roll(n // 2, 0)
    frames = torch.arange(n, device=talk.device)
    windows = talk.windows(torch.full_like(frames, sentence), frames)
    face = network_input(filmed[:, None], reference[:, None])[:, :, 0]
    parts = []
    for start in range(0, n, 64):
        cut = slice(start, start + 64)
        with reduced(talk.device):
            parts.append(network(windows[cut], face[cut]).float())
    return filmed, torch.cat(parts), reference


@torch.inference_mode()
def score_generator(network: Generator, expert: SyncExpert | None, talk: Talk) -> LipsyncScore:
    """Return the scores of `network` over every sentence of `talk`."""
    triples = [drawn_sentence(network, talk, index) for index in range(len(talk))]

    def l1(which: int) -> float:
        errors = [
            (t[which] - t[0])[:, :, MOUTH[0], MOUTH[1]].abs().mean(dim=(1, 2, 3)) for t in triples
        ]
        return float(torch.cat(errors).mean())

    if expert is None:
        return LipsyncScore(l1(1), l1(2))
    judge = expert

    def sync(which: int) -> tuple[list[int], float, float]:
        def pictures(sentence: int, frames: Tensor) -> Tensor:
            at = frames[:, None] + torch.arange(SPAN, device=frames.device)
            return triples[sentence][which][at]

        curves = [curve(a, v) for a, v in embeddings(judge, talk, pictures)]
        offsets, distances, confidences = zip(*curves, strict=True)
        return list(offsets), float(np.mean(distances)), float(np.mean(confidences))

    filmed, drawn, copied = sync(0), sync(1), sync(2)
    return LipsyncScore(
        l1(1), l1(2), drawn[2], copied[2], filmed[2], drawn[1], copied[1], filmed[1],
        float(np.mean([abs(offset) <= 1 for offset in drawn[0]])),
    )  # fmt: skip


def strip(network: Generator, talk: Talk, sentence: int, count: int = 10) -> NDArray[np.uint8]:
    """Return rows of `count` filmed, drawn and reference faces of a sentence, (h, w, 3) BGR."""
    rows = drawn_sentence(network, talk, sentence)
    at = torch.linspace(8, len(rows[0]) - 8, count).long().clamp(0, len(rows[0]) - 1)
    faces = [row[at.to(row.device)].permute(2, 0, 3, 1).flatten(1, 2) for row in rows]
    picture = (torch.cat(faces) * 255).round().clamp(0, 255).byte().cpu().numpy()
    return np.ascontiguousarray(picture, np.uint8)


def write_sample(run: Run, name: str, picture: NDArray[np.uint8]) -> None:
    """Write a picture (h, w, 3) BGR into the run's `samples`."""
    import cv2

    folder = run.folder / "samples"
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), picture)
