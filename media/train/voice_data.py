"""Recordings and what is said in them, made ready for training a JETS voice.

A corpus is a folder with `transcripts.txt`, a line `00000.wav|문장` for each recording. Features
are ESPnet's; they are computed once and kept beside the run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor

from media.errors import MediaError
from media.speak.frontend import units
from media.speak.jets_tokens import Reading, reading_of, tokens_of
from media.speak.timings import sounding
from media.train.run import Tell
from media.types import FloatArray

LINES = "transcripts.txt"
SHORTEST, LONGEST = 0.4, 20.0
"""Seconds of a recording that can be learnt from."""
FEWEST = 3
_AROUND = 0.05
"""Seconds of silence kept before and after the speech."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file and the sentence said in it."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Manual:
    """How a network reads and hears: its `tokens` in the order of their ids, ESPnet's `g2p` name,
    `rate` in Hz, `hop` samples a frame, `segment` frames made at a time in training, `window`
    samples of the spectrum, `mels` bands."""

    tokens: tuple[str, ...]
    g2p: str
    rate: int
    hop: int
    segment: int
    window: int = 1024
    mels: int = 80

    @property
    def reading(self) -> Reading:
        """What the tokens stand for."""
        return reading_of(self.tokens, self.g2p)


@dataclass(frozen=True, slots=True)
class Item:
    """One recording in tensors: `tokens` (N,), `sound` (T × hop,), and for each of T frames its
    `mel` (T, mels), log `pitch` (T,) and `energy` (T,), not yet normalised."""

    name: str
    text: str
    tokens: Tensor
    sound: Tensor
    mel: Tensor
    pitch: Tensor
    energy: Tensor


@dataclass(frozen=True, slots=True)
class Corpus:
    """The prepared recordings, those of them `held` out, and why others were left out."""

    items: tuple[Item, ...]
    held: tuple[Item, ...]
    left_out: tuple[str, ...]
    seconds: float
    digest: str

    def statistics(self) -> dict[str, list[Any]]:
        """Return mean and deviation of mel (by band), pitch and energy over the items."""
        found = {}
        for name in ("mel", "pitch", "energy"):
            values = torch.cat([getattr(item, name) for item in self.items]).double()
            spread = values.std(0).clamp(min=1e-4)
            found[name] = [values.mean(0).tolist(), spread.tolist()]
        return found


def read_lines(folder: Path) -> list[Recording]:
    """Return the recordings that `transcripts.txt` in `folder` names.

    Blank lines and those that begin with # are passed over. MediaError `no_transcripts` where the
    file is missing, `bad_transcripts` where a line has no `|` or names no file.
    """
    path = folder / LINES
    if not path.is_file():
        raise MediaError(
            "no_transcripts",
            f"{folder} has no {LINES}.",
            "Write one line for each recording: 00000.wav|문장",
        )
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, mark, text = line.partition("|")
        recording = folder / name.strip()
        if not mark or not text.strip() or not recording.is_file():
            raise MediaError(
                "bad_transcripts",
                f"{LINES}, line {number}: "
                + ("there is no file " + name.strip() if mark else "there is no | in it") + ".",
                "Each line is a file's name in the same folder, |, and what is said in it.",
            )  # fmt: skip
        found.append(Recording(recording, text.strip()))
    return found


def prepare(folder: Path, manual: Manual, cache: Path, tell: Tell) -> Corpus:
    """Return the corpus in `folder` in the terms of `manual`; features are kept in `cache`.

    Recordings that cannot be used are left out, each with its reason. A twentieth of the rest is
    held out, at least one. MediaError `no_recordings` where fewer than `FEWEST` are left.
    """
    cache.mkdir(parents=True, exist_ok=True)
    lines = read_lines(folder)
    extractors = _Extractors(manual)
    items, left_out = [], []
    for number, line in enumerate(lines, 1):
        try:
            items.append(_item(line, manual, extractors, cache))
        except MediaError as error:
            left_out.append(f"{line.path.name}: {error.cause}")
        if number % 200 == 0:
            tell(f"prepared {number} of {len(lines)} recordings")
    if len(items) < FEWEST:
        raise MediaError(
            "no_recordings",
            f"Of {len(lines)} recordings {len(items)} can be used. " + " ".join(left_out[:3]),
            f"Give at least {FEWEST}; for a voice that people understand, several hours.",
        )
    apart = max(1, len(items) // 20)
    step = len(items) // apart
    held = [item for place, item in enumerate(items) if place % step == 0][:apart]
    names = {item.name for item in held}
    text = "\n".join(f"{line.path.name}|{line.text}" for line in lines)
    return Corpus(
        tuple(item for item in items if item.name not in names),
        tuple(held),
        tuple(left_out),
        sum(len(item.sound) for item in items) / manual.rate,
        hashlib.sha256(text.encode()).hexdigest(),
    )


def token_ids(text: str, manual: Manual) -> list[int]:
    """Return the ids of what is read in `text`. MediaError where nothing can be."""
    number = {token: index for index, token in enumerate(manual.tokens)}
    found = tokens_of(units(text), manual.reading, frozenset(manual.tokens))
    return [number[token.text] for token in found]


def _item(line: Recording, manual: Manual, extractors: _Extractors, cache: Path) -> Item:
    tokens = token_ids(line.text, manual)
    key = f"{line.path.resolve()} {line.path.stat().st_mtime_ns} {manual.rate} {manual.hop}"
    kept = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    if not kept.is_file():
        sound = _sound(line.path, manual.rate)
        features = extractors.of(sound)
        unfinished = kept.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **features)
        unfinished.replace(kept)
    with np.load(kept) as table:
        parts = {
            name: torch.from_numpy(table[name]) for name in ("sound", "mel", "pitch", "energy")
        }
    if len(parts["mel"]) < max(len(tokens), manual.segment):
        raise MediaError(
            "too_short",
            f"It has {len(parts['mel'])} frames for {len(tokens)} sounds; "
            f"{manual.segment} frames and one a sound are needed.",
            "Check that the sentence belongs to it.",
        )
    return Item(line.path.name, line.text, torch.tensor(tokens), **parts)


