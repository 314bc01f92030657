"""What tells made sound from recorded: HiFi-GAN's periods, and spectrograms (UnivNet's idea).

Used to distil a voice; neither is needed to speak. A third of HiFi-GAN's cost.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

Found = tuple[list[Tensor], list[list[Tensor]]]
"""Verdicts and the features on the way to them, for each discriminator."""


class Discriminators(nn.Module):
    """Judges (B, 1, T) by `periods` in samples and by spectrograms of `windows` samples."""

    def __init__(
        self,
        periods: tuple[int, ...] = (2, 3, 5, 7, 11),
        windows: tuple[int, ...] = (512, 1024, 2048),
        channels: int = 32,
    ) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            [
                *(_Period(period, channels) for period in periods),
                *(_Spectral(window, channels) for window in windows),
            ]
        )

    def forward(self, sound: Tensor) -> Found:
        """Return what each judge says and sees."""
        verdicts, features = [], []
        for judge in self.judges:
            seen = judge(sound)
            verdicts.append(seen[-1])
            features.append(seen[:-1])
        return verdicts, features


class _Period(nn.Module):
    def __init__(self, period: int, channels: int) -> None:
        super().__init__()
        self.period = period
        sizes = [1, channels, 3 * channels, 8 * channels, 16 * channels, 16 * channels]
        self.layers = nn.ModuleList(
            weight_norm(
                nn.Conv2d(before, after, (5, 1), (3 if place < 4 else 1, 1), padding=(2, 0))
            )
            for place, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False))
        )
        self.last = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, sound: Tensor) -> list[Tensor]:
        batch, _, length = sound.shape
        padded = functional.pad(sound, (0, -length % self.period), mode="reflect")
        values = padded.view(batch, 1, -1, self.period)
        seen = []
        for layer in self.layers:
            values = functional.leaky_relu(layer(values), 0.1)
            seen.append(values)
        return [*seen, self.last(values)]


class _Spectral(nn.Module):
    window: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        self.layers = nn.ModuleList(
            weight_norm(
                nn.Conv2d(
                    channels if place else 1, channels, (9, 3), (2 if 0 < place < 4 else 1, 1),
                    padding=(4, 1),
                )
            )
            for place in range(5)
        )  # fmt: skip
        self.last = weight_norm(nn.Conv2d(channels, 1, (3, 3), padding=(1, 1)))

    def forward(self, sound: Tensor) -> list[Tensor]:
        values = compressed(magnitudes(sound[:, 0].float(), self.size, self.window)).unsqueeze(1)
        seen = []
        for layer in self.layers:
            values = functional.leaky_relu(layer(values), 0.1)
            seen.append(values)
        return [*seen, self.last(values)]


def magnitudes(sound: Tensor, size: int, window: Tensor) -> Tensor:
    """Return magnitudes (B, size / 2 + 1, columns) of `sound` (B, T), a quarter window apart."""
    with torch.autocast(sound.device.type, enabled=False):
        found = torch.stft(sound, size, size // 4, window=window, return_complex=True)
        # The root's slope has no bound at 0.
        return (found.real.square() + found.imag.square() + 1e-9).sqrt()


def compressed(values: Tensor) -> Tensor:
    """Return magnitudes `values` with their range compressed, so that weak bands count too."""
    return values.pow(0.3)


def judge_losses(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """Return the loss of the discriminators: 1 for `real`, 0 for `made` (least squares)."""
    return torch.stack(
        [
            (1 - one.float()).square().mean() + other.float().square().mean()
            for one, other in zip(real, made, strict=True)
        ]
    ).mean()


def fooling_loss(made: list[Tensor]) -> Tensor:
    """Return the generator's adversarial loss (least squares)."""
    return torch.stack([(1 - one.float()).square().mean() for one in made]).mean()


def feature_loss(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
    """Return how far the features of `made` are from those of `real`, each layer by its size."""
    return torch.stack(
        [
            (one.detach() - other).abs().float().mean() / one.detach().abs().float().mean()
            for each, other_each in zip(real, made, strict=True)
            for one, other in zip(each, other_each, strict=True)
        ]
    ).mean()
