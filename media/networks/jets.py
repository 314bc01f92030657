"""JETS (Lim et al. 2022, arXiv 2203.16852): text to sound in one network.

The layout and the parameter names are ESPnet's `JETSGenerator` with transformer blocks and without
weight norm, so a checkpoint of one loads into the other. It needs torch alone, which suits a
machine without ESPnet; the alignment module, which only learning from recordings needs, is kept
for its names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

DELTA = 0.1
"""Sharpness of the Gaussian that spreads a token over its frames; ESPnet's."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a network, by ESPnet's names; `upsample` multiplies to the samples a frame."""

    tokens: int
    mels: int = 80
    adim: int = 256
    aheads: int = 2
    elayers: int = 3
    eunits: int = 512
    dlayers: int = 3
    dunits: int = 512
    kernel: int = 3
    predictor_layers: int = 2
    predictor_channels: int = 256
    channels: int = 256
    upsample: tuple[int, ...] = (5, 5, 4, 3)
    resblock_kernels: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[int, ...] = (1, 3, 5)
    segment: int = 40
    dropout: float = 0.1

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.upsample)

    def espnet(self) -> dict[str, Any]:
        """Return ESPnet's `generator_params` for this network."""
        predictors = {
            f"{name}_predictor_{key}": value
            for name in ("duration", "pitch", "energy")
            for key, value in (
                ("layers", self.predictor_layers),
                ("chans", self.predictor_channels),
                ("kernel_size", 3),
            )
        }
        return predictors | {
            "adim": self.adim,
            "aheads": self.aheads,
            "elayers": self.elayers,
            "eunits": self.eunits,
            "dlayers": self.dlayers,
            "dunits": self.dunits,
            "positionwise_layer_type": "conv1d",
            "positionwise_conv_kernel_size": self.kernel,
            "use_scaled_pos_enc": True,
            "encoder_normalize_before": True,
            "decoder_normalize_before": True,
            "pitch_embed_kernel_size": 1,
            "energy_embed_kernel_size": 1,
            "generator_channels": self.channels,
            "generator_kernel_size": 7,
            "generator_upsample_scales": list(self.upsample),
            "generator_upsample_kernel_sizes": [2 * scale for scale in self.upsample],
            "generator_resblock_kernel_sizes": list(self.resblock_kernels),
            "generator_resblock_dilations": [
                list(self.resblock_dilations) for _ in self.resblock_kernels
            ],
            "generator_use_weight_norm": False,
            "segment_size": self.segment,
        }


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens with what is known of them: B sequences of N tokens.

    `tokens` (B, N), `real` (B, N) false where padded, `frames` (B, N) how long each lasts,
    `pitch` and `energy` (B, N), normalised.
    """

    tokens: Tensor
    real: Tensor
    frames: Tensor
    pitch: Tensor
    energy: Tensor


class JetsGenerator(nn.Module):
    """The generator of JETS."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        size = shape.adim
        self.encoder = _Encoder(shape, shape.elayers, shape.eunits, shape.tokens)
        self.duration_predictor = _Predictor(shape)
        self.pitch_predictor = _Predictor(shape)
        self.pitch_embed = nn.Sequential(nn.Conv1d(1, size, 1))
        self.energy_predictor = _Predictor(shape)
        self.energy_embed = nn.Sequential(nn.Conv1d(1, size, 1))
        self.alignment_module = _Alignment(size, shape.mels)
        self.decoder = _Encoder(shape, shape.dlayers, shape.dunits, None)
        self.generator = HifiGan(size, shape)
        self.apply(_xavier)
        # A vocoder without weight norm starts from torch's own, larger weights.
        self.generator.apply(_fresh)

    def frames_of(self, batch: Batch, length: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return (states (B, `length`, adim), log durations, pitch, energy (B, N) as predicted).

        The states are made of the batch's own durations, pitch and energy.
        """
        hidden = self.encoder(batch.tokens, batch.real)
        durations = self.duration_predictor(hidden, batch.real)
        pitch = self.pitch_predictor(hidden, batch.real)
        energy = self.energy_predictor(hidden, batch.real)
        hidden = self._coloured(hidden, batch.pitch, batch.energy)
        heard = torch.arange(length, device=hidden.device) < batch.frames.sum(1, keepdim=True)
        spread = upsample(hidden, batch.frames, batch.real, heard)
        return self.decoder(spread, heard), durations, pitch, energy

    @torch.inference_mode()
    def inference(self, tokens: Tensor, pace: float = 1.0) -> tuple[Tensor, Tensor]:
        """Return (samples (1, hop × frames), frames (1, N)) of one sequence `tokens` (1, N).

        `pace` 2.0 makes all durations half as long; every token keeps a frame.
        """
        real = torch.ones_like(tokens, dtype=torch.bool)
        hidden = self.encoder(tokens, real)
        spoken = self.duration_predictor(hidden, real).exp() - 1
        frames = torch.clamp(torch.round(torch.clamp(torch.round(spoken), min=0) / pace), min=1)
        hidden = self._coloured(
            hidden, self.pitch_predictor(hidden, real), self.energy_predictor(hidden, real)
        )
        heard = torch.ones(1, int(frames.sum()), dtype=torch.bool, device=tokens.device)
        states = self.decoder(upsample(hidden, frames, real, heard), heard)
        return self.generator(states.transpose(1, 2)).squeeze(1), frames.long()

    def _coloured(self, hidden: Tensor, pitch: Tensor, energy: Tensor) -> Tensor:
        pitched = self.pitch_embed(pitch.unsqueeze(1)).transpose(1, 2)
        levelled = self.energy_embed(energy.unsqueeze(1)).transpose(1, 2)
        found: Tensor = hidden + levelled + pitched
        return found


def upsample(hidden: Tensor, frames: Tensor, real: Tensor, heard: Tensor) -> Tensor:
    """Return `hidden` (B, N, C) spread over time (B, T, C), each token for its `frames` (B, N).

    `real` (B, N) and `heard` (B, T) are false where padded.
    """
    length = frames.to(torch.float32)
    time = torch.arange(heard.shape[1], device=hidden.device) * heard.to(torch.float32)
    centre = length.cumsum(1) - length / 2
    distance = -DELTA * (time.unsqueeze(2) - centre.unsqueeze(1)) ** 2
    share = torch.softmax(distance.masked_fill(~real.unsqueeze(1), -torch.inf), dim=2)
    return share.to(hidden.dtype) @ hidden


class _Encoder(nn.Module):
    """Transformer blocks with normalisation first; with an embedding where it reads tokens."""

    def __init__(self, shape: Shape, layers: int, units: int, tokens: int | None) -> None:
        super().__init__()
        position = _Position(shape.adim, shape.dropout)
        first = [] if tokens is None else [_Embedding(tokens, shape.adim, padding_idx=0)]
        self.embed = nn.Sequential(*first, position)
        self.encoders = nn.ModuleList(_Block(shape, units) for _ in range(layers))
        self.after_norm = nn.LayerNorm(shape.adim, eps=1e-12)

    def forward(self, values: Tensor, real: Tensor) -> Tensor:
        hidden = self.embed(values)
        for block in self.encoders:
            hidden = block(hidden, real)
        found: Tensor = self.after_norm(hidden)
        return found


class _Embedding(nn.Embedding):
    """An embedding whose gradient is a product: the usual one sorts, which no CUDA graph takes."""

    def forward(self, tokens: Tensor) -> Tensor:
        if not self.training:
            return super().forward(tokens)
        kinds = torch.arange(self.num_embeddings, device=tokens.device)
        chosen = (tokens.unsqueeze(2) == kinds).to(self.weight.dtype)
        with torch.autocast(tokens.device.type, enabled=False):
            return chosen @ self.weight


class _Position(nn.Module):
    """Sines of the position, weighed by a learnt `alpha`."""

    table: Tensor

    def __init__(self, size: int, dropout: float, longest: int = 4000) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(1.0))
        self.dropout = nn.Dropout(dropout)
        place = torch.arange(longest, dtype=torch.float32).unsqueeze(1)
        speed = torch.exp(torch.arange(0, size, 2) * (-math.log(10000.0) / size))
        table = torch.zeros(1, longest, size)
        table[0, :, 0::2] = torch.sin(place * speed)
        table[0, :, 1::2] = torch.cos(place * speed)
        self.register_buffer("table", table, persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.dropout(values + self.alpha * self.table[:, : values.shape[1]])
        return found


class _Block(nn.Module):
    def __init__(self, shape: Shape, units: int) -> None:
        super().__init__()
        self.self_attn = _Attention(shape.adim, shape.aheads)
        self.feed_forward = _FeedForward(shape.adim, units, shape.kernel, shape.dropout)
        self.norm1 = nn.LayerNorm(shape.adim, eps=1e-12)
        self.norm2 = nn.LayerNorm(shape.adim, eps=1e-12)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, hidden: Tensor, real: Tensor) -> Tensor:
        hidden = hidden + self.dropout(self.self_attn(self.norm1(hidden), real))
        found: Tensor = hidden + self.dropout(self.feed_forward(self.norm2(hidden), real))
        return found


class _Attention(nn.Module):
    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q = nn.Linear(size, size)
        self.linear_k = nn.Linear(size, size)
        self.linear_v = nn.Linear(size, size)
        self.linear_out = nn.Linear(size, size)

    def forward(self, hidden: Tensor, real: Tensor) -> Tensor:
        batch, length, size = hidden.shape
        query, key, value = (
            linear(hidden).view(batch, length, self.heads, -1).transpose(1, 2)
            for linear in (self.linear_q, self.linear_k, self.linear_v)
        )
        mask = real.view(batch, 1, 1, length).expand(-1, -1, length, -1)
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed: Tensor = self.linear_out(found.transpose(1, 2).reshape(batch, length, size))
        return mixed


class _FeedForward(nn.Module):
    def __init__(self, size: int, units: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.w_1 = nn.Conv1d(size, units, kernel, padding=kernel // 2)
        self.w_2 = nn.Conv1d(units, size, kernel, padding=kernel // 2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, real: Tensor) -> Tensor:
        # Padding is silent to the convolutions, as the end of a sequence that stands alone is.
        mask = real.unsqueeze(1)
        inner = self.dropout(torch.relu(self.w_1(hidden.transpose(1, 2) * mask)))
        found: Tensor = self.w_2(inner * mask).transpose(1, 2)
        return found


class _ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (B, C, N)."""

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values.transpose(1, 2)).transpose(1, 2)


