"""ESPnet's own JETS: importing it with what is at hand, and speaking with it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import sys
import types
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from media.errors import MediaError
from media.types import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

INSTALL = (
    "Run: pip install torch==2.13.0 setuptools==80.9.0 && pip install -r requirements-espnet.txt"
    " && pip install --no-deps espnet==202511 espnet_tts_frontend==0.0.4"
    " espnet-g2p-en==2.1.0.post1"
)
_IMPORTING = Lock()


class EspnetJets:
    """The generator that ESPnet builds from its configuration `table`, filled from `checkpoint`.

    ValueError, KeyError, RuntimeError and the like where they do not fit.
    """

    def __init__(self, table: Mapping[str, Any], checkpoint: Path, threads: int) -> None:
        from media.networks.checkpoint import read_state

        tts = espnet_model(table).tts
        prefix = "tts.generator."
        state = read_state(checkpoint)
        own = {key[len(prefix) :]: state[key] for key in state if key.startswith(prefix)}
        tts.generator.load_state_dict(own)
        self.generator = tts.generator.eval().requires_grad_(False)
        with contextlib.suppress(ValueError):
            # Raised where the model was built without weight norm.
            self.generator.generator.remove_weight_norm()
        self.generator.duration_predictor = _paced(self.generator.duration_predictor)
        self._threads = threads

    def prepare(self) -> None:
        """Nothing: torch takes every length alike."""

    def say(
        self, ids: Sequence[int], pace: float, raised: float = 0.0
    ) -> tuple[FloatArray, list[int]]:
        """Return the sound of the tokens `ids` and how many frames each lasts.

        `raised` has no effect: ESPnet's inference takes no pitch.
        """
        import torch

        given = torch.tensor([list(ids)])
        with torch.inference_mode(), _threads(self._threads):
            self.generator.duration_predictor.pace = pace
            wave, frames = self.generator.inference(given, torch.tensor([given.shape[1]]))
        return wave[0].numpy().astype(np.float32), [int(n) for n in frames[0]]


def _paced(predictor: Any) -> Any:
    """Return `predictor` with an attribute `pace`: 2.0 makes all durations half as long."""
    import torch

    class Paced(torch.nn.Module):
        """A duration predictor whose lengths can be scaled; every token keeps a frame."""

        pace: float = 1.0

        def inference(self, states: Tensor, masks: Tensor | None = None) -> Tensor:
            """Return durations (n, tokens) in frames."""
            frames = predictor.inference(states, masks)
            return torch.clamp(torch.round(frames / self.pace), min=1).long()

    return Paced()


class _threads:  # noqa: N801  used as a function
    """Bounds torch's threads inside; they are the process's, so they are given back."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> None:
        import torch

        self._before = torch.get_num_threads()
        torch.set_num_threads(self._count)

    def __exit__(self, *reason: object) -> None:
        import torch

        torch.set_num_threads(self._before)


def espnet_task() -> Any:
    """Return ESPnet's GAN-TTS task."""
    try:
        with _IMPORTING, _stand_in("torchaudio"), _without_downloads():
            return importlib.import_module("espnet2.tasks.gan_tts").GANTTSTask
    except ImportError as error:
        raise MediaError(
            "no_espnet", f"JETS needs {error.name}, which is not installed.", INSTALL
        ) from error


def espnet_defaults() -> dict[str, Any]:
    """Return the configuration of ESPnet's GAN-TTS task where nothing is set."""
    task = espnet_task()
    with _IMPORTING:
        # ESPnet would read the arguments of whichever command is running.
        own, sys.argv = sys.argv, sys.argv[:1]
        try:
            found: dict[str, Any] = task.get_default_config()
        finally:
            sys.argv = own
    return found


def espnet_model(config: Mapping[str, Any]) -> Any:
    """Return the model that ESPnet builds from `config`, which may leave out what is default."""
    return espnet_task().build_model(Namespace(**(espnet_defaults() | dict(config))))


@contextlib.contextmanager
def _without_downloads() -> Iterator[None]:
    """Keep ESPnet's English front end from fetching its dictionaries when it is imported."""
    nltk: Any = importlib.import_module("nltk")
    download = nltk.download
    nltk.download = lambda *given, **options: False
    try:
        yield
    finally:
        nltk.download = download


@contextlib.contextmanager
def _stand_in(name: str) -> Iterator[None]:
    """Let `import name` succeed inside where it is not installed or cannot be loaded.

    ESPnet imports torchaudio in a module that JETS never runs. Afterwards everybody else finds
    it as missing as before.
    """
    try:
        importlib.import_module(name)
    except (ImportError, OSError):
        _settle_transformers()
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module
        try:
            yield
        finally:
            sys.modules.pop(name, None)
    else:
        yield


def _settle_transformers() -> None:
    """Have transformers find out that torchaudio is missing; it asks once and remembers."""
    with contextlib.suppress(ImportError):
        importlib.import_module("transformers.utils").is_torchaudio_available()
