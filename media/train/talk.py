"""Prepared sentences as tensors on the training's device, and how they are varied.

Pictures are BGR; frame i of a sentence goes with the mel window from column int(3.2 i) on, as in
`media.networks.mel.wav2lip_windows`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the field's name for it

from media.face.sixty_eight import LIPS, face_moves
from media.networks.mel import COLUMNS
from media.train.prepare import Sentence
from media.types import FloatArray

SPAN = 5
"""Frames that are looked at together."""
SILENT = -3.5
"""Mean of a mel window under which nobody speaks."""


class Talk:
    """Sentences on `device`, each at least ten frames long.

    `faces` (N, 3, 96, 96) uint8 of all sentences in a row, `mel` (C, 80); `first` and `count` are
    each sentence's frames in it, `column` and `columns` its columns. `shapes` (N, 40) is how the
    lips' landmarks differ from rest.
    """

    def __init__(self, sentences: Sequence[Sentence], device: torch.device) -> None:
        kept = [s for s in sentences if len(s.crops) >= 2 * SPAN and s.mel.shape[1] >= COLUMNS]
        if not kept:
            raise ValueError("there is no sentence of ten frames")
        self.device = device
        self.names = [s.name for s in kept]
        counts = [len(s.crops) for s in kept]
        columns = [s.mel.shape[1] for s in kept]
        faces = np.concatenate([s.crops for s in kept]).transpose(0, 3, 1, 2)
        self.faces = torch.from_numpy(np.ascontiguousarray(faces)).to(device)
        mel = np.concatenate([s.mel.T for s in kept])
        self.mel = torch.from_numpy(np.ascontiguousarray(mel)).float().to(device)
        shapes = np.concatenate([_lips(s.points) for s in kept])
        self.shapes = torch.from_numpy(shapes).float().to(device)
        self.count = torch.tensor(counts, device=device)
        self.first = torch.cumsum(self.count, 0) - self.count
        self.columns = torch.tensor(columns, device=device)
        self.column = torch.cumsum(self.columns, 0) - self.columns

    def __len__(self) -> int:
        """Return the number of sentences."""
        return len(self.names)

    @property
    def seconds(self) -> float:
        """How long all sentences are together."""
        return len(self.faces) / 25

    def windows(self, sentence: Tensor, frame: Tensor) -> Tensor:
        """Return the mel windows (…, 1, 80, 16) from `frame` (…) of `sentence` (…) on."""
        start = torch.minimum((frame * 80) // 25, self.columns[sentence] - COLUMNS)
        at = (self.column[sentence] + start)[..., None] + torch.arange(COLUMNS, device=self.device)
        return self.mel[at].transpose(-1, -2)[..., None, :, :]

    def pictures(self, sentence: Tensor, frame: Tensor, count: int = SPAN) -> Tensor:
        """Return `count` pictures (n, count, 3, 96, 96) in [0, 1] from `frame` (n,) on."""
        at = (self.first[sentence] + frame)[:, None] + torch.arange(count, device=self.device)
        return self.faces[at].float() / 255.0

    def spans(self, sentence: int) -> int:
        """Return how many windows of SPAN frames `sentence` has."""
        return int(self.count[sentence]) - SPAN + 1


def _lips(points: FloatArray) -> FloatArray:
    """Return (n, 40): what speech does to the lips of landmarks (n, 468, 3); zeros without any."""
    if not points.any():
        return np.zeros((len(points), 40), np.float32)
    return face_moves(points)[1][:, LIPS, :2].reshape(len(points), -1).astype(np.float32)


def lower(pictures: Tensor) -> Tensor:
    """Return the lower halves (n, 5, 3, 48, 96) of (n, 5, 3, 96, 96)."""
    return pictures[:, :, :, pictures.shape[3] // 2 :]


def silent(windows: Tensor) -> Tensor:
    """Say of mel windows (…, 1, 80, 16) in which nobody speaks (…)."""
    return windows.mean(dim=(-1, -2, -3)) < SILENT


def varied_pictures(pictures: Tensor, shift: float = 0.06) -> Tensor:
    """Return (n, t, 3, h, w) moved, scaled, mirrored and lit anew, each of the n alike in time.

    With `shift` 0 nothing is moved or scaled, which takes a CPU half the time.
    """
    n = len(pictures)
    draw = torch.rand(n, 6, device=pictures.device) * 2 - 1
    if shift:
        flat = pictures.flatten(1, 2)
        grid = F.affine_grid(_moves(shift, draw), list(flat.shape), align_corners=False)
        moved = F.grid_sample(flat, grid, padding_mode="border", align_corners=False)
        moved = moved.reshape(pictures.shape)
    else:
        moved = torch.where((draw[:, 1] > 0).view(n, 1, 1, 1, 1), pictures, pictures.flip(-1))
    light = (1 + 0.2 * draw[:, 4]).view(n, 1, 1, 1, 1)
    lit = (moved - 0.5) * light + 0.5 + 0.1 * draw[:, 5].view(n, 1, 1, 1, 1)
    return lit.clamp(0, 1)


def _moves(shift: float, draw: Tensor) -> Tensor:
    """Return affine matrices (n, 2, 3): scaled and moved by up to `shift`, half mirrored."""
    scale = 1 + shift * draw[:, 0]
    mirror = torch.where(draw[:, 1] > 0, 1.0, -1.0)
    zero = torch.zeros_like(scale)
    return torch.stack(
        (
            torch.stack((scale * mirror, zero, shift * draw[:, 2]), 1),
            torch.stack((zero, scale, shift * draw[:, 3]), 1),
        ),
        1,
    )


def varied_windows(windows: Tensor) -> Tensor:
    """Return mel windows (n, …, 80, 16) louder or softer, tilted, noisier, with bands missing."""
    n = len(windows)
    device = windows.device
    shape = (n,) + (1,) * (windows.dim() - 1)
    draw = torch.rand(n, 4, device=device) * 2 - 1
    band = torch.linspace(-1, 1, 80, device=device).view(80, 1)
    out = windows + 0.5 * draw[:, 0].view(shape) + 0.4 * draw[:, 1].view(shape) * band
    floor = -4 + 1.2 * draw[:, 2].clamp(0).view(shape)
    out = torch.maximum(out, floor + 0.15 * torch.randn_like(out) * (floor > -4))
    gone = torch.rand(n, 1, device=device) * 90
    index = torch.arange(80, device=device)[None]
    missing = (index >= gone) & (index < gone + 8)
    out = out.masked_fill(missing.view(n, *(1,) * (windows.dim() - 3), 80, 1), -4.0)
    return out.clamp(-4, 4)