class _Predictor(nn.Module):
    """Says a number for each token: (B, N, adim) → (B, N)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        size, channels = shape.adim, shape.predictor_channels
        self.conv = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(channels if layer else size, channels, 3, padding=1),
                nn.ReLU(),
                _ChannelNorm(channels, eps=1e-12),
                nn.Dropout(shape.dropout),
            )
            for layer in range(shape.predictor_layers)
        )
        self.linear = nn.Linear(channels, 1)

    def forward(self, hidden: Tensor, real: Tensor) -> Tensor:
        values, mask = hidden.transpose(1, 2), real.unsqueeze(1)
        for layer in self.conv:
            values = layer(values * mask)
        found: Tensor = self.linear(values.transpose(1, 2)).squeeze(-1)
        return found


class _Alignment(nn.Module):
    """The parameters of ESPnet's alignment module."""

    def __init__(self, size: int, mels: int) -> None:
        super().__init__()
        self.t_conv1 = nn.Conv1d(size, size, 3, padding=1)
        self.t_conv2 = nn.Conv1d(size, size, 1)
        self.f_conv1 = nn.Conv1d(mels, size, 3, padding=1)
        self.f_conv2 = nn.Conv1d(size, size, 3, padding=1)
        self.f_conv3 = nn.Conv1d(size, size, 1)


