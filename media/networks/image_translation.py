"""MakeItTalk's image-translation network: drawn landmarks and a portrait to a talking portrait.

A U-Net of residual blocks, written from the paper (arXiv 2004.12992, section 3.4) and the names
and shapes of the published parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two convolutions whose output is added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        out: Tensor = torch.relu(x + self.block(x))
        return out


class Level(nn.Module):
    """One level of the U: down, the level below, up; the input goes past all of it.

    `below` is None at the bottom; the top level has no norms and no skip.
    """

    def __init__(
        self, cin: int, inner: int, cout: int, below: nn.Module | None, top: bool = False
    ) -> None:
        super().__init__()
        down: list[nn.Module] = [nn.Conv2d(cin, inner, 3, 2, 1, bias=False)]
        if below is not None and not top:
            down.append(nn.BatchNorm2d(inner))
        down += [nn.ReLU(), ResidualBlock(inner), ResidualBlock(inner)]
        # The level below hands back its input beside its output.
        back = inner if below is None else 2 * inner
        up: list[nn.Module] = [
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(back, cout, 3, padding=1, bias=False),
        ]
        if not top:
            up += [nn.BatchNorm2d(cout), nn.ReLU(), ResidualBlock(cout), ResidualBlock(cout)]
        self.model = nn.Sequential(*down, *([below] if below is not None else []), *up)
        self.top = top

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, cin, h, w) to (n, cin + cout, h, w), at the top to (n, cout, h, w)."""
        out: Tensor = self.model(x)
        return out if self.top else torch.cat((x, out), dim=1)


class ImageTranslation(nn.Module):
    """Draws a portrait whose face follows drawn landmarks."""

    def __init__(self) -> None:
        super().__init__()
        level = Level(512, 512, 512, None)
        for outer, inner in ((512, 512), (256, 512), (128, 256), (64, 128)):
            level = Level(outer, inner, outer, level)
        self.model = Level(6, 64, 3, level, top=True)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (n, 3, h, w), a picture once through tanh.

        `pictures` (n, 6, h, w) in [0, 1] are drawn landmarks and the portrait, stacked; h and w
        are multiples of 64.
        """
        out: Tensor = self.model(pictures)
        return out
