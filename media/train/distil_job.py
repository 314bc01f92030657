"""Distilling a voice as a training run: speech on one side, the student on the other.

The run's folder holds what every training leaves (see `run`), and in `voice/` the voice as ESPnet
lays it out, in half precision. Speech may still be arriving while the student learns.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from media.errors import MediaError
from media.networks.jets import Shape
from media.speak.kokoro_source import RATE
from media.speech_file import write_wav
from media.train.discriminators import Discriminators
from media.train.distil import PREFIX, Distiller
from media.train.lessons import Feeder, Shelf
from media.train.run import Budget, Run, Tell, device_for
from media.types import Audio

SHAPES = {
    "compact": Shape(0, dropout=0.05),
    "tiny": Shape(
        0, adim=32, elayers=1, dlayers=1, eunits=32, dunits=32, predictor_channels=16,
        channels=32, resblock_kernels=(3,), resblock_dilations=(1,), segment=16,
    ),
}  # fmt: skip
"""The networks that can be distilled into, by name; 11.7 M parameters, and enough to try."""
_JUDGES = {"compact": 32, "tiny": 4}
"""Channels of the judges of each."""
_ALONE = 0.25
"""Share of the budget before the judges join: until then the sound is too unlike."""
_WARM = 300
_LONGEST, _TOKENS = 1040, 160
"""Frames and tokens of a sentence, at most."""
_SAVE_EVERY, _FEED_EVERY, _NOTE_EVERY = 75.0, 8.0, 100
_PATIENCE = 300.0
"""Seconds to wait for the first speech."""
_SAMPLES = 12


@dataclass(frozen=True, slots=True)
class DistilJob:
    """What to distil: from the `speech` that `lessons.generate` writes, into `out`.

    `tokens` are the student's, in the order of their ids. `rows` sentences are held on the device
    at most, `held` of them for checking. `graphs` captures a step as a CUDA graph. `first` shards
    are waited for.
    """

    speech: Path
    out: Path
    tokens: tuple[str, ...]
    size: str = "compact"
    device: str = "auto"
    steps: int = 20_000
    seconds: float = math.inf
    batch: int = 32
    rows: int = 12_000
    held: int = 48
    first: int = 2
    graphs: bool = True
    seed: int = 7


def distil(job: DistilJob, tell: Tell) -> Path:
    """Train until the job's steps or seconds are used up; return the folder of the voice.

    A run that was stopped goes on from where it was. MediaError `no_speech` where there is
    nothing to learn from.
    """
    device = device_for(job.device)
    torch.manual_seed(job.seed)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    budget, run = Budget(job.steps, job.seconds), Run(job.out, tell)
    shape = replace(SHAPES[job.size], tokens=len(job.tokens))
    gap = (shape.segment + 1) * shape.hop
    samples = job.rows * (round(8 * RATE) + gap)
    shelf = Shelf(job.rows, _TOKENS, samples, gap, job.held, str(device))
    with budget.interruptible():
        feeder = _fed(job, shelf, budget)
        tell(f"{shelf.seconds / 60:.0f} min of speech after {budget.spent:.0f} s")
        judges = Discriminators(channels=_JUDGES[job.size])
        distiller = Distiller(shape, shelf, job.batch, _LONGEST, str(device), judges)
        state = run.restored(device)
        step = distiller.load(state) if state else 0
        tell(f"{distiller.size:.1f} M parameters on {device}, from step {step}")
        graphs = job.graphs and device.type == "cuda"
        step = _learn(job, run, distiller, feeder, budget, step, graphs)
    return _finish(job, run, distiller, feeder, step, budget.spent)


def _fed(job: DistilJob, shelf: Shelf, budget: Budget) -> Feeder:
    """Return the feeder, with the first speech on the shelf."""
    feeder = Feeder(shelf, job.speech, _LONGEST)
    while len(feeder.waiting()) < job.first and not feeder.done:
        if budget.over(0) or budget.spent > _PATIENCE:
            break
        time.sleep(0.5)
    if feeder.feed() <= job.held:
        raise MediaError(
            "no_speech",
            f"{job.speech} holds {shelf.rows} sentences; more than {job.held} are needed.",
            "Give more texts, or look at what the teacher's process printed.",
        )
    return feeder


def _learn(
    job: DistilJob,
    run: Run,
    distiller: Distiller,
    feeder: Feeder,
    budget: Budget,
    step: int,
    graphs: bool,
) -> int:
    """Train until the budget is used up; return the step that was reached."""
    captured: set[bool] = set()
    good = distiller.snapshot()
    saved = fed = budget.spent
    while not budget.over(step):
        share = budget.share(step)
        judged = share >= _ALONE
        if graphs and judged not in captured:
            distiller.capture(judged)
            captured.add(judged)
        rate = min(1.0, (step + 1) / _WARM) * (0.75 if judged else 1.0)
        distiller.pace(rate * (0.04 + 0.96 * math.cos(share * math.pi / 2)), step)
        distiller.step(judged)
        step += 1
        if step % 20 == 0:
            losses = distiller.measured(judged)
            if not all(map(math.isfinite, losses.values())):
                run.tell(f"step {step} went astray: back to the weights before it")
                if good:
                    distiller.restore(good)
            elif step % _NOTE_EVERY == 0:
                run.note(step, losses | {"seconds": budget.spent})
                good = distiller.snapshot() or good
        if budget.spent - fed > _FEED_EVERY:
            feeder.feed()
            fed = budget.spent
        if budget.spent - saved > _SAVE_EVERY:
            run.save(distiller.state(step))
            _write_voice(run.folder / "voice", distiller, job.tokens, feeder.pitch_deviation)
            saved = budget.spent
    return step


def _finish(
    job: DistilJob, run: Run, distiller: Distiller, feeder: Feeder, step: int, seconds: float
) -> Path:
    """Leave state, voice, measurements, samples, curves and card."""
    run.save(distiller.state(step))
    place = _write_voice(run.folder / "voice", distiller, job.tokens, feeder.pitch_deviation)
    torch.backends.cudnn.benchmark = False
    measured = distiller.check(job.held)
    run.note(step, measured)
    sounds, off = [], []
    for teacher, student, apart in _samples(distiller, min(_SAMPLES, job.held)):
        sounds += [teacher, np.zeros(RATE // 3), student, np.zeros(RATE // 2)]
        off.append(apart)
    folder = run.folder / "samples"
    folder.mkdir(exist_ok=True)
    whole = np.concatenate(sounds).astype(np.float32)
    write_wav(Audio(whole, RATE), folder / "teacher-student.wav")
    run.plot()
    shelf = distiller.shelf
    run.card(
        kind="JETS voice, distilled",
        teacher="Kokoro-82M (Apache-2.0), as media.speak.kokoro speaks with it",
        trained_on="speech that the teacher made; no recording of a person",
        hours=round(shelf.seconds / 3600, 3),
        sentences=shelf.rows,
        held_out_sentences=job.held,
        parameters_millions=round(distiller.size, 2),
        steps=step,
        seconds=round(seconds, 1),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        held_out=measured | {"frames_apart": round(float(np.mean(off)), 3)},
        rate=RATE,
        seed=job.seed,
    )
    return place


def _write_voice(
    folder: Path, distiller: Distiller, tokens: tuple[str, ...], pitch_deviation: float
) -> Path:
    """Write the averaged generator in half precision, and its configuration."""
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    state = {
        PREFIX + name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in distiller.average.state_dict().items()
    }
    unfinished = folder / "model.part"
    save_file(state, unfinished)
    unfinished.replace(folder / "model.safetensors")
    # JSON is YAML, and needs no library where there is little more than torch.
    text = json.dumps(
        espnet_config(distiller.shape, tokens, pitch_deviation), ensure_ascii=False, indent=1
    )
    (folder / "config.yaml").write_text(text + "\n", encoding="utf-8")
    return folder


def espnet_config(
    shape: Shape, tokens: tuple[str, ...], pitch_deviation: float = 0.0
) -> dict[str, Any]:
    """Return ESPnet's configuration of a voice of this `shape` that reads `tokens`.

    `pitch_deviation`, which is ours, is the log frequency that one unit of pitch stands for.
    """
    mel = {"fs": RATE, "n_fft": 1024, "hop_length": shape.hop, "n_mels": shape.mels}
    return {
        "tts": "jets",
        "tts_conf": {
            "generator_params": shape.espnet(),
            "sampling_rate": RATE,
            "mel_loss_params": {**mel, "fmin": 0, "log_base": None},
        },
        "token_list": list(tokens),
        "g2p": None,
        "odim": shape.mels,
        "pitch_deviation": round(pitch_deviation, 4),
    }


def _samples(
    distiller: Distiller, count: int
) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]]:
    """Yield held-out sentences: the teacher's sound, the student's, and their lengths apart.

    The last is the mean of |frames said − taught| a token.
    """
    shelf, voice = distiller.shelf, distiller.average
    for row in range(count):
        tokens = int((shelf.tokens[row] > 0).sum())
        taught = shelf.frames[row, :tokens]
        begin = int(shelf.offsets[row])
        end = begin + int(taught.sum()) * voice.shape.hop
        said, frames = voice.inference(shelf.tokens[row : row + 1, :tokens].long())
        apart = float((frames[0] - taught).abs().float().mean())
        teacher = shelf.sound[begin:end].float() / 32768
        yield teacher.cpu().numpy(), said[0].float().cpu().numpy(), apart