class HifiGan(nn.Module):
    """HiFi-GAN's generator (Kong et al. 2020): (B, C, T) → (B, 1, T × hop)."""

    def __init__(self, size: int, shape: Shape) -> None:
        super().__init__()
        self.input_conv = nn.Conv1d(size, shape.channels, 7, padding=3)
        self.upsamples = nn.ModuleList()
        self.blocks = nn.ModuleList()
        channels = shape.channels
        for scale in shape.upsample:
            up = nn.ConvTranspose1d(
                channels,
                channels // 2,
                2 * scale,
                scale,
                padding=scale // 2 + scale % 2,
                output_padding=scale % 2,
            )
            self.upsamples.append(nn.Sequential(nn.LeakyReLU(0.1), up))
            channels //= 2
            self.blocks.extend(
                _ResBlock(channels, kernel, shape.resblock_dilations)
                for kernel in shape.resblock_kernels
            )
        self.output_conv = nn.Sequential(
            nn.LeakyReLU(), nn.Conv1d(channels, 1, 7, padding=3), nn.Tanh()
        )

    def forward(self, states: Tensor) -> Tensor:
        """Return the sound of `states`."""
        values = self.input_conv(states)
        each = len(self.blocks) // len(self.upsamples)
        for place, up in enumerate(self.upsamples):
            values = up(values)
            blocks = self.blocks[place * each : (place + 1) * each]
            values = sum(block(values) for block in blocks) / each
        found: Tensor = self.output_conv(values)
        return found


class _ResBlock(nn.Module):
    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_lazy_conv(channels, kernel, step) for step in dilations)
        self.convs2 = nn.ModuleList(_lazy_conv(channels, kernel, 1) for _ in dilations)

    def forward(self, values: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            values = second(first(values)) + values
        return values


def _lazy_conv(channels: int, kernel: int, dilation: int) -> nn.Sequential:
    conv = nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=kernel // 2 * dilation)
    return nn.Sequential(nn.LeakyReLU(0.1), conv)


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Conv1d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _fresh(module: nn.Module) -> None:
    if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
        module.reset_parameters()
