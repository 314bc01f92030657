"""What every training shares: where it keeps its state, how far it is, and what it shows.

A run's folder holds `state.pt` (to go on from), `log.jsonl` (a line each time something was
measured), `loss.png`, `samples/`, the networks, and `card.json`: what they were trained on.
"""

from __future__ import annotations

import copy
import json
import math
import os
import pickle
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from media.errors import MediaError

Tell = Callable[[str], None]
Network = TypeVar("Network", bound=nn.Module)


def silent(text: str) -> None:
    """Tell nobody."""


@dataclass
class Budget:
    """A training ends after `steps` or `seconds`, whichever comes first, or when asked to."""

    steps: int
    seconds: float = math.inf
    stopped: bool = False
    _began: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds since the budget was opened."""
        return time.monotonic() - self._began

    def share(self, step: int) -> float:
        """Return how much of the budget is used after `step` steps, 0 … 1."""
        return min(1.0, max(step / max(1, self.steps), self.spent / self.seconds))

    def over(self, step: int) -> bool:
        """Say whether to stop before step `step`."""
        return self.stopped or self.share(step) >= 1.0

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within this block SIGTERM and Ctrl-C end the training after the step in hand."""

        def stop(number: int, frame: object) -> None:
            self.stopped = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass
class Run:
    """The folder of one training, and who is told of its progress."""

    folder: Path
    tell: Tell = silent

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def log(self) -> Path:
        """One JSON object a line."""
        return self.folder / "log.jsonl"

    def note(self, step: int, values: Mapping[str, float]) -> None:
        """Add what was measured at `step` to the log, and tell it."""
        row = {"step": step} | {name: round(float(value), 5) for name, value in values.items()}
        with self.log.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        self.tell("  ".join(f"{name} {value:g}" for name, value in row.items()))

    def rows(self) -> list[dict[str, float]]:
        """Return what the log holds."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep `state` to go on from, all or nothing."""
        handle, name = tempfile.mkstemp(prefix=".", dir=self.folder)
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                torch.save(dict(state), out)
            unfinished.replace(self.folder / "state.pt")
        finally:
            unfinished.unlink(missing_ok=True)

    def restored(self, device: torch.device) -> dict[str, Any] | None:
        """Return the state of an earlier run in this folder, or None.

        MediaError `bad_state` where it cannot be read.
        """
        path = self.folder / "state.pt"
        if not path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise MediaError(
                "bad_state",
                f"{path} cannot be read: {error}.",
                "Delete it to begin anew, or name another folder with --out.",
            ) from error
        return state

    def card(self, **facts: object) -> None:
        """Write what was trained on what, with which result."""
        text = json.dumps(facts, ensure_ascii=False, indent=1, default=str)
        (self.folder / "card.json").write_text(text + "\n", encoding="utf-8")

    def plot(self) -> None:
        """Draw every measured value over the steps into `loss.png`; needs matplotlib."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            self.tell("loss.png is not drawn: pip install 'silverline[neural]'")
            return
        rows = self.rows()
        names = sorted({name for row in rows for name in row} - {"step", "spent"})
        if not names:
            return
        figure = Figure(figsize=(8, 2.2 * len(names)), layout="constrained")
        for axis, name in zip(figure.subplots(len(names), squeeze=False)[:, 0], names, strict=True):
            points = [(row["step"], row[name]) for row in rows if name in row]
            axis.plot(*zip(*points, strict=True), linewidth=1)
            axis.set_ylabel(name)
            axis.grid(alpha=0.3)
        figure.savefig(self.folder / "loss.png", dpi=90)


def device_for(wish: str) -> torch.device:
    """Return the device `wish`; `auto` is CUDA where there is one. MediaError `no_device`."""
    if wish == "auto":
        wish = "cuda" if torch.cuda.is_available() else "cpu"
    if wish.startswith("cuda") and not torch.cuda.is_available():
        raise MediaError(
            "no_device", "PyTorch sees no CUDA device here.", "Use --device cpu, or auto."
        )
    return torch.device(wish)


class Average(Generic[Network]):
    """The running average of a network's weights, which is surer than its last step."""

    def __init__(self, network: Network, keep: float = 0.995) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.keep = keep
        self.steps = 0

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take the weights of another step in."""
        # The first steps count alike, so that the untrained weights are soon forgotten.
        keep = min(self.keep, self.steps / (self.steps + 10))
        self.steps += 1
        given = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(given[name].to(value.dtype), 1 - keep)
            else:
                value.copy_(given[name])


def take_up(
    state: Mapping[str, Any],
    network: nn.Module,
    mean: Average[Any],
    optimiser: torch.optim.Optimizer,
) -> int:
    """Put the weights that a training kept in `state` back, and return its step."""
    network.load_state_dict(state["network"])
    mean.network.load_state_dict(state["mean"])
    optimiser.load_state_dict(state["optimiser"])
    mean.steps = int(state["step"])
    return mean.steps


def has_bf16(device: torch.device) -> bool:
    """Say whether `device` computes in bf16 itself: CUDA, and CPUs with AVX-512 bf16 or better."""
    return device.type == "cuda" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def reduced(device: torch.device) -> torch.autocast:
    """Return a block in which convolutions are in bf16, where `device` has it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bf16(device))


def laid_out(network: nn.Module, device: torch.device, width: float) -> None:
    """Lay the convolutions' weights out as `device` is quickest with, in place.

    bf16 kernels want their channels last, and a CPU without bf16 has less to turn round so where
    there are few: a fifth quicker at a quarter of the width, slower at three eighths.
    """
    if not has_bf16(device) and width > 0.25:
        return
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def learning_rate(peak: float, share: float, warm: float = 0.03) -> float:
    """Return the learning rate after `share` of the budget: up for a moment, then down a cosine."""
    if share < warm:
        return peak * (0.1 + 0.9 * share / warm)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (share - warm) / (1 - warm))))


def write_network(
    network: nn.Module, file: Path, half: bool = False, notes: dict[str, str] | None = None
) -> None:
    """Write the weights of `network` as safetensors, in half precision if asked, with `notes`."""
    from safetensors.torch import save_file

    state = {}
    for name, value in network.state_dict().items():
        value = value.detach().cpu().contiguous()
        state[name] = value.half() if half and value.is_floating_point() else value
    save_file(state, file, metadata=notes)
