"""What a caller says into a stream, in frames, and what is measured at their ear."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from media.decode import decode
from media.hear.activity import LEAST_SPEECH, activity
from media.hear.stream import RATE as HEAR_RATE
from media.hear.stream import WINDOW_SECONDS
from media.speak.telephone import RATE, encode_mulaw, narrow
from media.speech_file import write_wav
from media.types import Audio, FloatArray

FRAME = 160
FRAME_SECONDS = FRAME / RATE
QUIET = bytes([0xFF]) * FRAME


@dataclass
class Measured:
    """Times of a stream, in seconds."""

    answers: list[float] = field(default_factory=list)
    """From the end of speech to the first sound of the answer."""
    firsts: list[float] = field(default_factory=list)
    """The same to the first sound whatever, be it only a filler."""
    stops: list[float] = field(default_factory=list)
    """From the beginning of speech over an answer to its silence."""
    missed: int = 0
    """Speech over an answer that had ended by itself before it was stopped."""
    gaps: list[float] = field(default_factory=list)
    """Silences within a piece, where a frame was late."""
    holes: list[float] = field(default_factory=list)
    """Silences between two pieces of one answer that were not sent as sound."""
    late: float = 0.0
    """The longest time between the arrival of two frames of a piece."""
    cpu: float = 0.0
    """What playing the caller took of the processor."""


@dataclass(frozen=True, slots=True)
class Words:
    """A caller's sound in frames, and where speech begins and ends in it (seconds)."""

    name: str
    frames: tuple[bytes, ...]
    begins: float
    ends: float


def words_of(path: Path) -> Words:
    """Return the recording at `path` as a telephone carries it."""
    audio = decode(path)
    found = activity(audio.samples).windows if audio.rate == HEAR_RATE else ()
    spoken = [n for n, voiced in enumerate(found) if voiced]
    long_enough = len(spoken) * WINDOW_SECONDS >= LEAST_SPEECH
    begins = spoken[0] * WINDOW_SECONDS if long_enough else 0.0
    ends = (spoken[-1] + 1) * WINDOW_SECONDS if long_enough else audio.seconds
    data = encode_mulaw(narrow(audio).samples)
    data += QUIET[: -len(data) % FRAME]
    frames = tuple(data[at : at + FRAME] for at in range(0, len(data), FRAME))
    return Words(path.name, frames, begins, ends)


def write_sound(samples: FloatArray, path: Path) -> Path:
    """Write 16 kHz `samples` as a recording for a caller; return its path."""
    write_wav(Audio(samples, HEAR_RATE), path)
    return path
