"""The values that pass between the rooms of `media`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Frame = NDArray[np.uint8]
"""One picture: (height, width, 3) uint8, RGB."""

FRAME_RATE = 25
"""Frames a second of every video."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono sound: `samples` (n,) float32 in [-1, 1] at `rate` Hz."""

    samples: FloatArray
    rate: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word, `start` and `end` in seconds, `confidence` in [0, 1]."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was recognised. `heard` is false for silence, music and noise; `text` is then empty."""

    text: str
    words: tuple[Word, ...] = ()
    heard: bool = True
    confidence: float = 1.0
    reason: str = ""
    """Why nothing was heard: `silence`, `noise` or `unclear`; empty where something was."""


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One sounded phoneme of a speech, `start` and `end` in seconds of its sound.

    `symbol` is IPA as in `media.speak.phonemes`; silence is never a phoneme: a pause is the gap
    between two of them. `word` is the written word that it belongs to.
    """

    symbol: str
    start: float
    end: float
    word: str


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sentence is said. 1.0 is the persona's own way; `slower` answers use rate 0.8."""

    rate: float = 1.0
    pitch: float = 1.0
    pause: float = 1.0
    gain: float = 1.0
    words: tuple[tuple[str, str], ...] = ()
    """An installation's own words in the sentence, each with how it is said."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Spoken `text`: its sound and when each phoneme sounds."""

    text: str
    audio: Audio
    phonemes: tuple[Phoneme, ...] = field(default=())
