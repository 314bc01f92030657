"""Fits `media/speak/korean.npz`: Kokoro's tokens and speakers for Korean, from what is understood.

A sentence of the articles is said through the whole network, heard by whisper-base, and what the
recogniser finds unlikely of the true text goes back as a gradient: into the difference of each
Korean token from the letter that it starts from, and of each speaker from a packaged style. Noise,
a telephone's band and a varying pace keep the sound from pleasing the recogniser alone; distances
from the start and from the model's own durations are minimised with it. Sentences that share two
fifths of their trigrams with a held-out one are left out, and the tuning half is not used, so both
halves of `voice_sentences.tsv` measure it. Needs torch and transformers (`pip install -e
'.[neural]'`); on an H200 the file in the repository took eight minutes.
"""

from __future__ import annotations

import argparse
import random
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor
from torch_graph import Graph, whisper

from media.speak import korean
from media.speak.bench import sentences
from media.speak.frontend import sentences as split
from media.speak.kokoro import sequences
from media.speak.kokoro_engine import packaged_styles
from media.speak.kokoro_graph import prepare
from media.speak.kokoro_source import RATE, source
from media.weights import WHISPER_BASE, assemble

ROOT = Path(__file__).resolve().parents[1]
SENTENCES = ROOT / "benchmarks" / "data" / "voice_sentences.tsv"
BEGIN, KOREAN, TRANSCRIBE, UNTIMED, FIRST_TIME, END = 50258, 50264, 50359, 50363, 50364, 50257
EMBEDDINGS = {
    "content": "/encoder/text_encoder/embedding/Gather_output_0",
    "prosody": "/encoder/bert/embeddings/word_embeddings/Gather_output_0",
}
EAR = 16_000
WORST = 6.0
"""Nats: a token that the recogniser finds less likely counts as this (another spelling, mostly)."""


@dataclass(frozen=True, slots=True)
class Item:
    """Token ids of a stretch, and the recogniser's tokens of its text."""

    ids: list[int]
    text: list[int]


def items(tokenizer: Any) -> list[Item]:
    """Return what is learnt from: the articles' sentences that are far from held-out ones."""
    held_out = [_trigrams(text) for text in sentences(SENTENCES, "held_out")]
    tuning = set(sentences(SENTENCES, "tuning"))
    texts: set[str] = set()
    for path in (ROOT / "config" / "knowledge").glob("*.toml"):
        for article in tomllib.loads(path.read_text(encoding="utf-8")).get("article", []):
            texts |= {*split(article["answer"]), *split(article["next_step"])}
            texts |= set(article["questions"][:2])
    found = []
    for text in sorted(texts - tuning):
        own = _trigrams(text)
        near = any(len(own & other) > 0.4 * min(len(own), len(other)) for other in held_out)
        stretches = sequences(text) if 6 <= len(text) <= 70 and not near else []
        if len(stretches) == 1:
            words = tokenizer.encode(" " + text, add_special_tokens=False).ids
            found.append(Item(stretches[0], words))
    return found


def _trigrams(text: str) -> set[str]:
    joined = "".join(text.split())
    return {joined[place : place + 3] for place in range(len(joined) - 2)}


class Ear:
    """24 kHz samples as whisper hears them: log mel, and a telephone's band before it."""

    def __init__(self, device: str) -> None:
        from transformers import WhisperFeatureExtractor

        mel = WhisperFeatureExtractor(feature_size=80).mel_filters
        self.mel = torch.from_numpy(np.asarray(mel, np.float32)).to(device)
        self.window = torch.hann_window(400, device=device)
        self.half = _low_pass(7600, 48_000, 97).to(device)
        band = _low_pass(3400, EAR, 257) - _low_pass(300, EAR, 257)
        self.band = band.to(device)

    def at_16k(self, samples: Tensor) -> Tensor:
        """Return 24 kHz `samples` at 16 kHz."""
        doubled = torch.stack([2 * samples, torch.zeros_like(samples)], -1).reshape(1, 1, -1)
        return F.conv1d(doubled, self.half, stride=3, padding=48)[0, 0]

    def telephone(self, samples: Tensor) -> Tensor:
        """Return `samples` at 16 kHz without what a telephone leaves out."""
        return F.conv1d(samples[None, None], self.band, padding=128)[0, 0]

    def log_mel(self, samples: Tensor) -> Tensor:
        """Return whisper's input (80, 3000)."""
        padded = F.pad(samples[: 30 * EAR], (0, max(0, 30 * EAR - len(samples))))
        short = torch.stft(padded, 400, 160, window=self.window, return_complex=True)[..., :-1]
        level = (self.mel.T @ (short.real**2 + short.imag**2)).clamp(min=1e-10).log10()
        return (torch.maximum(level, level.max().detach() - 8) + 4) / 4


