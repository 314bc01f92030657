"""The Wav2Lip generator in an optimised runtime: OpenVINO, int8 or bf16 where the CPU has it.

Converting the network takes far longer than reading it, so a checkpoint's converted form is kept
in the model cache, by the checkpoint's SHA-256 and OpenVINO's version, and in int8 by the examples
that its ranges were taken from, too.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from media.networks.checkpoint import read_network
from media.networks.equalise import equalised
from media.networks.quantise import can_quantise, is_quantised, quantised
from media.networks.wav2lip import Generator
from media.openvino_core import core
from media.types import FloatArray
from media.weights import cache_folder, digest_of

BATCH = 16
SIDE = 96
Part = Literal["draw", "encode", "decode"]
Compiled = Callable[..., list[FloatArray]]
_REVISION = 3
"""Of the conversion; a new one does not take what an older one kept."""


class MouthPainter:
    """Draws mouths for mel windows; the network is converted when a checkpoint is first used.

    Rows of the picture above `top` are not drawn but taken from the reference picture. `precision`
    is `int8` (bf16 where the CPU is not good at it, where the picture would be too far off, or
    without `examples`), `bf16` (the CPU's own half precision, where it has one), or `f32`.
    `network` takes the place of a checkpoint's where a caller has it already. `batch` is how many
    pictures the compiled networks draw at a time: few where the first one is waited for. `examples`
    gives windows (m, 80, 16) and faces (n, 6, 96, 96) of the kind that will be drawn, from which
    int8 takes its ranges.
    """

    def __init__(
        self,
        checkpoint: Path | None,
        threads: int = 2,
        precision: str = "bf16",
        network: Generator | None = None,
        top: int = 0,
        batch: int = BATCH,
        examples: Callable[[], tuple[FloatArray, FloatArray]] | None = None,
    ) -> None:
        self._examples = examples
        self.checkpoint = checkpoint
        self.batch = batch
        self.threads = threads
        self.precision = precision
        self.top = top
        self._given = network
        self._face: FloatArray | None = None
        self._encoded: list[FloatArray] = []

    def paint(self, windows: FloatArray, faces: FloatArray) -> FloatArray:
        """Return (n, 3, 96, 96) BGR in [0, 1] for windows (n, 80, 16) and faces (n, 6, 96, 96).

        One face may stand for all: it is then encoded once, and again only when another one is
        given. Works through the windows `batch` at a time; a last short one is filled up, so that
        the compiled networks meet one shape only.
        """
        out = np.empty((len(windows), 3, SIDE, SIDE), np.float32)
        out[:, :, : self.top] = faces[:, 3:, : self.top]
        for start in range(0, len(windows), self.batch):
            audio = windows[start : start + self.batch, None]
            count = len(audio)
            if len(faces) == 1:
                drawn = self._decode(self._filled(audio), *self._encoding(faces))[0]
            else:
                face = faces[start : start + self.batch]
                drawn = self._draw(self._filled(audio), self._filled(face))[0]
            out[start : start + count, :, self.top :] = drawn[:count]
        return out

    def _encoding(self, face: FloatArray) -> list[FloatArray]:
        """Return what the face encoder says of `face` (1, 6, 96, 96)."""
        if self._face is None or not np.array_equal(self._face, face):
            self._encoded = self._encode(face)
            self._face = face.copy()
        return self._encoded

    @cached_property
    def network(self) -> Generator:
        """The torch network with its weights, in evaluation mode."""
        if self._given is not None:
            return self._given.eval()
        if self.checkpoint is None:
            return Generator().eval()
        return read_network(Generator, self.checkpoint).eval()

    @cached_property
    def _draw(self) -> Compiled:
        return self._compiled("draw")

    @cached_property
    def _encode(self) -> Compiled:
        return self._compiled("encode")

    @cached_property
    def _decode(self) -> Compiled:
        return self._compiled("decode")

    def _compiled(self, part: Part) -> Compiled:
        model = self._model(part)
        # Without native bf16 the hint is ignored and the CPU computes in float32.
        has_bf16 = "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        # What int8 leaves as it is must be exact, or both would round; a face is encoded once.
        exact = is_quantised(model) or (part == "encode" and self._shown is not None)
        halved = self.precision != "f32" and not exact
        precision = "bf16" if halved and has_bf16 else "f32"
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": min(self.threads, os.cpu_count() or 1),
        }
        compiled = core().compile_model(model, "CPU", options)

        def run(*inputs: FloatArray) -> list[FloatArray]:
            return [value.copy() for value in compiled(inputs).values()]

        return run

    def _model(self, part: Part) -> Any:
        """Return a part of the network in OpenVINO's form, from the cache where it is there."""
        import openvino

        if self.checkpoint is None or self._given is not None or not self.checkpoint.is_file():
            return self._made(part)
        version = openvino.__version__.split("-")[0]
        key = f"{digest_of(self.checkpoint)[:20]}-{version}-{_REVISION}-{part}-{self.top}"
        if self.batch != BATCH:
            key += f"-{self.batch}"
        if self._shown is not None:
            mark = sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in self._shown))
            key += f"-int8-{mark.hexdigest()[:16]}"
        kept = cache_folder() / "wav2lip" / key
        if kept.is_dir():
            try:
                return core().read_model(kept / "model.xml")
            except RuntimeError:
                # A file that was cut short: converted anew below.
                shutil.rmtree(kept, ignore_errors=True)
        model = self._made(part)
        _keep(model, kept)
        return model

    def _made(self, part: Part) -> Any:
        model = self._converted(part)
        if self._shown is None or part == "encode":
            return model
        return quantised(model, self._batches(part)) or model

    @cached_property
    def _shown(self) -> tuple[FloatArray, FloatArray] | None:
        """The examples' windows and faces; None where nothing is to be in int8."""
        if self.precision != "int8" or self._examples is None or not can_quantise():
            return None
        found = self._examples()
        return found if len(found[0]) >= self.batch else None

    def _batches(self, part: Literal["draw", "decode"]) -> list[list[FloatArray]]:
        """Return what `part` is given in some batches of the examples."""
        assert self._shown is not None
        windows, faces = self._shown
        found = []
        for start in range(0, len(windows) - self.batch + 1, self.batch):
            chosen = np.arange(start, start + self.batch)
            beside = (
                self._encoding(faces[start // self.batch % len(faces)][None])
                if part == "decode"
                else [faces[chosen % len(faces)]]
            )
            found.append([windows[chosen, None], *beside])
        return found

    @cached_property
    def _converting(self) -> Generator:
        """The network that is converted: for int8 its channels are brought nearer to one range."""
        if self._shown is None:
            return self.network
        some = self._batches("draw")[:: max(1, len(self._shown[0]) // self.batch // 4)]
        return equalised(self.network, [(windows, faces) for windows, faces in some])

    def _converted(self, part: Part) -> Any:
        import openvino

        audio = torch.zeros(self.batch, 1, 80, 16)
        faces = torch.zeros(1 if part == "encode" else self.batch, 6, SIDE, SIDE)
        with torch.inference_mode():
            encoded = self._converting.encode_face(faces[:1])
        given: dict[Part, tuple[torch.Tensor, ...]] = {
            "draw": (audio, faces),
            "encode": (faces,),
            "decode": (audio, *encoded),
        }
        inputs = given[part]
        with torch.inference_mode():
            return openvino.convert_model(
                _Part(self._converting, part, self.top),
                example_input=inputs,
                input=[value.shape for value in inputs],
            )

    def _filled(self, values: FloatArray) -> FloatArray:
        """Return `values` with the last one repeated up to a whole batch."""
        missing = self.batch - len(values)
        if not missing:
            return values
        return np.concatenate((values, np.repeat(values[-1:], missing, axis=0)))


class _Part(torch.nn.Module):
    """One of the three parts of a generator that are converted."""

    def __init__(self, network: Generator, part: Part, top: int) -> None:
        super().__init__()
        self.network = network
        self.part = part
        self.top = top

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Encode a face, decode windows beside an encoded face, or do both."""
        if self.part == "encode":
            return tuple(self.network.encode_face(inputs[0]))
        audio, *rest = inputs
        encoded = self.network.encode_face(rest[0]) if self.part == "draw" else rest
        return self.network.decode(audio, encoded, self.top)


def _keep(model: Any, kept: Path) -> None:
    """Write `model` into the folder `kept`, all or nothing; a cache that is full keeps nothing."""
    import openvino

    unfinished = None
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".", dir=kept.parent))
        openvino.save_model(model, unfinished / "model.xml", compress_to_fp16=False)
        unfinished.replace(kept)
    except (OSError, RuntimeError):
        # Another process was first, or there is no room: the model in hand serves all the same.
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
