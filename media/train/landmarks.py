"""Training MakeItTalk's content branch: what speech does to the 68 landmarks of a face.

Each frame is learnt from 18 columns of the content spectrogram around it and from the resting face.
Moves of the head and of the face as a whole are taken out before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from media.face.makeittalk_content import BEFORE, content_windows
from media.face.sixty_eight import LIPS, MIRRORED, face_moves
from media.networks.makeittalk import ContentBranch
from media.train.prepare import Sentence
from media.train.run import Average, Budget, Run, learning_rate, take_up

LIP_WEIGHT = 8.0
"""How much more an error of the lips counts than one elsewhere."""


@dataclass(frozen=True)
class LandmarkOptions:
    """How the content branch is trained; `batch` frames a step."""

    batch: int = 256
    rate: float = 1e-3
    every: int = 200


@dataclass(frozen=True)
class LandmarkScore:
    """Mean distance of the lips' landmarks from the filmed ones, in ear-to-ear lengths × 1.6.

    `mean` is the error of the mean shape of the training (rest + mean move), `rest` that of the
    resting face, `below` how far `error` is below the smaller of both; `gain` is by how much the
    predicted opening is to be enlarged to move as much as the filmed one.
    """

    error: float
    mean: float
    rest: float
    below: float
    correlation: float
    gain: float


class Moves:
    """Frames of prepared sentences: windows (n, 18, 80), rests (n, 68, 3), moves (n, 68, 3)."""

    def __init__(self, sentences: Sequence[Sentence], device: torch.device) -> None:
        windows, rests, moves = [], [], []
        for sentence in sentences:
            rest, moved = face_moves(sentence.points)
            windows.append(content_windows(sentence.content, len(moved)))
            rests.append(np.broadcast_to(rest, moved.shape))
            moves.append(moved)
        self.device = device
        self.windows = torch.from_numpy(np.concatenate(windows)).float().to(device)
        self.rests = torch.from_numpy(np.concatenate(rests)).float().to(device)
        self.moves = torch.from_numpy(np.concatenate(moves)).float().to(device)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.moves)


def train_landmarks(
    training: Moves,
    validation: Moves,
    run: Run,
    budget: Budget,
    options: LandmarkOptions = LandmarkOptions(),
) -> ContentBranch:
    """Return the content branch that was best on `validation`; goes on from the state in `run`."""
    device = training.device
    network = ContentBranch().to(device)
    mean = Average(network, 0.99)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=0.05)
    step, best = 0, float("inf")
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    state = run.restored(device)
    if state is not None:
        step, best, kept = take_up(state, network, mean, optimiser), state["best"], state["kept"]
    shape = training.moves.mean(0)
    losses: list[Tensor] = []
    while not budget.over(step):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(options.rate, budget.share(step))
        network.train()
        windows, rest, moves = _batch(training, options.batch)
        drawn = network(windows, rest.flatten(1)).view_as(moves)
        weight = torch.ones(68, device=device)
        weight[LIPS] = LIP_WEIGHT
        loss = (weight[None, :, None] * (drawn - moves).square()).mean() * 1e3
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        mean.update(network)
        losses.append(loss.detach())
        step += 1
        if step % options.every == 0 or budget.over(step):
            score = score_landmarks(mean.network, validation, shape)
            lost = float(torch.stack(losses).mean())
            losses = []
            run.note(step, {"loss": lost, "spent": budget.spent} | asdict(score))
            if score.error < best:
                best = score.error
                kept = {name: v.clone() for name, v in mean.network.state_dict().items()}
            run.save(
                {
                    "network": network.state_dict(), "mean": mean.network.state_dict(),
                    "optimiser": optimiser.state_dict(), "step": step, "best": best, "kept": kept,
                }
            )  # fmt: skip
    run.plot()
    branch = ContentBranch().to(device)
    branch.load_state_dict(kept)
    return branch.eval()


def _batch(moves: Moves, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return windows, rests and moves of random frames: mirrored, reshaped, said otherwise."""
    device = moves.device
    at = torch.randint(len(moves), (count,), device=device)
    windows, rest, moved = moves.windows[at], moves.rests[at], moves.moves[at]
    draw = torch.rand(count, 5, device=device) * 2 - 1
    order = torch.tensor(MIRRORED, device=device)
    flip = torch.tensor([-1.0, 1.0, 1.0], device=device)
    mirror = (draw[:, 0] > 0).view(-1, 1, 1)
    rest = torch.where(mirror, rest[:, order] * flip, rest)
    moved = torch.where(mirror, moved[:, order] * flip, moved)
    # A face of another breadth and height moves its mouth in proportion.
    stretch = 1 + 0.12 * torch.stack((draw[:, 1], draw[:, 2], torch.zeros_like(draw[:, 1])), 1)
    rest, moved = rest * stretch[:, None], moved * stretch[:, None]
    return varied_content(windows), rest, moved


def varied_content(windows: Tensor) -> Tensor:
    """Return content windows (n, 18, 80) louder or softer, tilted, of another voice, noisier."""
    n, device = len(windows), windows.device
    draw = torch.rand(n, 5, device=device) * 2 - 1
    # A shorter or longer throat moves every band up or down.
    band = torch.arange(80, device=device)[None] * (1 + 0.1 * draw[:, :1]) + 1.5 * draw[:, 1:2]
    low = band.floor().long().clamp(0, 78)
    part = (band - low).clamp(0, 1)[:, None]
    low = low[:, None].expand(-1, windows.shape[1], -1)
    out = windows.gather(2, low) * (1 - part) + windows.gather(2, low + 1) * part
    tilt = torch.linspace(-1, 1, 80, device=device)
    out = out + 0.05 * draw[:, 2].view(-1, 1, 1) + 0.04 * draw[:, 3].view(-1, 1, 1) * tilt
    floor = 0.3 * draw[:, 4].clamp(0).view(-1, 1, 1)
    return torch.maximum(out, floor + 0.02 * torch.randn_like(out)).clamp(0, 1.2)


@torch.inference_mode()
def score_landmarks(network: ContentBranch, moves: Moves, shape: Tensor) -> LandmarkScore:
    """Return the scores of `network` on `moves`; `shape` (68, 3) is the training's mean move."""
    network.eval()
    drawn = torch.cat(
        [
            network(w, r.flatten(1)).view(-1, 68, 3)
            for w, r in zip(moves.windows.split(512), moves.rests.split(512), strict=True)
        ]
    )

    def error(guess: Tensor) -> float:
        lips = (guess - moves.moves)[:, LIPS, :2]
        return float(lips.norm(dim=2).mean())

    ours, mean, rest = error(drawn), error(shape[None]), error(torch.zeros_like(shape)[None])
    seen, heard = (m[:, 66, 1] - m[:, 62, 1] for m in (moves.moves, drawn))
    together = torch.corrcoef(torch.stack((seen, heard)))[0, 1]
    return LandmarkScore(
        ours,
        mean,
        rest,
        1 - ours / max(min(mean, rest), 1e-9),
        float(together),
        float(seen.std() / heard.std().clamp(min=1e-6)),
    )


__all__ = [
    "BEFORE",
    "LandmarkOptions",
    "LandmarkScore",
    "Moves",
    "score_landmarks",
    "train_landmarks",
]
