"""A face for a live call: a frame for any moment, of speech that arrives while it runs.

The moments are seconds of the call's own clock, which is the sound that has been sent: a clause
is told with the moment at which it begins to sound, so lips and sound cannot part. Between the
clauses the face listens or thinks, and is never still.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np

from media.errors import MediaError
from media.face.face import Face
from media.face.live_motion import Bearing, LiveMotion
from media.face.motion import Pose, phrases
from media.face.sounding import mouths_for, sounding_phrases
from media.face.viseme import REST, Articulators, Mouth
from media.types import FRAME_RATE, Audio, Frame, Phoneme, Speech

Draw = Callable[[Mouth, Pose], Frame]

TAIL = 0.3
"""Seconds after a clause in which the mouth comes to rest."""
AHEAD = 0.25
"""Seconds before a clause at which the face turns to speaking."""
BRIDGE = 0.5
"""A pause between two clauses that is shorter than this is part of speaking."""
EASE = 4
"""Frames in which a mouth that is told to stop comes to rest."""


@dataclass(slots=True)
class _Clause:
    """What is said from frame `first` on; `start` and `end` in seconds, `cut` a frame number."""

    first: int
    start: float
    end: float
    mouths: Articulators
    cut: int | None = None

    def at(self, frame: int) -> Mouth | None:
        """Return the mouth on `frame`, None outside the clause."""
        index = frame - self.first
        if not 0 <= index < len(self.mouths):
            return None
        if self.cut is None or frame < self.cut:
            return self.mouths.at(index)
        share = 1 - (frame - self.cut + 1) / EASE
        return _between(REST, self.mouths.at(self.cut - self.first), share) if share > 0 else None


class LiveFace:
    """One caller's view of a face that `draw` draws, `size` (width, height) pixels.

    `say`, `attend` and `hush` may be called from another thread than `frame`.
    """

    def __init__(self, draw: Draw, size: tuple[int, int], seed: int = 0) -> None:
        self.size = size
        self.lead = 0.0
        """Seconds that it wants between hearing of a clause and its first sound."""
        self._draw = draw
        self._motion = LiveMotion(seed)
        self._bearing = Bearing.LISTENING
        self._clauses: list[_Clause] = []
        self._lock = Lock()

    def attend(self, bearing: Bearing) -> None:
        """Listen or think from now on, wherever nothing is said."""
        self._bearing = bearing

    def say(self, speech: Speech, at: float) -> None:
        """Speak `speech`, whose sound begins at the moment `at` (seconds)."""
        first = math.floor(at * FRAME_RATE)
        placed = _later(speech, at - first / FRAME_RATE)
        mouths = mouths_for(placed, placed.audio.seconds + TAIL)
        begin = first / FRAME_RATE
        spoken = phrases(placed.phonemes) or sounding_phrases(mouths)
        with self._lock:
            end = at + speech.audio.seconds
            self._clauses.append(_Clause(first, at, end, mouths))
            question = speech.text.rstrip().endswith("?")
            self._motion.say([(begin + a, begin + b) for a, b in spoken], question)
        self._told(placed.audio, first, len(mouths))

    def hush(self, at: float) -> None:
        """Say nothing more from the moment `at` on."""
        frame = max(1, round(at * FRAME_RATE))
        with self._lock:
            self._clauses = [one for one in self._clauses if one.first < frame]
            for one in self._clauses:
                if one.cut is None and one.end > at:
                    one.cut = min(frame, one.first + len(one.mouths) - 1)
                    one.end = at
            self._motion.hush(at)
        self._hushed(frame)

    def close(self) -> None:
        """Give back what the face holds; nothing more is asked of it."""

    @property
    def counts(self) -> dict[str, int]:
        """Return what is worth noting when the call is over."""
        return {}

    def bearing_at(self, at: float) -> Bearing:
        """Return what the face is about at the moment `at`."""
        with self._lock:
            return self._bearing_at(at)

    def mouth_at(self, at: float) -> Mouth:
        """Return the mouth of the frame that is shown from the moment `at` on."""
        frame = round(at * FRAME_RATE)
        with self._lock:
            return self._mouth_on(frame)

    def frame(self, at: float) -> Frame:
        """Return the frame (height, width, 3) RGB that is shown from the moment `at` on."""
        number = round(at * FRAME_RATE)
        with self._lock:
            mouth = self._mouth_on(number)
            pose = self._motion.pose(at, self._bearing_at(at))
            over = [c for c in self._clauses if c.first + len(c.mouths) < number - FRAME_RATE]
            for clause in over:
                self._clauses.remove(clause)
        return self._picture(number, mouth, pose)

    def _told(self, audio: Audio, first: int, count: int) -> None:
        """Hear that `audio` sounds from frame `first` on, over `count` frames."""

    def _hushed(self, frame: int) -> None:
        """Hear that nothing sounds from `frame` on."""

    def _picture(self, number: int, mouth: Mouth, pose: Pose) -> Frame:
        """Return the picture of frame `number`."""
        return self._draw(mouth, pose)

    def _mouth_on(self, frame: int) -> Mouth:
        # The newest clause that has begun counts; before its first sound the one before ends.
        found = [mouth for one in self._clauses if (mouth := one.at(frame)) is not None]
        return min(found, key=lambda mouth: mouth.closure) if found else REST

    def _bearing_at(self, at: float) -> Bearing:
        before = [at - one.end for one in self._clauses if one.end <= at]
        coming = [one.start - at for one in self._clauses if one.start > at]
        if any(one.start <= at < one.end for one in self._clauses):
            return Bearing.SPEAKING
        bridged = before and coming and min(before) + min(coming) < BRIDGE
        if bridged or (coming and min(coming) < AHEAD):
            return Bearing.SPEAKING
        return self._bearing


def live_face(face: Face, seed: int = 0) -> LiveFace:
    """Return a live view of `face`, which is drawn or a portrait moved by visemes.

    A photo that Wav2Lip would move is moved by visemes, too: whether it can be moved by Wav2Lip
    `media.face.live_choice` finds out. MediaError `not_live` for an engine that cannot follow
    speech as it comes.
    """
    from media.face.counsellor import Counsellor
    from media.face.portrait import Portrait
    from media.face.wav2lip import CLIPS, Wav2LipFace

    if isinstance(face, Counsellor):
        return LiveFace(face.picture, face.size, seed)
    if isinstance(face, Portrait):
        return LiveFace(face.draw, face.size, seed)
    if isinstance(face, Wav2LipFace) and face.source.suffix.lower() not in CLIPS:
        return LiveFace(face.portrait.draw, face.size, seed)
    raise MediaError(
        "not_live",
        f"The face {face.version} cannot be shown live.",
        "Use a persona for calls whose face is `counsellor`, or made of a photo.",
    )


def _later(speech: Speech, seconds: float) -> Speech:
    """Return `speech` with `seconds` of silence before it."""
    rate = speech.audio.rate
    samples = np.pad(speech.audio.samples, (round(seconds * rate), 0))
    phonemes = tuple(
        Phoneme(p.symbol, p.start + seconds, p.end + seconds, p.word) for p in speech.phonemes
    )
    return Speech(speech.text, Audio(samples, rate), phonemes)


def _between(first: Mouth, second: Mouth, share: float) -> Mouth:
    """Return the mouth `share` of the way from `first` to `second`."""
    values = (
        (1 - share) * getattr(first, name) + share * getattr(second, name)
        for name in ("jaw", "spread", "rounding", "teeth", "tongue", "closure")
    )
    return Mouth(*values)
