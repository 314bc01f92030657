"""What is heard while somebody waits: a soft music box, a second a note."""

from __future__ import annotations

import numpy as np

from media.types import Audio

RATE = 24_000
SECONDS = 1.0
MELODY = (523.25, 659.25, 783.99, 659.25, 587.33, 698.46, 880.0, 783.99)
"""Hz; two bars that may begin again at any time."""
_LEVEL = 0.12
_OVERTONES = ((1, 1.0), (2, 0.35), (3, 0.12), (5, 0.04))


def note(place: int) -> Audio:
    """Return note `place` of the melody, which goes round for ever."""
    pitch = MELODY[place % len(MELODY)]
    t = np.arange(round(SECONDS * RATE)) / RATE
    wave = sum(
        share * np.sin(2 * np.pi * pitch * number * t) * np.exp(-t * (3.0 + number))
        for number, share in _OVERTONES
    )
    # A short rise and fall, so that no click is heard where two notes meet.
    edge = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.01)
    return Audio((_LEVEL * wave * edge).astype(np.float32), RATE)
