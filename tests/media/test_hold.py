"""The sound of waiting: soft, without clicks, through a telephone too."""

from __future__ import annotations

import numpy as np

from media.hold import MELODY, SECONDS, note
from media.speak.telephone import telephone


def test_notes_are_soft_and_meet_without_a_click() -> None:
    for place in range(len(MELODY)):
        sound = note(place)
        assert sound.seconds == SECONDS
        assert 0.05 < np.abs(sound.samples).max() < 0.2
        assert np.abs(sound.samples[[0, -1]]).max() < 1e-3
        heard = telephone(sound)
        assert np.abs(heard.samples).max() > 0.03
    assert np.array_equal(note(3).samples, note(3 + len(MELODY)).samples)