def _low_pass(hertz: float, rate: int, length: int) -> Tensor:
    n = torch.arange(length, dtype=torch.float64) - length // 2
    wave = torch.sinc(2 * hertz / rate * n) * torch.hamming_window(
        length, False, dtype=torch.float64
    )
    return (wave / wave.sum()).float()[None, None]


class Fit:
    """The differences that are sought, and the networks that they go through."""

    def __init__(self, device: str, pull: float, styles_pull: float) -> None:
        files = prepare()
        self.device, self.pull, self.styles_pull = device, pull, styles_pull
        self.text, self.melody, self.shape, self.sound = (
            Graph(path, device) for path in (files.text, files.melody, files.shape, files.sound)
        )
        self.mix = np.load(files.source)
        folder = assemble("whisper-base", WHISPER_BASE)
        self.judge, self.ear = whisper(folder / "model.bin", device), Ear(device)
        known, packaged = korean.learnt(), packaged_styles()
        self.letters = torch.from_numpy(known.letters).to(device)
        every = torch.from_numpy(np.stack([table[20:120].mean(0) for table in packaged.values()]))
        self.style_unit = every.std(0).mean().to(device)
        self.styles = {
            part: torch.from_numpy(packaged[origin]).to(device)
            for origin, part in korean.SPEAKERS.values()
        }
        # The prepared text graph holds the published rows first, the Korean ones after them.
        tables = {
            node.output[0]: self.text.weights[node.input[0]]
            for node in self.text.nodes
            if node.output[0] in EMBEDDINGS.values()
        }
        self.published = {
            name: tables[tensor][: korean.PUBLISHED] for name, tensor in EMBEDDINGS.items()
        }
        self.units = {name: table[self.letters].std() for name, table in self.published.items()}
        self.moved = {
            name: torch.zeros(len(known.letters), table.shape[1], device=device).requires_grad_()
            for name, table in self.published.items()
        }
        self.speakers = {
            name: torch.zeros(256, device=device).requires_grad_() for name in self.styles
        }
        self.usual: dict[tuple[int, str], Tensor] = {}

    def read(self, item: Item, speaker: str, row: int, speed: float, moved: bool) -> dict[str, Any]:
        """Return what the text graph says, with the style used, `moved` or as published."""
        ids = torch.tensor([0, *item.ids, 0], device=self.device)
        own = (ids - korean.PUBLISHED).clamp(min=0)
        is_own = (ids >= korean.PUBLISHED)[:, None]
        base = torch.where(is_own[:, 0], self.letters[own], ids)
        feeds = {}
        for name, tensor in EMBEDDINGS.items():
            change = self.moved[name][own] * self.units[name] * is_own * moved
            feeds[tensor] = (self.published[name][base] + change)[None]
        style = self.styles[speaker][min(max(row, 1), 510) - 1]
        style = style + self.speakers[speaker] * self.style_unit * moved
        found = self.text(
            {
                **feeds,
                "tokens": base[None],
                "style": style[None],
                "speed": torch.tensor([speed], device=self.device),
            }
        )
        return {**found, "style": style[None]}

    def say(self, read: dict[str, Any]) -> Tensor:
        """Return 24 kHz samples."""
        frames = read["durations"].detach().reshape(-1).round().clamp(min=1).long()
        spread = read["prosody"].permute(0, 2, 1).repeat_interleave(frames, 2)
        melody = self.melody({"prosody_frames": spread, "style": read["style"]})
        buzz = source(melody["pitch"][0, 0].detach().cpu().numpy(), self.mix)
        features = self.shape(
            {
                "content_frames": read["content"].repeat_interleave(frames, 2),
                "pitch": melody["pitch"],
                "energy": melody["energy"],
                "style": read["style"],
            }
        )["features"]
        spectrum = self.sound(
            {
                "features": features,
                "source": torch.from_numpy(buzz)[None].to(self.device),
                "style": read["style"],
            }
        )["spectrum"][0]
        size, angle = spectrum[:11].clamp(max=12).exp(), spectrum[11:].sin()
        window = torch.hann_window(20, device=self.device)[:, None]
        waves = torch.complex(size * angle.cos(), size * angle.sin())
        waves = torch.fft.irfft(waves, 20, dim=0) * window

        def overlapped(columns: Tensor) -> Tensor:
            length = 5 * (columns.shape[1] - 1) + 20
            return F.fold(columns[None], (1, length), (1, 20), stride=(1, 5))[0, 0, 0]

        weight = overlapped((window**2).expand(20, waves.shape[1])).clamp(min=1e-9)
        return (overlapped(waves) / weight)[10:-10]

    def loss(self, item: Item, speaker: str) -> Tensor:
        """Return what the recogniser misses of one sentence, and the distances from the start."""
        speed = random.uniform(0.78, 0.92)
        read = self.read(item, speaker, len(item.ids) + random.randrange(-4, 5), speed, True)
        mel = self.ear.log_mel(self._in_the_world(self.say(read)))
        timed = random.random() < 0.5
        before = [BEGIN, KOREAN, TRANSCRIBE, FIRST_TIME if timed else UNTIMED]
        wanted = torch.tensor(item.text + ([] if timed else [END]), device=self.device)
        given = torch.tensor([before + item.text], device=self.device)
        likely = self.judge(input_features=mel[None], decoder_input_ids=given).logits[0, 3:]
        missed = F.cross_entropy(likely[: len(wanted)], wanted, reduction="none")
        key = (id(item), speaker)
        if key not in self.usual:
            with torch.no_grad():
                usual = self.read(item, speaker, len(item.ids), 1.0, False)["durations"]
                self.usual[key] = usual.clamp(min=0.5).log()
        longer = (read["durations"] * speed).clamp(min=0.5).log() - self.usual[key]
        distance = sum((change**2).mean() for change in self.moved.values())
        return (
            missed.clamp(max=WORST).mean()
            + self.pull * distance
            + self.styles_pull * (self.speakers[speaker] ** 2).mean()
            + (longer.reshape(-1)[1:-1] ** 2).mean()
        )

    def _in_the_world(self, samples: Tensor) -> Tensor:
        heard = self.ear.at_16k(samples)
        heard = heard / (heard.detach().std() + 1e-6) * 0.08
        if random.random() < 0.4:
            heard = self.ear.telephone(heard)
        if random.random() < 0.5:
            level = heard.detach().std() * 10 ** (-random.uniform(12, 35) / 20)
            heard = heard + torch.randn_like(heard) * level
        return F.pad(heard, (round(EAR * random.uniform(0.2, 0.9)), EAR // 2))

    def learn(self, found: Sequence[Item], seconds: float, batch: int, rate: float) -> None:
        """Go downhill for `seconds`; the second half with ever smaller steps."""
        changes = [*self.moved.values(), *self.speakers.values()]
        optimiser = torch.optim.Adam(changes, lr=rate, betas=(0.8, 0.98))
        began, step, recent = time.monotonic(), 0, []
        while (share := (time.monotonic() - began) / seconds) < 1:
            optimiser.param_groups[0]["lr"] = rate * min(1.0, max(0.05, 2 * (1 - share)))
            optimiser.zero_grad()
            for _ in range(batch):
                loss = self.loss(random.choice(found), random.choice(list(self.speakers)))
                loss.backward()
                recent.append(loss.item())
            torch.nn.utils.clip_grad_norm_(changes, 2.0)
            optimiser.step()
            step += 1
            if step % 10 == 0:
                print(f"{time.monotonic() - began:5.0f} s  step {step}: {np.mean(recent):.3f}")
                recent.clear()

    def write(self, path: Path) -> None:
        """Write what was found in the form that `media.speak.korean` reads."""
        known = korean.learnt()
        parts = {
            name: (change.detach() * self.units[name]).cpu().numpy().astype(np.float16)
            for name, change in self.moved.items()
        }
        speakers = {
            name: (change.detach() * self.style_unit).cpu().numpy()
            for name, change in self.speakers.items()
        }
        np.savez_compressed(
            path, names=np.array(known.names), letters=known.letters, **parts, **speakers
        )


def main() -> None:
    """Fit and write the file."""
    from tokenizers import Tokenizer

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("korean.npz"))
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=0.03)
    parser.add_argument("--pull", type=float, default=0.1)
    parser.add_argument("--styles-pull", type=float, default=0.02)
    given = parser.parse_args()
    random.seed(5)
    torch.manual_seed(5)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = assemble("whisper-base", WHISPER_BASE)
    found = items(Tokenizer.from_file(str(folder / "tokenizer.json")))
    print(f"{len(found)} sentences at {RATE} Hz on {device}")
    fit = Fit(device, given.pull, given.styles_pull)
    fit.learn(found, given.seconds, given.batch, given.rate)
    fit.write(given.out)


if __name__ == "__main__":
    main()
