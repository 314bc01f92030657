"""Wav2Lip (Prajwal et al. 2020, arXiv 2008.10010): generator, sync expert, quality discriminator.

Written from the paper and the names and shapes of the published parameters, so that a published
checkpoint loads unchanged. Pictures are BGR in [0, 1], 96 × 96; a mel window is 80 bands × 16
columns, 80 columns a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the field's name for it

Size = int | tuple[int, int]

STEPS = 64
"""A width is a whole number of 64ths, so that 512 channels become a multiple of 8."""


class Widths:
    """The channels of a network whose layers are `width` times as wide as published."""

    def __init__(self, width: float) -> None:
        self.share = max(1, round(width * STEPS)) / STEPS

    def __call__(self, channels: int) -> int:
        """Return the scaled number of `channels`: a multiple of 8, at width 1 unchanged."""
        return max(8, 8 * round(channels * self.share / 8))


def width_of(state: Mapping[str, Tensor]) -> float:
    """Return the width of the generator or sync expert whose weights are `state`.

    ValueError where there is no audio encoder in it.
    """
    ends = [v.shape[0] for k, v in state.items() if re.search(r"audio_encoder\.\d+.*0\.bias$", k)]
    if not ends:
        raise ValueError("there is no audio encoder")
    return max(ends) / 512


class Conv(nn.Module):
    """Convolution, batch norm, (the input added,) ReLU."""

    def __init__(
        self, cin: int, cout: int, kernel: int, stride: Size, pad: int, residual: bool = False
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(cin, cout, kernel, stride, pad), nn.BatchNorm2d(cout)
        )
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, cin, h, w) to (n, cout, h', w')."""
        out = self.conv_block(x)
        return F.relu(out + x if self.residual else out)


class PlainConv(nn.Module):
    """Convolution and leaky ReLU, for the discriminator, which has no batch norm."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: Size, pad: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(nn.Conv2d(cin, cout, kernel, stride, pad))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, cin, h, w) to (n, cout, h', w')."""
        return F.leaky_relu(self.conv_block(x), 0.01)


