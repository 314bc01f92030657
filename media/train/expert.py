"""Training the sync expert: five frames of a mouth and the sound that belongs to them.

A batch is several windows of several sentences; every sound is compared with every mouth. Sounds
of the same sentence that are nearly the same moment, and silences, are not held against a mouth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the field's name for it

from media.networks.wav2lip import SyncExpert
from media.train.guide import guide
from media.train.run import Average, Budget, Run, laid_out, learning_rate, reduced, take_up
from media.train.talk import SPAN, Talk, lower, silent, varied_pictures, varied_windows
from media.types import FRAME_RATE

GUIDED = 0.6
"""Share of the training in which the guide has a say, less and less."""
NEAR = 3
"""Frames within which two sounds of a sentence are too alike to tell apart."""
SHIFTED = range(5, 16)
"""Frames by which a sound is shifted to both sides when the expert is judged."""


@dataclass(frozen=True)
class ExpertOptions:
    """How the expert is trained; `sentences` × `windows` pairs are a batch."""

    width: float = 1.0
    sentences: int = 12
    windows: int = 24
    rate: float = 1e-3
    shift: float = 0.06
    """By how much faces are moved and scaled; 0 is quicker."""
    every: int = 100
    """Steps between two looks at the validation sentences."""


@dataclass(frozen=True)
class ExpertScore:
    """How well an expert tells sound that belongs to lips from sound shifted by 5 … 15 frames.

    `pairs`: share of (window of 0.2 s, shift) in which the true sound is nearer; `seconds` and
    `clips` the same for the mean over one second and over a whole sentence; `told`: share of
    true and shifted windows, as many of each, that lie on their side of `threshold`; `offsets`:
    share of sentences whose offset over all windows is found within one frame.
    """

    pairs: float
    seconds: float
    clips: float
    told: float
    threshold: float
    offsets: float


def train_expert(
    training: Talk,
    validation: Talk,
    run: Run,
    budget: Budget,
    options: ExpertOptions = ExpertOptions(),
) -> SyncExpert:
    """Return the expert that was best on `validation`; goes on from the state in `run`."""
    device = training.device
    network = SyncExpert(options.width).to(device)
    laid_out(network, device, options.width)
    scale = torch.nn.Parameter(torch.tensor(2.5, device=device))
    mean = Average(network)
    optimiser = torch.optim.AdamW(
        [*network.parameters(), scale], lr=options.rate, weight_decay=1e-2, fused=True
    )
    step, best, kept = 0, -1.0, _copy(network)
    state = run.restored(device)
    if state is not None:
        step, best, kept = take_up(state, network, mean, optimiser), state["best"], state["kept"]
        scale.data.copy_(state["scale"])

    def save() -> None:
        run.save(
            {
                "network": network.state_dict(), "mean": mean.network.state_dict(),
                "optimiser": optimiser.state_dict(), "scale": scale.data,
                "step": step, "best": best, "kept": kept,
            }
        )  # fmt: skip

    hint = guide(training)
    losses: list[Tensor] = []
    while not budget.over(step):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(options.rate, budget.share(step))
        network.train()
        weight = max(0.0, 1 - budget.share(step) / GUIDED)
        loss = _loss(network, scale, training, options, hint if weight else None, weight)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        mean.update(network)
        losses.append(loss.detach())
        step += 1
        if step % options.every == 0 or budget.over(step):
            score = score_expert(mean.network, validation)
            lost = float(torch.stack(losses).mean())
            losses = []
            run.note(step, {"loss": lost, "spent": budget.spent} | asdict(score))
            if score.pairs + score.told > best:
                best, kept = score.pairs + score.told, _copy(mean.network)
            save()
    save()
    run.plot()
    expert = SyncExpert(options.width).to(device)
    expert.load_state_dict(kept)
    return expert.eval()


def _copy(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _loss(
    network: SyncExpert,
    scale: Tensor,
    talk: Talk,
    options: ExpertOptions,
    hint: Tensor | None,
    weight: float,
) -> Tensor:
    """Contrast of every mouth with every sound of a batch, the published cross-entropy of the
    cosine, and `weight` times how far both sides are from `hint`."""
    device = talk.device
    few = min(options.sentences, len(talk))
    sentence = torch.randperm(len(talk), device=device)[:few].repeat_interleave(options.windows)
    spans = talk.count[sentence] - SPAN + 1
    frame = (torch.rand(len(sentence), device=device) * spans).long()
    pictures = varied_pictures(lower(talk.pictures(sentence, frame)), options.shift)
    windows = varied_windows(talk.windows(sentence, frame))
    with reduced(device):
        sound, sight = network(windows, pictures.flatten(1, 2))
    alike = sight.float() @ sound.float().T
    own = torch.eye(len(alike), dtype=torch.bool, device=alike.device)
    same = sentence[:, None] == sentence[None]
    near = same & ((frame[:, None] - frame[None]).abs() < NEAR)
    quiet = silent(windows)
    spare = (near | (quiet[:, None] & quiet[None])) & ~own
    logits = (alike * scale.exp().clamp(max=50)).masked_fill(spare, -1e4)
    target = torch.arange(len(alike), device=alike.device)
    contrast = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    clamped = alike.clamp(1e-4, 1 - 1e-4)
    false = same & ~spare & ~own
    matched = -clamped[own].log().mean()
    apart = -(1 - clamped[false]).log().mean() if bool(false.any()) else matched * 0
    total: Tensor = contrast + 0.5 * (matched + apart)
    if hint is not None:
        wanted = hint[talk.first[sentence] + frame]
        size = min(wanted.shape[1], sight.shape[1])
        for side in (sound.float(), sight.float()):
            total = total - 10 * weight * (side[:, :size] * wanted[:, :size]).sum(1).mean()
    return total


@torch.inference_mode()
def embeddings(
    network: SyncExpert, talk: Talk, pictures: Callable[[int, Tensor], Tensor] | None = None
) -> list[tuple[Tensor, Tensor]]:
    """Return for each sentence of n windows: sounds (n, d) and sights (n, d).

    `pictures(sentence, frames)` takes the place of the filmed ones.
    """
    network.eval()
    device = talk.device
    found = []
    for index in range(len(talk)):
        frames = torch.arange(talk.spans(index), device=device)
        sentence = torch.full_like(frames, index)
        windows = talk.windows(sentence, frames)
        seen = talk.pictures(sentence, frames) if pictures is None else pictures(index, frames)
        with reduced(device):
            sound, sight = network(windows, lower(seen).flatten(1, 2))
        found.append((sound.float(), sight.float()))
    return found


def score_expert(network: SyncExpert, talk: Talk, threshold: float | None = None) -> ExpertScore:
    """Return the scores of `network` on `talk`; without a `threshold` the best one is taken."""
    true, shifted, seconds, clips, offsets = [], [], [], [], []
    for sound, sight in embeddings(network, talk):
        own = (sound * sight).sum(1)
        for shift in (sign * size for size in SHIFTED for sign in (1, -1)):
            n = len(own) - abs(shift)
            if n < 1:
                continue
            begin = max(0, -shift)
            mine = own[begin : begin + n]
            other = (sound[begin + shift : begin + shift + n] * sight[begin : begin + n]).sum(1)
            true.append(mine)
            shifted.append(other)
            clips.append(float(mine.mean() > other.mean()))
            if n >= FRAME_RATE:
                means = (mine - other).unfold(0, FRAME_RATE, 1).mean(1)
                seconds.append((means > 0).float())
        offsets.append(float(abs(offset(sound, sight)) <= 1))
    a, b = torch.cat(true), torch.cat(shifted)
    if threshold is None:
        # Enough of both to place the threshold by.
        some = torch.randperm(len(a), device=a.device)[:200_000]
        part = torch.linspace(0.02, 0.98, 49, device=a.device)
        marks = torch.quantile(torch.cat((a[some], b[some])), part)
        shares = [(a > mark).float().mean() + (b <= mark).float().mean() for mark in marks]
        threshold = float(marks[int(torch.stack(shares).argmax())])
    told = ((a > threshold).float() + (b <= threshold).float()) / 2
    return ExpertScore(
        float((a > b).float().mean()),
        float(torch.cat(seconds).mean()) if seconds else 0.0,
        sum(clips) / len(clips),
        float(told.mean()),
        threshold,
        sum(offsets) / len(offsets),
    )


def offset(sound: Tensor, sight: Tensor, reach: int = 15) -> int:
    """Return the shift of the sound, in frames, at which it fits `sight` best."""
    return curve(sound, sight, reach)[0]


def curve(sound: Tensor, sight: Tensor, reach: int = 15) -> tuple[int, float, float]:
    """Return offset, distance there (as LSE-D) and median distance above it (as LSE-C)."""
    n = len(sound)
    reach = min(reach, n // 2)
    means = []
    for s in range(-reach, reach + 1):
        seen = sight[max(0, -s) : n - max(0, s)]
        heard = sound[max(0, s) : n + min(0, s)]
        means.append((seen - heard).norm(dim=1).mean())
    distances = torch.stack(means)
    least = int(distances.argmin())
    best = float(distances[least])
    return least - reach, best, float(distances.median()) - best
