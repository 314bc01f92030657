"""The default voice as a teacher: Kokoro in torch, many sentences at once.

What it says is what `media.speak.kokoro` says, durations and long pauses treated alike; each
sentence comes with its pitch and with the span of every token, aligned with the sound.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from media.speak.acoustics import ACOUSTICS
from media.speak.kokoro_graph import parts_beside
from media.speak.kokoro_source import RATE, STEP
from media.speak.timings import Piece, align, sounding
from media.train.onnx_torch import OnnxGraph
from media.types import FloatArray

FRAME = 600
PACE = 0.86
"""The model's speed at which `media.speak.kokoro` speaks."""
_ROUND = 16
_BEFORE_GAP, _GAP = 9, 5
_WINDOW, _HOP, _BINS, _HARMONICS = 20, 5, 11, 9
_LEAD, _TRAIL = 1, 3
"""Frames of 12.5 ms kept before and after what can be heard."""


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch to say: `symbols` of its tokens (empty for marks and gaps), `ids` of each for
    Kokoro, and `own`, the student's token."""

    symbols: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]
    own: tuple[int, ...]

    @property
    def flat(self) -> list[int]:
        """Kokoro's ids in one list."""
        return [number for ids in self.ids for number in ids]


@dataclass(frozen=True, slots=True)
class Said:
    """What the teacher made of `line`: `sound` at 24 kHz as it comes, `frames` (25 ms) of each id
    with the two silences around them, `pitch` in Hz every 12.5 ms."""

    line: Line
    sound: FloatArray
    frames: NDArray[np.int64]
    pitch: FloatArray


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the student learns from: n tokens and the frames of 12.5 ms that each lasts, the mean
    log pitch of each (0 where it has none) and its level in dB, and the sound (int16)."""

    tokens: NDArray[np.int64]
    frames: NDArray[np.int64]
    pitch: FloatArray
    energy: FloatArray
    sound: NDArray[np.int16]


_Read = tuple[Line, NDArray[np.int64], Tensor, Tensor, int]
"""A line, the frames of its ids, its prosody and content, and their frames rounded up."""


class Teacher:
    """Kokoro on `device`, in the style `rows` (510, 256); `gap` is the id of a gap."""

    def __init__(self, published: Path, rows: FloatArray, gap: int, device: str) -> None:
        files = parts_beside(published)
        self._text = OnnxGraph(files.text, device)
        self._melody = OnnxGraph(files.melody, device)
        self._shape = OnnxGraph(files.shape, device)
        self._sound = OnnxGraph(files.sound, device)
        self._mix = torch.tensor(np.load(files.source), dtype=torch.float64, device=device)
        self._rows = torch.tensor(rows, device=device)
        self._gap, self._device = gap, device

    def say(self, lines: Sequence[Line], seconds: float = 120.0) -> Iterator[Said]:
        """Yield what is said for `lines`, in an order of its own, `seconds` of it at a time."""
        read = list(self._read(sorted(lines, key=lambda line: len(line.flat))))
        read.sort(key=lambda one: one[4])
        batches: list[list[_Read]] = []
        for one in read:
            last = batches[-1] if batches else []
            if not last or last[0][4] != one[4] or (len(last) + 1) * one[4] * 0.025 > seconds:
                batches.append([])
            batches[-1].append(one)
        # What is learnt from first should be of all lengths.
        random.Random(len(lines)).shuffle(batches)
        for batch in batches:
            yield from self._render(batch)

    def _read(self, lines: Sequence[Line]) -> Iterator[_Read]:
        """Yield each line with its frames, prosody (n, 640), content (512, n) and rounded sum."""
        for count, same in groupby(lines, key=lambda line: len(line.flat)):
            group = list(same)
            # As many sentences as tokens would leave the axes of a graph in doubt.
            size = 24 if count + 2 != 24 else 23
            for start in range(0, len(group), size):
                part = group[start : start + size]
                found = self._text.run(
                    {
                        "tokens": torch.tensor([[0, *line.flat, 0] for line in part]),
                        "style": self._style(len(part) * [count]),
                        "speed": torch.tensor([PACE]),
                    }
                )
                durations = found["durations"].reshape(len(part), -1).cpu().numpy()
                for place, line in enumerate(part):
                    rounded = np.maximum(np.rint(durations[place]), 1).astype(np.int64)
                    frames = self._steady(rounded, line)
                    total = int(frames.sum())
                    yield (
                        line,
                        frames,
                        found["prosody"][place].clone(),
                        found["content"][place].clone(),
                        total + -total % _ROUND,
                    )

    def _steady(self, frames: NDArray[np.int64], line: Line) -> NDArray[np.int64]:
        """Return `frames` without long pauses between the words of a phrase."""
        place = 1
        for ids in line.ids:
            if ids == (self._gap,):
                frames[place - 1] = min(frames[place - 1], _BEFORE_GAP)
                frames[place] = min(frames[place], _GAP)
            place += len(ids)
        return frames

    def _style(self, counts: Sequence[int]) -> Tensor:
        places = torch.tensor([min(max(count, 1), 510) - 1 for count in counts])
        return self._rows[places.to(self._rows.device)]

    def _render(self, batch: Sequence[_Read]) -> Iterator[Said]:
        prosody, content = [], []
        for _, frames, features, letters, total in batch:
            spread = torch.tensor(frames, device=self._device)
            spread[-1] += total - int(frames.sum())
            prosody.append(features.T.repeat_interleave(spread, 1))
            content.append(letters.repeat_interleave(spread, 1))
        style = self._style([len(line.flat) for line, *_ in batch])
        melody = self._melody.run({"prosody_frames": torch.stack(prosody), "style": style})
        tone = melody["pitch"]
        shaped = {"content_frames": torch.stack(content), "energy": melody["energy"]}
        features = self._shape.run({**shaped, "pitch": tone, "style": style})["features"]
        source = buzz(tone[:, 0], self._mix)
        spectrum = self._sound.run({"features": features, "source": source, "style": style})[
            "spectrum"
        ]
        sound = sounds(spectrum).cpu().numpy()
        pitch = tone[:, 0].cpu().numpy()
        for place, (line, frames, *_) in enumerate(batch):
            count = int(frames.sum())
            yield Said(line, sound[place, : count * FRAME], frames, pitch[place, : 2 * count])


def buzz(pitch: Tensor, mix: Tensor) -> Tensor:
    """Return the source (B, 22, 60 n + 1) for `pitch` (B, n); see `kokoro_source.source`."""
    count = pitch.shape[1]
    tone = pitch.double()
    voiced = (tone > 10.0).repeat_interleave(STEP, 1)
    harmonics = torch.arange(1, _HARMONICS + 1, device=pitch.device, dtype=torch.float64)
    turns = ((tone.unsqueeze(2) * harmonics / RATE) % 1.0).cumsum(1) * STEP
    place = (torch.arange(count * STEP, device=pitch.device).double() + 0.5) / STEP - 0.5
    place = place.clamp(0, count - 1)
    before = place.long().clamp(max=max(count - 2, 0))
    share = (place - before).view(1, -1, 1)
    after = (before + 1).clamp(max=count - 1)
    smooth = turns[:, before] * (1 - share) + turns[:, after] * share
    waves = torch.sin(2 * torch.pi * (smooth % 1.0)) * (0.1 * voiced).unsqueeze(2)
    sound = torch.tanh(waves @ mix[:_HARMONICS] + mix[-1])
    half = _WINDOW // 2
    padded = torch.nn.functional.pad(sound.unsqueeze(1), (half, half), mode="reflect")[:, 0]
    frames = padded.unfold(1, _WINDOW, _HOP) * _hann(pitch.device)
    bins = torch.fft.rfft(frames, dim=2).transpose(1, 2)
    phase = torch.atan2(bins.imag, bins.real)
    phase[:, [0, -1]] = phase[:, [0, -1]].abs()
    return torch.cat([bins.abs(), phase], 1).float()


def sounds(spectrum: Tensor) -> Tensor:
    """Return the samples (B, 5 (m − 1)) of `spectrum` (B, 22, m); see `kokoro_source.samples`."""
    magnitude, angle = spectrum[:, :_BINS].double().exp(), spectrum[:, _BINS:].double().sin()
    frames = torch.fft.irfft(torch.polar(magnitude, angle), _WINDOW, dim=1)
    window = _hann(spectrum.device)
    sound = _overlap(frames.transpose(1, 2) * window)
    weight = _overlap((window**2).expand(1, frames.shape[2], _WINDOW))
    half = _WINDOW // 2
    return (sound / weight.clamp(min=1e-9))[:, half:-half].float()


def _hann(device: torch.device) -> Tensor:
    turn = 2 * torch.pi * torch.arange(_WINDOW, device=device, dtype=torch.float64) / _WINDOW
    return 0.5 - 0.5 * torch.cos(turn)


def _overlap(frames: Tensor) -> Tensor:
    batch, count, _ = frames.shape
    parts = _WINDOW // _HOP
    total = frames.new_zeros(batch, count + parts - 1, _HOP)
    for part in range(parts):
        total[:, part : part + count] += frames[:, :, part * _HOP : (part + 1) * _HOP]
    return total.reshape(batch, -1)


def lesson(said: Said, level: float = -23.0) -> Lesson | None:
    """Return what a student learns from `said`, trimmed, at `level` dB; None where it is silent.

    Every token lasts a frame at least. Boundaries are those of the alignment with the sound.
    """
    start, end = sounding(said.sound, RATE)
    if end - start < 0.1:
        return None
    begin = max(0, int(start * RATE) // STEP - _LEAD)
    stop = min(-(-int(end * RATE) // STEP) + _TRAIL, len(said.sound) // STEP)
    spans = align(said.sound, RATE, _pieces(said), ACOUSTICS)[1:-1]
    bounds = [0, *(round(span.start * RATE / STEP) - begin for span in spans[1:]), stop - begin]
    if stop - begin < len(spans):
        return None
    for place in range(1, len(bounds)):
        bounds[place] = max(bounds[place], bounds[place - 1] + 1)
    bounds[-1] = stop - begin
    for place in range(len(bounds) - 2, 0, -1):
        bounds[place] = min(bounds[place], bounds[place + 1] - 1)
    frames = np.diff(bounds)
    sound = said.sound[begin * STEP : stop * STEP]
    power = sound.reshape(-1, STEP).astype(np.float64)
    power = (power**2).mean(axis=1)
    loud = power > power.max() * 1e-3
    gain = min(10 ** (level / 20) / np.sqrt(power[loud].mean()), 0.98 / np.abs(sound).max())
    decibels = 10 * np.log10(power * gain**2 + 1e-8)
    pitch = said.pitch[begin:stop]
    heard = pitch > 40.0
    starts = np.asarray(bounds[:-1])
    voiced = np.add.reduceat(heard.astype(np.float64), starts)
    tones = np.add.reduceat(np.where(heard, np.log(np.maximum(pitch, 40.0)), 0.0), starts)
    return Lesson(
        np.array(said.line.own),
        frames,
        np.where(voiced > 0, tones / np.maximum(voiced, 1), 0.0).astype(np.float32),
        (np.add.reduceat(decibels, starts) / frames).astype(np.float32),
        np.round(np.clip(sound * gain, -1, 1) * 32767).astype(np.int16),
    )


def _pieces(said: Said) -> list[Piece]:
    seconds = said.frames * (FRAME / RATE)
    found = [Piece("", float(seconds[0]))]
    place = 1
    for symbol, ids in zip(said.line.symbols, said.line.ids, strict=True):
        found.append(Piece(symbol, float(seconds[place : place + len(ids)].sum())))
        place += len(ids)
    return [*found, Piece("", float(seconds[-1]))]
