"""MakeItTalk: a photograph or the drawn counsellor, moved by landmarks that the sound predicts.

The content branch says what speech does to lips and jaw, the speaker branch, where its checkpoint
is given, how this speaker moves besides. The landmarks move the portrait's mesh, or, where the
image-translation network's checkpoint is given, that network draws the picture (offline: it needs
61 GFLOP a frame).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from media.errors import MediaError
from media.face.counsellor import Counsellor
from media.face.landmark_drive import LandmarkDrive
from media.face.motion import Motion, Pose, listening_motion, phrases, speaking_motion
from media.face.portrait import Portrait
from media.face.portrait_mesh import Crop, PortraitMesh, build_mesh
from media.face.sounding import sounding_phrases, track_sound
from media.face.viseme import REST, Articulators, Mouth, frame_count
from media.face.wav2lip import at_mel_rate
from media.types import Frame, Speech
from media.weights import digest_of

if TYPE_CHECKING:
    from media.networks.landmark_talk import LandmarkTalk, Painter

OURS = Path(__file__).with_name("content_branch.safetensors")
"""Our small content branch: docs/faces.md says what it was trained on."""
_DRAWN = 512
"""Pixels at least that a face is drawn with before its landmarks are found."""
_LINES = (
    (range(0, 17), False, (25, 144, 255)),
    (range(17, 22), False, (50, 205, 50)),
    (range(22, 27), False, (50, 205, 50)),
    (range(27, 36), False, (63, 224, 208)),
    (range(36, 42), True, (255, 99, 71)),
    (range(42, 48), True, (255, 99, 71)),
    (range(48, 60), True, (238, 130, 238)),
    (range(60, 68), True, (238, 130, 238)),
)
"""How the image-translation network is shown landmarks: points, closed or not, colour (RGB)."""


class MakeItTalkFace:
    """A Face of a `photo`, or of the drawn counsellor `look`, moved by MakeItTalk's networks.

    `content` is our small content branch unless a checkpoint is named; `autovc` (with `embedding`,
    256 numbers of the speaker in a .npy) turns the sound into the codes that published branches
    hear; `speaker` and `image` are the speaker branch and the image-translation network. `lips`
    scales what the content branch says, `head` what the speaker branch says.
    """

    def __init__(
        self,
        photo: str | Path = "",
        look: str = "",
        content: str | Path = OURS,
        speaker: str | Path = "",
        autovc: str | Path = "",
        embedding: str | Path = "",
        image: str | Path = "",
        size: int = 512,
        lips: float = 1.0,
        head: float = 0.5,
        threads: int = 2,
    ) -> None:
        if bool(photo) == bool(look):
            raise MediaError(
                "bad_persona",
                "MakeItTalk needs a photo or the look of a drawn counsellor, and not both.",
                "Give `photo` or `look` in the [face] table of the persona.",
            )
        self.portrait = Portrait(photo, size) if photo else DrawnPortrait(look, size)
        self.files = {
            "content": Path(content),
            "speaker": Path(speaker) if speaker else None,
            "autovc": Path(autovc) if autovc else None,
            "embedding": Path(embedding) if embedding else None,
            "image": Path(image) if image else None,
        }
        self.size = (size, size)
        self.lips = lips
        self.head = head
        self.threads = threads

    @cached_property
    def version(self) -> str:
        """Engine, checkpoints and source by their contents, for cache keys."""
        marks = [
            digest_of(path)[:8] if path and path.is_file() else "none"
            for path in self.files.values()
        ]
        return f"makeittalk-1-{'-'.join(marks)}-{self.lips:g}-{self.head:g}-{self.portrait.version}"

    @cached_property
    def talk(self) -> LandmarkTalk:
        """The networks that move landmarks; MediaError `no_torch` without the extra `neural`."""
        try:
            from media.networks.landmark_talk import LandmarkTalk
        except ImportError as error:
            raise _no_torch(error) from error
        files = self.files
        assert files["content"] is not None
        return LandmarkTalk(
            files["content"], files["speaker"], files["autovc"], files["embedding"], self.threads
        )

    @cached_property
    def painter(self) -> Painter | None:
        """The image-translation network, where its checkpoint is given."""
        if self.files["image"] is None:
            return None
        try:
            from media.networks.landmark_talk import Painter
        except ImportError as error:
            raise _no_torch(error) from error
        return Painter(self.files["image"], self.threads)

    @cached_property
    def drive(self) -> LandmarkDrive:
        """What moves the portrait's mesh."""
        return LandmarkDrive(self.portrait.mesh)

    def warm_up(self) -> None:
        """Find the face, load the networks and draw one frame."""
        self.portrait.draw(REST, Pose())
        self.talk.warm_up()
        if self.painter is not None:
            self.painter.warm_up()

    def speaking(self, speech: Speech, tail: float = 0.4) -> Iterator[Frame]:
        """Yield 25 frames a second that go with `speech`, then `tail` seconds of rest.

        Lips and, with a speaker branch, the head follow the sound; phonemes are not needed.
        """
        seconds = speech.audio.seconds + tail
        count = frame_count(seconds)
        sounding = track_sound(speech.audio, seconds)
        moves = self._moves(speech, tail, sounding)
        spoken = phrases(speech.phonemes) or sounding_phrases(sounding)
        question = speech.text.rstrip().endswith("?")
        motion = speaking_motion(count, spoken, question, seed=len(speech.text))
        frames = (
            self._frame(moves[index], sounding.at(index), motion.at(index))
            for index in range(count)
        )
        if self.painter is None:
            yield from frames
        else:
            yield from self._painted(moves)

    def listening(self, seconds: float) -> Iterator[Frame]:
        """Yield frames of the face listening."""
        motion: Motion = listening_motion(frame_count(seconds), seed=1)
        for index in range(len(motion)):
            yield self.portrait.draw(REST, motion.at(index))

    def _moves(self, speech: Speech, tail: float, sounding: Articulators) -> np.ndarray:
        """Return moves (n, 68, 3) in normal form; none of the lips while nothing sounds."""
        content, speaker = self.talk.moves(
            at_mel_rate(speech.audio, tail), len(sounding), self.drive.rest
        )
        voiced = (1 - sounding.closure.astype(np.float64))[:, None, None]
        return self.lips * voiced * content + self.head * speaker

    def _frame(self, moves: np.ndarray, sounding: Mouth, pose: Pose) -> Frame:
        """Return the frame of the mesh moved by landmarks (68, 3); eyes and breath by `pose`."""
        still = (
            pose
            if self.files["speaker"] is None
            else Pose(blink=pose.blink, brow=pose.brow, breath=pose.breath, smile=pose.smile)
        )
        base = self.portrait.moved(REST, still)
        points, weights = self.drive.moved(moves, base)
        mouth = Mouth(
            jaw=weights["jaw"],
            rounding=float(np.clip(weights["rounding"], 0, 1)),
            spread=float(np.clip(weights["spread"], 0, 1)),
            teeth=sounding.teeth,
            tongue=sounding.tongue,
            closure=0.0,
        )
        return self.portrait.paint(points, mouth)

    def _painted(self, moves: np.ndarray) -> Iterator[Frame]:
        """Yield the frames that the image-translation network draws."""
        assert self.painter is not None
        picture = self.portrait.mesh.picture
        tracks = (self.drive.landmarks(move) for move in moves)
        while batch := list(islice(tracks, self.painter.batch)):
            sketches = [sketch(points, self.size[0]) for points in batch]
            yield from self.painter.paint(sketches, picture)


