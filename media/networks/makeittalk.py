"""MakeItTalk (Zhou et al. 2020, arXiv 2004.12992): the branches that move landmarks.

Written from the paper and the names and shapes of the published parameters, so that published
checkpoints load unchanged. Landmarks are 68 points (x, y, z) in a row: 204 numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the field's name for it

LANDMARKS = 204
HEADS = 2


class ContentBranch(nn.Module):
    """Moves a face's landmarks as speech content asks: lips and jaw."""

    def __init__(self) -> None:
        super().__init__()
        self.fc_prior = nn.Sequential(
            nn.Linear(80, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2), nn.Linear(256, 161)
        )
        self.bilstm = nn.LSTM(161, 256, num_layers=3, batch_first=True)
        self.fc = nn.Sequential(
            nn.Linear(256 + LANDMARKS, 512), nn.BatchNorm1d(512), nn.LeakyReLU(0.2),
            nn.Linear(512, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2),
            nn.Linear(256, LANDMARKS),
        )  # fmt: skip

    def forward(self, audio: Tensor, face: Tensor) -> Tensor:
        """Return displacements (n, 204) of the resting landmarks `face` (1 or n, 204) for content
        codes `audio` (n, 18, 80): 18 mel columns' codes up to each frame."""
        n, steps = audio.shape[:2]
        prior = self.fc_prior(audio.flatten(0, 1)).unflatten(0, (n, steps))
        last = self.bilstm(prior)[0][:, -1]
        moved: Tensor = self.fc(torch.cat((last, face.expand(n, -1)), dim=1))
        return moved


class Norm(nn.Module):
    """Layer norm with the sample standard deviation, as the published transformer has it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis."""
        spread = x.std(dim=-1, keepdim=True) + 1e-6
        return self.alpha * (x - x.mean(dim=-1, keepdim=True)) / spread + self.bias


class Attention(nn.Module):
    """Multi-head attention."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.q_linear = nn.Linear(size, size)
        self.v_linear = nn.Linear(size, size)
        self.k_linear = nn.Linear(size, size)
        self.out = nn.Linear(size, size)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """Return (n, t, size): what each query step takes from `memory` (n, s, size)."""
        q, k, v = (
            linear(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for linear, x in (
                (self.q_linear, query), (self.k_linear, memory), (self.v_linear, memory),
            )
        )  # fmt: skip
        mixed: Tensor = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return mixed


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(size, 2048)
        self.linear_2 = nn.Linear(2048, size)

    def forward(self, x: Tensor) -> Tensor:
        """Map the last axis."""
        mapped: Tensor = self.linear_2(F.relu(self.linear_1(x)))
        return mapped


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, each on the normalised input."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = Norm(size), Norm(size)
        self.attn = Attention(size)
        self.ff = FeedForward(size)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, size) to the same."""
        normed = self.norm_1(x)
        x = x + self.attn(normed, normed)
        out: Tensor = x + self.ff(self.norm_2(x))
        return out


class DecoderLayer(nn.Module):
    """Self-attention, attention to the encoder, feed-forward."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2, self.norm_3 = Norm(size), Norm(size), Norm(size)
        self.attn_1, self.attn_2 = Attention(size), Attention(size)
        self.ff = FeedForward(size)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Map (n, t, size) to the same."""
        normed = self.norm_1(x)
        x = x + self.attn_1(normed, normed)
        x = x + self.attn_2(self.norm_2(x), memory)
        out: Tensor = x + self.ff(self.norm_3(x))
        return out


class Embedding(nn.Module):
    """A linear layer under the name that the checkpoint has."""

    def __init__(self, cin: int, size: int) -> None:
        super().__init__()
        self.embed = nn.Linear(cin, size)

    def forward(self, x: Tensor) -> Tensor:
        """Map the last axis."""
        out: Tensor = self.embed(x)
        return out


class Position(nn.Module):
    """Sines of the position, added to the scaled input."""

    pe: Tensor

    def __init__(self, size: int, longest: int = 512) -> None:
        super().__init__()
        at = torch.arange(longest)[:, None]
        # The published table spaces its wavelengths by the index itself, sine and cosine apart.
        index = torch.arange(0, size, 2)
        table = torch.zeros(1, longest, size)
        table[0, :, 0::2] = torch.sin(at / 10000 ** (2 * index / size))
        table[0, :, 1::2] = torch.cos(at / 10000 ** (2 * (index + 1) / size))
        self.register_buffer("pe", table)

    def forward(self, x: Tensor) -> Tensor:
        """Add positions to (n, t, size)."""
        return x * math.sqrt(x.shape[-1]) + self.pe[:, : x.shape[1]]


class Encoder(nn.Module):
    """The transformer encoder: (n, t, cin) to (n, t, size)."""

    def __init__(self, cin: int, size: int = 64, layers: int = 2) -> None:
        super().__init__()
        self.embed = Embedding(cin, size)
        self.pe = Position(size)
        self.layers = nn.ModuleList(EncoderLayer(size) for _ in range(layers))
        self.norm = Norm(size)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, cin) to (n, t, size)."""
        x = self.pe(self.embed(x))
        for layer in self.layers:
            x = layer(x)
        out: Tensor = self.norm(x)
        return out


class Decoder(nn.Module):
    """The transformer decoder; the checkpoint carries it, inference does not call it."""

    def __init__(self, cin: int, size: int = 64, layers: int = 2) -> None:
        super().__init__()
        self.embed = Embedding(cin, size)
        self.pe = Position(size)
        self.layers = nn.ModuleList(DecoderLayer(size) for _ in range(layers))
        self.norm = Norm(size)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Map landmarks (n, t, cin) beside `memory` (n, s, size) to (n, t, size)."""
        x = self.pe(self.embed(x))
        for layer in self.layers:
            x = layer(x, memory)
        out: Tensor = self.norm(x)
        return out


class SpeakerBranch(nn.Module):
    """Moves a face's landmarks as this speaker does: head and expression."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_content_encoder = nn.LSTM(80, 256, num_layers=3, batch_first=True)
        self.spk_emb_encoder = nn.Sequential(
            nn.Linear(256, 256), nn.LeakyReLU(0.02),
            nn.Linear(256, 128), nn.LeakyReLU(0.02),
            nn.Linear(128, 128),
        )  # fmt: skip
        self.encoder = Encoder(256 + 128 + 128)
        self.decoder = Decoder(LANDMARKS)
        self.out = nn.Sequential(
            nn.Linear(64 + 128, 512), nn.LeakyReLU(0.02),
            nn.Linear(512, 256), nn.LeakyReLU(0.02),
            nn.Linear(256, LANDMARKS),
        )  # fmt: skip

    def forward(self, audio: Tensor, speaker: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return displacements (n, 204) and speaker codes (n, 128).

        audio (n, 18, 80) content codes, speaker (n, 256) embeddings, noise (n, 128); the n frames
        are one sequence of at most 512.
        """
        heard = self.audio_content_encoder(audio)[0][:, -1]
        code = self.spk_emb_encoder(speaker)
        mixed = self.encoder(torch.cat((heard, code, noise), dim=1)[None])[0]
        return self.out(torch.cat((mixed, noise), dim=1)), code
