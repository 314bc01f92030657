"""What MakeItTalk's branches hear: windows of the content spectrogram, as it is or by AutoVC."""

from __future__ import annotations

import numpy as np

from media.types import FRAME_RATE, FloatArray

COLUMNS = 18
"""Columns of a window; there are 62.5 a second."""
BEFORE = 4
"""Columns of a window of ours before its frame; published checkpoints begin at the frame."""
_RATE = 62.5


def content_windows(content: FloatArray, frames: int, before: int = BEFORE) -> FloatArray:
    """Return (frames, 18, 80) of `content` (columns, 80): the window of each frame at 25 a second.

    It begins `before` columns before the frame; past both ends the outermost column is repeated.
    """
    starts = np.round(np.arange(frames) * _RATE / FRAME_RATE).astype(int) - before
    at = np.clip(starts[:, None] + np.arange(COLUMNS), 0, len(content) - 1)
    return np.asarray(content[at], np.float32)
