"""A compact JETS that learns to speak as its teacher: one training step, on a GPU as one graph.

The teacher's durations, pitch and energy are given, so nothing has to be aligned. A batch is drawn
from a `Shelf` on the device itself, so a captured step is replayed with no work for the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from media.errors import MediaError
from media.networks.jets import Batch, JetsGenerator, Shape
from media.speak.kokoro_source import RATE
from media.train.discriminators import (
    Discriminators,
    feature_loss,
    fooling_loss,
    judge_losses,
    magnitudes,
)
from media.train.lessons import Shelf

_MELS = ((512, 60), (1024, 80), (2048, 120))
"""Windows and bands of the spectra that made sound is compared in."""
PREFIX = "tts.generator."
"""Before the names of the generator's parameters in ESPnet's checkpoints."""
_BEFORE = 1000
"""Steps over which the average of the weights looks back, about."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each loss counts."""

    mel: float = 15.0
    states: float = 5.0
    length: float = 1.0
    pitch: float = 1.0
    energy: float = 1.0
    fooling: float = 2.0
    features: float = 4.0


class Distiller:
    """The student, its judges, and steps that train them; all on `device`.

    `step(judged)` runs one; `losses` (7,) then holds what each loss was: spectra, states,
    durations, pitch, energy, fooling + features, judges. `rate` scales the learning rates.
    """

    names = ("mel", "states", "length", "pitch", "energy", "fooling", "judges")

    def __init__(
        self,
        shape: Shape,
        shelf: Shelf,
        batch: int,
        most: int,
        device: str,
        judges: Discriminators,
        weights: Weights = Weights(),
        rates: tuple[float, float] = (5e-4, 3e-4),
    ) -> None:
        self.shape, self.shelf, self.batch, self.most = shape, shelf, batch, most
        self.device, self._weights, self._rates = device, weights, rates
        self.student = JetsGenerator(shape).to(device).train()
        self.average = JetsGenerator(shape).to(device).eval().requires_grad_(False)
        self.average.load_state_dict(self.student.state_dict())
        self.head = nn.Linear(shape.adim, shape.mels).to(device)
        self.judges = judges.to(device)
        self.spectra = [Mel(size, bands).to(device) for size, bands in _MELS]
        self._kinds = torch.device(device).type
        self._learnt = [
            p
            for name, p in self.student.named_parameters()
            if not name.startswith("alignment_module")
        ]
        self._learnt += list(self.head.parameters())
        fused = self._kinds == "cuda"
        self.rate = torch.tensor(1e-5, device=device)
        self.judge_rate = torch.tensor(1e-5, device=device)
        self._optimiser = torch.optim.AdamW(
            self._learnt, self.rate, (0.8, 0.99), fused=fused, capturable=fused
        )
        self._judge_optimiser = torch.optim.AdamW(
            self.judges.parameters(), self.judge_rate, (0.8, 0.99), fused=fused, capturable=fused
        )
        self.losses = torch.zeros(7, device=device)
        self._keep = torch.zeros((), device=device)
        self._captured: dict[bool, Callable[[], None]] = {}

    def pace(self, share: float, count: int) -> None:
        """Set the learning rates to `share` of the highest, for the step after `count` others."""
        self.rate.fill_(self._rates[0] * share)
        self.judge_rate.fill_(self._rates[1] * share)
        # The average forgets the first weights soon, and later looks back further.
        self._keep.fill_(min(1 - 1 / _BEFORE, (1 + count) / (10 + count)))

    def step(self, judged: bool) -> None:
        """Train on one batch, with the judges' opinion or without."""
        self._captured.get(judged, lambda: self._step(judged))()

    def capture(self, judged: bool, before: int = 4) -> None:
        """Make `step(judged)` one CUDA graph, after `before` ordinary steps."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(before):
                self._step(judged)
        torch.cuda.current_stream().wait_stream(stream)
        self._optimiser.zero_grad(set_to_none=True)
        self._judge_optimiser.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step(judged)
        self._captured[judged] = graph.replay

    def _step(self, judged: bool) -> None:
        made, real, losses = self._forward(self._drawn())
        wanted = self._weights
        total = (
            wanted.mel * losses[0]
            + wanted.states * losses[1]
            + wanted.length * losses[2]
            + wanted.pitch * losses[3]
            + wanted.energy * losses[4]
        )
        if judged:
            self.losses[6].copy_(self._train_judges(real, made.detach()))
            self.judges.requires_grad_(False)
            with self._mixed():
                truth = self.judges(real)[1]
                verdicts, features = self.judges(made)
            fooling, alike = fooling_loss(verdicts), feature_loss(truth, features)
            total = total + wanted.fooling * fooling + wanted.features * alike
            losses = [*losses, fooling + alike]
            self.judges.requires_grad_(True)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        nn.utils.clip_grad_norm_(self._learnt, 50.0, foreach=True)
        self._optimiser.step()
        self.losses[: len(losses)].copy_(torch.stack([loss.detach() for loss in losses]))
        with torch.no_grad():
            kept: list[Tensor] = list(self.average.parameters())
            given: list[Tensor] = list(self.student.parameters())
            torch._foreach_mul_(kept, self._keep)
            torch._foreach_add_(kept, list(torch._foreach_mul(given, 1 - self._keep)))

    def _train_judges(self, real: Tensor, made: Tensor) -> Tensor:
        with self._mixed():
            verdicts, _ = self.judges(torch.cat([real, made]))
        truth, lies = zip(*(verdict.chunk(2) for verdict in verdicts), strict=True)
        loss = judge_losses(list(truth), list(lies))
        self._judge_optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.judges.parameters(), 50.0, foreach=True)
        self._judge_optimiser.step()
        return loss.detach()

    def _mixed(self) -> torch.autocast:
        # Casts kept from one use to the next would be lost with the graph that made them.
        on = self._kinds == "cuda"
        return torch.autocast(self._kinds, torch.bfloat16, on, cache_enabled=False)

    def _drawn(self) -> Tensor:
        """Return the numbers of the rows of a batch (B,)."""
        chance = torch.rand(self.batch, device=self.device)
        held = self.shelf.held
        return held + (chance * (self.shelf.count - held)).long()

    def _forward(
        self, rows: Tensor, network: JetsGenerator | None = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return (made, real sound (B, 1, segment), losses) of the lessons in `rows`."""
        shelf, hop, length = self.shelf, self.shape.hop, self.shape.segment
        student = network or self.student
        tokens = shelf.tokens[rows].long()
        frames = shelf.frames[rows].long()
        real = tokens > 0
        batch = Batch(tokens, real, frames, shelf.pitch[rows], shelf.energy[rows])
        total = frames.sum(1)
        room = (total - length).clamp(min=0)
        start = (torch.rand(len(rows), device=self.device) * (room + 1)).long()
        cut = start.unsqueeze(1) + torch.arange(length, device=self.device)
        offset = shelf.offsets[rows].unsqueeze(1)
        samples = start.unsqueeze(1) * hop + torch.arange(length * hop, device=self.device)
        truth = shelf.sound[offset + samples].float().unsqueeze(1) / 32768
        heard = torch.arange(self.most, device=self.device) < total.unsqueeze(1)
        with self._mixed():
            states, lengths, pitch, energy = student.frames_of(batch, self.most)
            guess = self.head(states)
            part = states.gather(1, cut.unsqueeze(2).expand(-1, -1, states.shape[2]))
            sound = student.generator(part.transpose(1, 2))
        inside = (cut < total.unsqueeze(1)).float().repeat_interleave(hop, 1).unsqueeze(1)
        made = sound.float() * inside
        weight = real.float()
        count = weight.sum()
        losses = [
            torch.stack([mel.distance(made, truth) for mel in self.spectra]).mean(),
            self._states_loss(guess.float(), rows, heard),
            ((lengths.float() - (frames + 1).log()).square() * weight).sum() / count,
            ((pitch.float() - batch.pitch).square() * weight).sum() / count,
            ((energy.float() - batch.energy).square() * weight).sum() / count,
        ]
        return made, truth, losses

    def _states_loss(self, guess: Tensor, rows: Tensor, heard: Tensor) -> Tensor:
        """Return how far the spectrum read off the states (B, T, mels) is from the sound's."""
        hop = self.shape.hop
        place = torch.arange(self.most * hop, device=self.device)
        room = self.shelf.sound.shape[0] - 1
        sound = self.shelf.sound[(self.shelf.offsets[rows].unsqueeze(1) + place).clamp(max=room)]
        truth = self.spectra[1](sound.float() / 32768, hop)[:, :, : self.most].transpose(1, 2)
        mask = heard.float().unsqueeze(2)
        found: Tensor = ((guess - truth).abs() * mask).sum() / (mask.sum() * guess.shape[2])
        return found

    def snapshot(self) -> list[Tensor] | None:
        """Return a copy of all weights, None where one is not finite."""
        found = [value.detach().clone() for value in self._weights_in_use()]
        total = torch.stack([value.sum() for value in found]).sum()
        return found if bool(torch.isfinite(total)) else None

    @torch.no_grad()
    def restore(self, snapshot: list[Tensor]) -> None:
        """Go back to the weights of `snapshot`, in place, with the optimisers' memory empty."""
        for value, kept in zip(self._weights_in_use(), snapshot, strict=True):
            value.copy_(kept)
        for optimiser in self._optimisers():
            for memory in optimiser.state.values():
                memory["exp_avg"].zero_()
                memory["exp_avg_sq"].zero_()

    def _weights_in_use(self) -> list[Tensor]:
        return [value for part in self._parts() for value in part.parameters()]

    def state(self, step: int) -> dict[str, Any]:
        """Return what `load` goes on from."""
        return {
            "step": step,
            "parts": [part.state_dict() for part in self._parts()],
            "optimisers": [one.state_dict() for one in self._optimisers()],
        }

    def load(self, state: dict[str, Any]) -> int:
        """Go on from `state`; return its step. MediaError `bad_state` where it does not fit."""
        try:
            for part, kept in zip(self._parts(), state["parts"], strict=True):
                part.load_state_dict(kept)
            for optimiser, kept in zip(self._optimisers(), state["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
            # The learning rates stay the tensors that `pace` fills.
            self._optimiser.param_groups[0]["lr"] = self.rate
            self._judge_optimiser.param_groups[0]["lr"] = self.judge_rate
            return int(state["step"])
        except (KeyError, ValueError, RuntimeError) as error:
            raise MediaError(
                "bad_state",
                f"The run is of another network: {error}.",
                "Give the same --size as at first, or name another folder with --out.",
            ) from error

    def _parts(self) -> tuple[nn.Module, ...]:
        return self.student, self.average, self.head, self.judges

    def _optimisers(self) -> tuple[torch.optim.Optimizer, ...]:
        return self._optimiser, self._judge_optimiser

    def measured(self, judged: bool) -> dict[str, float]:
        """Return the losses of the last step by name; this waits for the device."""
        count = len(self.names) if judged else 5
        values = self.losses.tolist()[:count]
        return dict(zip(self.names, values, strict=False))

    @property
    def size(self) -> float:
        """Millions of parameters of the student."""
        return sum(p.numel() for p in self.student.parameters()) / 1e6

    @torch.no_grad()
    def check(self, count: int) -> dict[str, float]:
        """Return the losses of the averaged network on the first `count` lessons, by name."""
        rows = torch.split(torch.arange(count, device=self.device), 16)
        found = [torch.stack(self._forward(part, self.average)[2]) * len(part) for part in rows]
        means = torch.stack(found).sum(0) / count
        return {
            f"held_out_{name}": round(float(mean), 4)
            for name, mean in zip(self.names, means, strict=False)
        }


class Mel(nn.Module):
    """Log mel spectra with windows of `size` samples and `bands` bands up to 12 kHz."""

    window: Tensor
    bank: Tensor

    def __init__(self, size: int, bands: int, rate: int = RATE) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        self.register_buffer("bank", mel_bank(size, bands, rate), persistent=False)

    def forward(self, sound: Tensor, hop: int | None = None) -> Tensor:
        """Return (B, bands, columns) of `sound` (B, T), every `hop` samples (a quarter window)."""
        if hop is None:
            power = magnitudes(sound, self.size, self.window)
        else:
            with torch.no_grad():
                power = torch.stft(
                    sound, self.size, hop, window=self.window, return_complex=True
                ).abs()
        with torch.autocast(sound.device.type, enabled=False):
            return torch.log((self.bank @ power).clamp(min=1e-3))

    def distance(self, made: Tensor, real: Tensor) -> Tensor:
        """Return the mean difference of two sounds (B, 1, T)."""
        return functional.l1_loss(self(made[:, 0]), self(real[:, 0]))


def mel_bank(size: int, bands: int, rate: int) -> Tensor:
    """Return triangular filters (bands, size / 2 + 1), even on the mel scale, of equal area."""
    top = 2595 * torch.log10(torch.tensor(1 + rate / 2 / 700, dtype=torch.float64))
    edges = 700 * (10 ** (torch.linspace(0, 1, bands + 2, dtype=torch.float64) * top / 2595) - 1)
    bins = torch.linspace(0, rate / 2, size // 2 + 1, dtype=torch.float64)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    bank = torch.minimum(rise, fall).clamp(min=0)
    return (bank / bank.sum(1, keepdim=True).clamp(min=1e-9)).float()
