"""AutoVC with pitch (Qian et al. 2019, arXiv 1905.05879) as MakeItTalk uses it: speech content.

Written from the paper and the names and shapes of the published parameters. The bottleneck keeps
what is said and drops who says it; MakeItTalk reads the converted mel spectrogram.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the field's name for it

NECK = 16
GROUP = 16
"""Channels of a group of the group norm."""
EVERY = 16
"""Columns between two content codes."""


class ConvNorm(nn.Module):
    """A one-dimensional convolution under the name that the checkpoint has."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(cin, cout, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, cin, t) to (n, cout, t)."""
        out: Tensor = self.conv(x)
        return out


def conv_stack(sizes: list[int]) -> nn.ModuleList:
    """Return convolution and group norm from each of `sizes` to the next."""
    return nn.ModuleList(
        nn.Sequential(ConvNorm(a, b), nn.GroupNorm(b // GROUP, b))
        for a, b in zip(sizes, sizes[1:], strict=False)
    )


class ContentEncoder(nn.Module):
    """Mel spectrogram and speaker to codes, one every 16 columns."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = conv_stack([80 + 256, 512, 512, 512])
        self.lstm = nn.LSTM(512, NECK, num_layers=2, batch_first=True, bidirectional=True)

    def forward(self, mel: Tensor, speaker: Tensor) -> Tensor:
        """Return codes (n, t / 16, 32) of mel (n, t, 80) and speaker (n, 256)."""
        x = torch.cat((mel, speaker[:, None].expand(-1, mel.shape[1], -1)), dim=2).transpose(1, 2)
        for layer in self.convolutions:
            x = F.relu(layer(x))
        out = self.lstm(x.transpose(1, 2))[0]
        # The forward direction knows a stretch at its end, the backward one at its beginning.
        return torch.cat((out[:, EVERY - 1 :: EVERY, :NECK], out[:, ::EVERY, NECK:]), dim=2)


class Linear(nn.Module):
    """A linear layer under the name that the checkpoint has."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.linear_layer = nn.Linear(cin, cout)

    def forward(self, x: Tensor) -> Tensor:
        """Map the last axis."""
        out: Tensor = self.linear_layer(x)
        return out


class MelDecoder(nn.Module):
    """Codes, speaker and pitch to a mel spectrogram."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2 * NECK + 256 + 257, 512, num_layers=3, batch_first=True)
        self.linear_projection = Linear(512, 80)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, 545) to (n, t, 80)."""
        out: Tensor = self.linear_projection(self.lstm(x)[0])
        return out


class Postnet(nn.Module):
    """What is added to the decoded mel spectrogram to sharpen it."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = conv_stack([80, 512, 512, 512, 512, 80])

    def forward(self, mel: Tensor) -> Tensor:
        """Map (n, t, 80) to the same."""
        x = mel.transpose(1, 2)
        for layer in self.convolutions[:-1]:
            x = torch.tanh(layer(x))
        out: Tensor = self.convolutions[-1](x).transpose(1, 2)
        return out


class AutoVC(nn.Module):
    """Says the content of one voice in another."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ContentEncoder()
        self.decoder = MelDecoder()
        self.postnet = Postnet()

    def forward(
        self, mel: Tensor, speaker: Tensor, target: Tensor, target_pitch: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the decoded mel, the sharpened mel (n, t, 80 each) and the codes (n, 2 t).

        mel (n, t, 80) with t a multiple of 16, speaker and target (n, 256), target_pitch
        (n, t, 257) one-hot, 256 bins and unvoiced.
        """
        codes = self.encoder(mel, speaker)
        t = mel.shape[1]
        spread = codes.repeat_interleave(EVERY, dim=1)
        decoded = self.decoder(
            torch.cat((spread, target[:, None].expand(-1, t, -1), target_pitch), dim=2)
        )
        return decoded, decoded + self.postnet(decoded), codes.flatten(1)