def _sound(path: Path, rate: int) -> FloatArray:
    """Return the speech in the file at `path` at `rate`, silence around it cut off."""
    import soundfile

    try:
        samples, given = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise MediaError(
            "not_sound", f"It cannot be read: {error}.", "Convert it to WAV."
        ) from error
    mono = samples.mean(axis=1)
    if given != rate:
        common = np.gcd(given, rate)
        mono = resample_poly(mono, rate // common, given // common).astype(np.float32)
    start, end = sounding(mono, rate)
    if not SHORTEST <= end - start <= LONGEST:
        raise MediaError(
            "bad_length",
            f"{end - start:.1f} s of speech; {SHORTEST} to {LONGEST:g} s are learnt from.",
            "Cut it at a pause and write a line for each part.",
        )
    cut = mono[max(0, int((start - _AROUND) * rate)) : int((end + _AROUND) * rate)]
    return np.asarray(cut / max(1.0, float(np.abs(cut).max()) / 0.98), np.float32)


class _Extractors:
    """ESPnet's features, a value for each frame."""

    def __init__(self, manual: Manual) -> None:
        from espnet2.tts.feats_extract.dio import Dio
        from espnet2.tts.feats_extract.energy import Energy
        from espnet2.tts.feats_extract.log_mel_fbank import LogMelFbank

        common = {"fs": manual.rate, "n_fft": manual.window, "hop_length": manual.hop}
        self._hop = manual.hop
        self._mel = LogMelFbank(**common, n_mels=manual.mels, fmin=80, fmax=7600)
        self._pitch = Dio(**common, use_token_averaged_f0=False)
        self._energy = Energy(**common, use_token_averaged_energy=False)

    @torch.no_grad()
    def of(self, samples: FloatArray) -> dict[str, FloatArray]:
        """Return the sound, whole frames of it, and the features of each frame."""
        count = len(samples) // self._hop
        sound = torch.from_numpy(samples[: count * self._hop]).unsqueeze(0)
        lengths, frames = torch.tensor([sound.shape[1]]), torch.tensor([count])
        mel = self._mel(sound, lengths)[0][0, :count]
        pitch = self._pitch(sound, lengths, frames)[0][0, :, 0]
        energy = self._energy(sound, lengths, frames)[0][0, :, 0]
        found = {"sound": sound[0], "mel": mel, "pitch": pitch, "energy": energy}
        return {name: value.numpy().astype(np.float32) for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class Padded:
    """A batch in ESPnet's terms, ready to be passed to its JETS."""

    fields: dict[str, Tensor]

    def to(self, device: torch.device) -> dict[str, Tensor]:
        """Return the fields on `device`."""
        return {name: value.to(device) for name, value in self.fields.items()}


def batch_of(items: Sequence[Item], statistics: dict[str, list[Any]]) -> Padded:
    """Return `items` padded to one length, their features normalised by `statistics`."""
    columns = {
        "text": [item.tokens for item in items],
        "speech": [item.sound for item in items],
        "feats": [_normal(item.mel, statistics["mel"]) for item in items],
        "pitch": [_normal(item.pitch, statistics["pitch"]).unsqueeze(1) for item in items],
        "energy": [_normal(item.energy, statistics["energy"]).unsqueeze(1) for item in items],
    }
    fields = {}
    for name, values in columns.items():
        fields[name] = torch.nn.utils.rnn.pad_sequence(values, batch_first=True)
        fields[f"{name}_lengths"] = torch.tensor([len(value) for value in values])
    return Padded(fields)


def _normal(values: Tensor, scale: list[Any]) -> Tensor:
    mean, spread = (torch.tensor(part, dtype=torch.float32) for part in scale)
    return (values - mean) / spread
