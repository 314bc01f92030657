"""Training a JETS voice on recordings with ESPnet's own model and losses.

The run's folder holds what every training leaves (see `run`), and in `voice/` the voice itself as
ESPnet lays it out: name that folder in a persona and it speaks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from media.errors import MediaError
from media.networks.checkpoint import read_state
from media.networks.jets import Shape
from media.speak.jets_espnet import espnet_defaults, espnet_model
from media.speak.jets_model import model_files
from media.speech_file import write_wav
from media.train.lines import TOKENS
from media.train.run import Budget, Run, Tell, device_for, learning_rate
from media.train.voice_data import Corpus, Item, Manual, batch_of, prepare, token_ids
from media.types import Audio

SIZES = ("compact", "published", "tiny")
SAMPLES = ("안녕하세요, 실버라인 상담사입니다.", "신분증을 가지고 주민센터에 가시면 됩니다.")
_SAVE_EVERY, _NOTE_EVERY = 500, 50
_KEEP = 0.999
_BETAS = (0.8, 0.99)


@dataclass(frozen=True, slots=True)
class VoiceJob:
    """What to train: the corpus in `data`, into `out`; from the voice in `base` or from scratch in
    one of `SIZES`. `rate` is the highest learning rate."""

    data: Path
    out: Path
    base: Path | None = None
    size: str = "compact"
    device: str = "auto"
    steps: int = 100_000
    seconds: float = float("inf")
    batch: int = 16
    rate: float = 2e-4
    seed: int = 7


def train_voice(job: VoiceJob, tell: Tell) -> Path:
    """Train until the job's steps or seconds are used up; return the folder of the voice.

    A run that was stopped goes on from where it was. MediaError names what is missing.
    """
    device = device_for(job.device)
    torch.manual_seed(job.seed)
    run = Run(job.out, tell)
    config = _config(job)
    manual = _manual(config)
    corpus = prepare(job.data, manual, job.out / "features", tell)
    for reason in corpus.left_out:
        tell(f"left out {reason}")
    tell(
        f"{len(corpus.items)} recordings to learn from, {len(corpus.held)} held out, "
        f"{corpus.seconds / 3600:.2f} h"
    )
    trainer = _Trainer(job, config, corpus, device)
    step = trainer.begin(run)
    tell(f"{trainer.size:.1f} M parameters on {device}, from step {step}")
    budget = Budget(job.steps, job.seconds)
    with budget.interruptible():
        while not budget.over(step):
            losses = trainer.step(learning_rate(job.rate, budget.share(step)))
            step += 1
            if step % _NOTE_EVERY == 0 or step == 1:
                run.note(step, losses)
            if step % _SAVE_EVERY == 0:
                _leave(run, trainer, step, manual)
    _leave(run, trainer, step, manual)
    place = trainer.write_voice(job.out / "voice")
    run.card(
        kind="JETS voice",
        trained_on=str(job.data.resolve()),
        transcripts_sha256=corpus.digest,
        recordings=len(corpus.items),
        held_out=[item.name for item in corpus.held],
        hours=round(corpus.seconds / 3600, 3),
        left_out=list(corpus.left_out),
        began_from=str(job.base) if job.base else f"scratch, {job.size}",
        parameters_millions=round(trainer.size, 2),
        steps=step,
        held_out_mel=run.rows()[-1].get("held_out_mel"),
        reads=manual.reading,
        rate=manual.rate,
        seed=job.seed,
        rights="Use the voice only as the speaker of these recordings has agreed.",
    )
    return place


def _leave(run: Run, trainer: _Trainer, step: int, manual: Manual) -> None:
    """Save the run, measure it on what was held out, say the samples, draw the curves."""
    run.save(trainer.state(step))
    run.note(step, {"held_out_mel": trainer.held_out()})
    folder = run.folder / "samples"
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(SAMPLES, 1):
        sound = trainer.say(token_ids(text, manual))
        write_wav(Audio(sound, manual.rate), folder / f"{step:07}-{number}.wav")
    run.plot()


class _Trainer:
    """ESPnet's JETS with its optimisers and the average of its generator's weights."""

    def __init__(
        self, job: VoiceJob, config: dict[str, Any], corpus: Corpus, device: torch.device
    ) -> None:
        self._job, self._config, self._corpus, self._device = job, config, corpus, device
        self._statistics = corpus.statistics()
        self.jets: Any = espnet_model(config).tts.to(device)
        if job.base is not None:
            _start_from(self.jets, model_files(job.base)[1])
        self._optimisers = [
            torch.optim.AdamW(part.parameters(), job.rate, _BETAS)
            for part in (self.jets.generator, self.jets.discriminator)
        ]
        self._average = {k: v.detach().clone() for k, v in self._generator().items()}
        self._batches = _batches(corpus.items, job.batch, job.seed)

    @property
    def size(self) -> float:
        """Millions of parameters of the generator."""
        return float(sum(p.numel() for p in self.jets.generator.parameters()) / 1e6)

    def begin(self, run: Run) -> int:
        """Return the step that an earlier run in this folder came to, and go on from it."""
        state = run.restored(self._device)
        if state is None:
            return 0
        try:
            self.jets.load_state_dict(state["jets"])
            self._average = state["average"]
            for optimiser, kept in zip(self._optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
        except (KeyError, RuntimeError, ValueError) as error:
            raise MediaError(
                "bad_state",
                f"The run in {run.folder} is of another network: {error}.",
                "Give the same --size and --from as at first, or name another folder with --out.",
            ) from error
        return int(state["step"])

    def state(self, step: int) -> dict[str, Any]:
        """Return what `begin` goes on from."""
        return {
            "step": step,
            "jets": self.jets.state_dict(),
            "average": self._average,
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
        }

    def step(self, rate: float) -> dict[str, float]:
        """Train generator and discriminator on one batch; return ESPnet's losses."""
        self.jets.train()
        fields = batch_of(next(self._batches), self._statistics).to(self._device)
        found: dict[str, float] = {}
        for turn, optimiser in enumerate(self._optimisers):
            for group in optimiser.param_groups:
                group["lr"] = rate
            result = self.jets(**fields, forward_generator=turn == 0)
            self.jets.zero_grad(set_to_none=True)
            result["loss"].backward()
            optimiser.step()
            found |= {name: float(value) for name, value in result["stats"].items()}
        with torch.no_grad():
            for name, value in self._generator().items():
                if value.is_floating_point():
                    self._average[name].lerp_(value, 1 - _KEEP)
        return found

    def held_out(self) -> float:
        """Return the mean mel loss on the held-out recordings, a few at a time."""
        self.jets.eval()
        losses = []
        with torch.no_grad(), _seeded(self._job.seed):
            for start in range(0, len(self._corpus.held), 4):
                some = self._corpus.held[start : start + 4]
                fields = batch_of(some, self._statistics).to(self._device)
                stats = self.jets(**fields, forward_generator=True)["stats"]
                losses.append(float(stats["generator_g_mel_loss"]))
        return float(np.mean(losses))

    def say(self, tokens: list[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return the sound of `tokens` as the network says it now; silence where it is not able."""
        self.jets.eval()
        with torch.no_grad():
            found = self.jets.inference(torch.tensor(tokens, device=self._device))["wav"]
        sound: np.ndarray[Any, np.dtype[np.float32]] = found.float().cpu().numpy()
        return sound

    def write_voice(self, folder: Path) -> Path:
        """Write the averaged generator and its configuration into `folder`."""
        import yaml  # type: ignore[import-untyped]
        from safetensors.torch import save_file

        folder.mkdir(exist_ok=True)
        text = yaml.safe_dump(self._config, allow_unicode=True, sort_keys=False)
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        state = {
            f"tts.generator.{name}": value.detach().cpu().contiguous()
            for name, value in self._average.items()
        }
        save_file(state, folder / "model.safetensors")
        return folder

    def _generator(self) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.jets.generator.state_dict()
        return found


def _batches(items: tuple[Item, ...], size: int, seed: int) -> Iterator[list[Item]]:
    """Yield batches without end: recordings of like lengths together, in a new order each time."""
    chance = random.Random(seed)
    while True:
        order = sorted(items, key=lambda item: len(item.mel) * chance.uniform(0.9, 1.1))
        found = [order[start : start + size] for start in range(0, len(order), size)]
        chance.shuffle(found)
        yield from found


class _seeded:  # noqa: N801  used as a function
    """Within it torch draws the same numbers every time; afterwards as if nothing had been."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> None:
        self._before = torch.get_rng_state()
        torch.manual_seed(self._seed)

    def __exit__(self, *reason: object) -> None:
        torch.set_rng_state(self._before)


def _start_from(jets: nn.Module, checkpoint: Path) -> None:
    """Fill `jets` from `checkpoint`, which may lack the discriminator."""
    state = read_state(checkpoint)
    own = {k.removeprefix("tts."): v for k, v in state.items() if k.startswith("tts.")}
    try:
        missing, unknown = jets.load_state_dict(own, strict=False)
    except RuntimeError as error:
        missing, unknown = [f"generator ({error})"], []
    lacking = [name for name in missing if name.startswith("generator")]
    if lacking or unknown:
        raise MediaError(
            "bad_voice_model",
            f"{checkpoint.name} does not fit its config.yaml: {(lacking + unknown)[0]}.",
            "Name the folder of one trained model with --from.",
        )


def _config(job: VoiceJob) -> dict[str, Any]:
    """Return ESPnet's configuration: that of the base, or one of `SIZES`."""
    import yaml

    if job.base is not None:
        path = model_files(job.base)[0]
        found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    else:
        found = espnet_defaults()
        found |= {"tts": "jets", "tts_conf": _sizes(job.size), "token_list": list(TOKENS)}
        found |= {"g2p": None, "odim": 80}
    # Features are prepared here, so ESPnet need not extract or normalise any.
    return found | {"normalize": None, "pitch_normalize": None, "energy_normalize": None}


def _sizes(size: str) -> dict[str, Any]:
    """Return ESPnet's `tts_conf` for one of `SIZES`."""
    if size == "published":
        return {"sampling_rate": 22050}
    mel = {"fs": 24000, "n_fft": 1024, "hop_length": 300, "n_mels": 80, "fmin": 0, "log_base": None}
    if size == "compact":
        shape = Shape(len(TOKENS))
        return {
            "generator_params": shape.espnet(),
            "sampling_rate": 24000,
            "mel_loss_params": mel,
        }
    shape = Shape(
        len(TOKENS), adim=16, elayers=1, eunits=16, dlayers=1, dunits=16, predictor_channels=8,
        channels=32, resblock_kernels=(3,), resblock_dilations=(1,), segment=16,
    )  # fmt: skip
    scale = {"channels": 8, "max_downsample_channels": 16, "max_groups": 4}
    period = {"channels": 4, "max_downsample_channels": 8, "downsample_scales": [3, 3, 3, 3, 1]}
    return {
        "generator_params": shape.espnet(),
        "discriminator_params": {
            "scales": 1,
            "scale_discriminator_params": scale,
            "periods": [2],
            "period_discriminator_params": period,
        },
        "sampling_rate": 24000,
        "mel_loss_params": mel,
    }


def _manual(config: dict[str, Any]) -> Manual:
    params = config["tts_conf"].get("generator_params", {})
    scales = params.get("generator_upsample_scales", (8, 8, 2, 2))
    return Manual(
        tuple(config["token_list"]),
        str(config.get("g2p") or ""),
        int(config["tts_conf"].get("sampling_rate", 22050)),
        int(np.prod(scales)),
        int(params.get("segment_size", 64)),
    )
