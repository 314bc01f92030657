"""The Wav2Lip generator on a device of torch: a GPU in half precision, where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from media.networks.checkpoint import read_network
from media.networks.runtime import SIDE
from media.networks.wav2lip import Generator
from media.types import FloatArray


def has_gpu() -> bool:
    """Say whether torch can compute on a GPU here."""
    return torch.cuda.is_available()


class TorchPainter:
    """Draws mouths as `media.networks.runtime.MouthPainter` does, on `device`.

    `half` computes in float16; `network` takes the place of the checkpoint's.
    """

    def __init__(
        self,
        checkpoint: Path | None,
        device: str = "cuda",
        half: bool = True,
        network: Generator | None = None,
        top: int = 0,
    ) -> None:
        self.top = top
        self._device = torch.device(device)
        self._type = torch.float16 if half else torch.float32
        if network is None:
            network = read_network(Generator, checkpoint) if checkpoint else Generator()
        self._network = network.eval().to(self._device, self._type)
        self._face: FloatArray | None = None
        self._encoded: list[torch.Tensor] = []

    def paint(self, windows: FloatArray, faces: FloatArray) -> FloatArray:
        """Return (n, 3, 96, 96) BGR in [0, 1] for windows (n, 80, 16) and faces (n, 6, 96, 96).

        One face may stand for all: it is then encoded once, and again when another one is given.
        """
        out = np.empty((len(windows), 3, SIDE, SIDE), np.float32)
        out[:, :, : self.top] = faces[:, 3:, : self.top]
        with torch.inference_mode():
            drawn = self._network.decode(
                self._given(windows[:, None]), self._encoding(faces), self.top
            )
            out[:, :, self.top :] = drawn.float().cpu().numpy()
        return out

    def _encoding(self, faces: FloatArray) -> list[torch.Tensor]:
        if len(faces) > 1:
            return self._network.encode_face(self._given(faces))
        if self._face is None or not np.array_equal(self._face, faces):
            self._encoded = self._network.encode_face(self._given(faces))
            self._face = faces.copy()
        return self._encoded

    def _given(self, values: FloatArray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device, self._type)