class DrawnPortrait(Portrait):
    """The drawn counsellor's resting picture as a portrait: framed as it is drawn."""

    def __init__(self, look: str, size: int) -> None:
        super().__init__(look, size)
        self.drawn = Counsellor(max(size, _DRAWN), look)

    @cached_property
    def version(self) -> str:
        """The drawn face's version."""
        return f"{self.drawn.version}-{self.size[0]}"

    @cached_property
    def mesh(self) -> PortraitMesh:
        """The mesh of the drawn face, built when first needed."""
        whole = Crop(np.zeros(2), float(self.drawn.size[0]))
        return build_mesh(self.drawn.picture(), self.size[0], whole)


def sketch(points: np.ndarray, size: int) -> Frame:
    """Return the landmarks (68, 2) in pixels drawn on white, as the published network has them."""
    drawn = np.full((size, size, 3), 255, np.uint8)
    at = np.round(points).astype(np.int32)
    for line, closed, colour in _LINES:
        width = max(1, round(size / 128))
        cv2.polylines(drawn, [at[list(line)]], closed, colour, width)
    return drawn


def _no_torch(error: ImportError) -> MediaError:
    return MediaError(
        "no_torch",
        f"MakeItTalk needs {error.name}, which is not installed.",
        "Run: pip install 'silverline[neural]'",
    )