class Upsample(nn.Module):
    """Transposed convolution, batch norm, ReLU."""

    def __init__(self, cin: int, cout: int, stride: int, pad: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ConvTranspose2d(cin, cout, 3, stride, pad, output_padding=stride - 1),
            nn.BatchNorm2d(cout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, cin, h, w) to (n, cout, h · stride, w · stride)."""
        return F.relu(self.conv_block(x))


def residual(channels: int, count: int) -> list[Conv]:
    """Return `count` residual blocks that keep the shape."""
    return [Conv(channels, channels, 3, 1, 1, residual=True) for _ in range(count)]


def audio_layers(residuals_at_256: int, c: Widths) -> nn.Sequential:
    """Return the encoder of a mel window: (n, 1, 80, 16) to (n, 512, 1, 1)."""
    return nn.Sequential(
        Conv(1, c(32), 3, 1, 1), *residual(c(32), 2),
        Conv(c(32), c(64), 3, (3, 1), 1), *residual(c(64), 2),    # (n, 64, 27, 16)
        Conv(c(64), c(128), 3, 3, 1), *residual(c(128), 2),       # (n, 128, 9, 6)
        Conv(c(128), c(256), 3, (3, 2), 1), *residual(c(256), residuals_at_256),  # (n, 256, 3, 3)
        Conv(c(256), c(512), 3, 1, 0),                            # (n, 512, 1, 1)
        Conv(c(512), c(512), 1, 1, 0),
    )  # fmt: skip


class Generator(nn.Module):
    """Draws the mouth of a face to fit a mel window.

    `width` 1 is the published network; shapes below are those of width 1.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        c = Widths(width)
        self.width = c.share
        self.face_encoder_blocks = nn.ModuleList([
            nn.Sequential(Conv(6, c(16), 7, 1, 3)),                                   # 96
            nn.Sequential(Conv(c(16), c(32), 3, 2, 1), *residual(c(32), 2)),          # 48
            nn.Sequential(Conv(c(32), c(64), 3, 2, 1), *residual(c(64), 3)),          # 24
            nn.Sequential(Conv(c(64), c(128), 3, 2, 1), *residual(c(128), 2)),        # 12
            nn.Sequential(Conv(c(128), c(256), 3, 2, 1), *residual(c(256), 2)),       # 6
            nn.Sequential(Conv(c(256), c(512), 3, 2, 1), *residual(c(512), 1)),       # 3
            nn.Sequential(Conv(c(512), c(512), 3, 1, 0), Conv(c(512), c(512), 1, 1, 0)),  # 1
        ])  # fmt: skip
        self.audio_encoder = audio_layers(1, c)
        # Each block but the first also takes the face encoder's output of its size.
        self.face_decoder_blocks = nn.ModuleList([
            nn.Sequential(Conv(c(512), c(512), 1, 1, 0)),                                   # 1
            nn.Sequential(Upsample(2 * c(512), c(512), 1, 0), *residual(c(512), 1)),        # 3
            nn.Sequential(Upsample(2 * c(512), c(512), 2, 1), *residual(c(512), 2)),        # 6
            nn.Sequential(Upsample(c(512) + c(256), c(384), 2, 1), *residual(c(384), 2)),   # 12
            nn.Sequential(Upsample(c(384) + c(128), c(256), 2, 1), *residual(c(256), 2)),   # 24
            nn.Sequential(Upsample(c(256) + c(64), c(128), 2, 1), *residual(c(128), 2)),    # 48
            nn.Sequential(Upsample(c(128) + c(32), c(64), 2, 1), *residual(c(64), 2)),      # 96
        ])  # fmt: skip
        self.output_block = nn.Sequential(
            Conv(c(64) + c(16), c(32), 3, 1, 1), nn.Conv2d(c(32), 3, 1, 1, 0), nn.Sigmoid()
        )

    def encode_face(self, face: Tensor) -> list[Tensor]:
        """Return the encoder's outputs for `face` (n, 6, 96, 96), largest picture first."""
        outputs = []
        for block in self.face_encoder_blocks:
            face = block(face)
            outputs.append(face)
        return outputs

    def decode(self, audio: Tensor, encoded: Sequence[Tensor], top: int = 0) -> Tensor:
        """Return (n, 3, 96 − top, 96) from mel windows (n, 1, 80, 16) and `encode_face`'s outputs.

        Rows above `top` are left out, and what only they need is not computed. One face's outputs
        may stand for all n.
        """
        x = self.audio_encoder(audio)
        kept = self._rows(top)
        for index, (block, skip) in enumerate(
            zip(self.face_decoder_blocks, reversed(encoded), strict=True)
        ):
            begins = 2 * kept[index - 1] if index > 1 else 0
            x = block(x)[:, :, kept[index] - begins :]
            skip = skip[:, :, kept[index] :].expand(x.shape[0], -1, -1, -1)
            x = torch.cat((x, skip), dim=1)
        drawn: Tensor = self.output_block(x)
        return drawn[:, :, top - kept[-1] :]

    def _rows(self, top: int) -> list[int]:
        """Return the first row that is needed of each decoder block's output for rows from `top`.

        A 3 × 3 convolution makes the row next to a cut wrong, so one more is kept for each; row
        2 k of a transposed convolution needs nothing above row k of its input.
        """
        kept = [max(0, top - 1)]
        for block in list(self.face_decoder_blocks)[:1:-1]:
            convolutions = len(block) - 1  # type: ignore[arg-type]
            kept.append(max(0, kept[-1] - convolutions) // 2)
        return [0] * (len(self.face_decoder_blocks) - len(kept)) + kept[::-1]

    def forward(self, audio: Tensor, face: Tensor) -> Tensor:
        """Draw one picture a window, or T in a row where there is a time axis.

        audio (n, 1, 80, 16) and face (n, 6, 96, 96) give (n, 3, 96, 96);
        audio (n, T, 1, 80, 16) and face (n, 6, T, 96, 96) give (n, 3, T, 96, 96).
        """
        if face.dim() == 4:
            return self.decode(audio, self.encode_face(face))
        n, t = audio.shape[:2]
        flat = self.decode(
            audio.transpose(0, 1).flatten(0, 1),
            self.encode_face(face.permute(2, 0, 1, 3, 4).flatten(0, 1)),
        )
        return flat.reshape(t, n, *flat.shape[1:]).permute(1, 2, 0, 3, 4)


class SyncExpert(nn.Module):
    """Tells whether five frames of a mouth fit a mel window.

    `width` 1 is the published network; shapes below are those of width 1.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        c = Widths(width)
        self.width = c.share
        self.face_encoder = nn.Sequential(
            Conv(15, c(32), 7, 1, 3),
            Conv(c(32), c(64), 5, (1, 2), 1), *residual(c(64), 2),   # (n, 64, 46, 47)
            Conv(c(64), c(128), 3, 2, 1), *residual(c(128), 3),      # (n, 128, 23, 24)
            Conv(c(128), c(256), 3, 2, 1), *residual(c(256), 2),     # (n, 256, 12, 12)
            Conv(c(256), c(512), 3, 2, 1), *residual(c(512), 2),     # (n, 512, 6, 6)
            Conv(c(512), c(512), 3, 2, 1),                           # (n, 512, 3, 3)
            Conv(c(512), c(512), 3, 1, 0),                           # (n, 512, 1, 1)
            Conv(c(512), c(512), 1, 1, 0),
        )  # fmt: skip
        self.audio_encoder = audio_layers(2, c)

    def forward(self, audio: Tensor, face: Tensor) -> tuple[Tensor, Tensor]:
        """Return unit embeddings (n, 512) of mel windows (n, 1, 80, 16) and of the lower halves
        of five frames each, stacked to (n, 15, 48, 96)."""
        sound = self.audio_encoder(audio).flatten(1)
        sight = self.face_encoder(face).flatten(1)
        return F.normalize(sound, dim=1), F.normalize(sight, dim=1)


class QualityDiscriminator(nn.Module):
    """Tells drawn mouths from filmed ones."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder_blocks = nn.ModuleList([
            nn.Sequential(PlainConv(3, 32, 7, 1, 3)),                                     # 48 × 96
            nn.Sequential(PlainConv(32, 64, 5, (1, 2), 2), PlainConv(64, 64, 5, 1, 2)),   # 48 × 48
            nn.Sequential(PlainConv(64, 128, 5, 2, 2), PlainConv(128, 128, 5, 1, 2)),     # 24
            nn.Sequential(PlainConv(128, 256, 5, 2, 2), PlainConv(256, 256, 5, 1, 2)),    # 12
            nn.Sequential(PlainConv(256, 512, 3, 2, 1), PlainConv(512, 512, 3, 1, 1)),    # 6
            nn.Sequential(PlainConv(512, 512, 3, 2, 1), PlainConv(512, 512, 3, 1, 1)),    # 3
            nn.Sequential(PlainConv(512, 512, 3, 1, 0), PlainConv(512, 512, 1, 1, 0)),    # 1
        ])  # fmt: skip
        self.binary_pred = nn.Sequential(nn.Conv2d(512, 1, 1, 1, 0), nn.Sigmoid())

    def forward(self, faces: Tensor) -> Tensor:
        """Return the chance (n · T, 1), time outermost, that faces (n, 3, T, 96, 96) are filmed.

        Only the lower half of each picture is looked at.
        """
        x = faces.permute(2, 0, 1, 3, 4).flatten(0, 1)
        x = x[:, :, x.shape[2] // 2 :]
        for block in self.face_encoder_blocks:
            x = block(x)
        chance: Tensor = self.binary_pred(x).flatten(1)
        return chance
