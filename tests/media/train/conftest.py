"""Talking clips made by arithmetic and the drawn counsellors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.face.counsellor import Counsellor
from media.video import encode
from tests.media.talkers import babble


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four short clips of two drawn faces, and one of no face."""
    folder = tmp_path_factory.mktemp("clips")
    for index, look in enumerate(("sunny", "haneul", "sunny", "haneul")):
        speech = babble(index)
        face = Counsellor(192, look)
        encode(face.speaking(speech, 0.1), speech.audio, folder / f"c{index}.mp4", size=face.size)
    grey = (np.full((192, 192, 3), 128, np.uint8) for _ in range(40))
    encode(grey, babble(9).audio, folder / "grey.mp4", size=(192, 192))
    return folder
