"""The drawn counsellor: a `Face` made of vector art, moved by phonemes.

What does not change is drawn once, twice as fine as it is shown. On each frame the skin of the
lower face follows the jaw, mouth and eyes are drawn anew, and three layers (back hair, body,
head) are moved by smooth displacement fields, which make the head turn, nod and breathe.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from threading import Lock

import cv2
import numpy as np
import skia

from media.errors import MediaError
from media.face.drawing import eyes, glasses
from media.face.drawing.backdrop import draw_backdrop
from media.face.drawing.body import draw_body
from media.face.drawing.hair import draw_back_hair, draw_front_hair
from media.face.drawing.head import draw_head
from media.face.drawing.look import LOOKS, Look
from media.face.drawing.mouth import draw_mouth, shape
from media.face.drawing.paint import Box, image_of, raster, surface, texture
from media.face.drawing.warp import Grid, Layer, Pixels, Shift, hill, ramp
from media.face.motion import Motion, Pose, listening_motion, phrases, speaking_motion
from media.face.sounding import mouths_for, sounding_phrases
from media.face.viseme import REST, Articulators, Mouth, frame_count
from media.types import Frame, Speech

_DESIGN = 512
_FINE = 2.0
_HEAD = (124, 36, 388, 404)
_BACK = (124, 40, 388, 404)
_BODY = (0, 286, 512, 520)
_JAW = (168, 246, 344, 370)
_PIVOT = (256.0, 372.0)


class Counsellor:
    """The drawn face `look` (`sunny` or `haneul`), `size` pixels square."""

    def __init__(self, size: int = 512, look: str = "sunny") -> None:
        if look not in LOOKS:
            raise MediaError(
                "face_unknown",
                f"there is no drawn counsellor named {look!r}",
                f"use one of {', '.join(sorted(LOOKS))}",
            )
        if not 64 <= size <= 1024 or size % 2:
            raise MediaError(
                "face_size",
                f"a face of {size} pixels cannot be drawn",
                "use an even size of 64–1024",
            )
        self.version = f"counsellor-{look}-1"
        self.size = (size, size)
        self.look = LOOKS[look]
        self._stage: _Stage | None = None
        self._one_at_a_time = Lock()

    def warm_up(self) -> None:
        """Draw the still layers; the first frame does so otherwise."""
        self.picture()

    def speaking(self, speech: Speech, tail: float = 0.4) -> Iterator[Frame]:
        """Yield 25 frames a second that go with `speech`, then `tail` seconds of rest.

        Speech without phonemes moves the mouth by its sound. The same speech gives the same
        frames, bit for bit.
        """
        seconds = speech.audio.seconds + tail
        mouths = mouths_for(speech, seconds)
        seed = zlib.crc32(speech.text.encode()) ^ len(speech.audio.samples)
        spoken = phrases(speech.phonemes) or sounding_phrases(mouths)
        question = speech.text.rstrip().endswith("?")
        motion = speaking_motion(len(mouths), spoken, question, seed)
        return self._frames(motion, mouths)

    def listening(self, seconds: float) -> Iterator[Frame]:
        """Yield frames of attentive listening: eyes on the viewer, small nods, blinks."""
        return self._frames(listening_motion(frame_count(seconds), zlib.crc32(b"listening")), None)

    def picture(self, mouth: Mouth = REST, pose: Pose | None = None) -> Frame:
        """Return one frame (height, width, 3) with a given mouth and pose."""
        with self._one_at_a_time:
            if self._stage is None:
                self._stage = _Stage(self.size[0], self.look)
            return self._stage.frame(mouth, pose or Pose())

    def _frames(self, motion: Motion, mouths: Articulators | None) -> Iterator[Frame]:
        for i in range(len(motion)):
            yield self.picture(REST if mouths is None else mouths.at(i), motion.at(i))


class _Stage:
    """The layers of one face at one size, and the way from mouth and pose to a frame."""

    def __init__(self, size: int, look: Look) -> None:
        self.look = look
        scale = size / _DESIGN
        self.fine = _FINE * max(scale, 0.5)
        self.backdrop = texture((0, 0, _DESIGN, _DESIGN), scale, lambda c: draw_backdrop(c, look))
        self.back_texture = texture(_BACK, self.fine, lambda c: draw_back_hair(c, look))
        self.body_texture = texture(_BODY, self.fine, lambda c: draw_body(c, look))
        self.still = texture(_HEAD, self.fine, lambda c: _draw_still(c, look))
        self.head = self.still.copy()
        self.head_surface = surface(self.head, _HEAD, self.fine)
        self.eyes = eyes.Eyes(
            look, np.ascontiguousarray(self._part(self.still, eyes.BOX)), self.fine
        )
        self.glasses = raster(glasses.BOX, self.fine, glasses.draw_glasses) if look.male else None
        self.skin = Layer(_JAW, self.fine, self.fine, _skin_fields)
        self.skin_texture = self._part(self.still, _JAW).copy()
        self.layers = (
            Layer(_BACK, self.fine, scale, lambda x, y: _pose_fields(x, y, 0.25)),
            Layer(_BODY, self.fine, scale, _body_fields),
            Layer(_HEAD, self.fine, scale, lambda x, y: _pose_fields(x, y, 0.45)),
        )
        self.pixels = np.empty((size, size, 4), np.uint8)
        self.surface = surface(self.pixels, (0, 0, _DESIGN, _DESIGN), 1.0)

    def frame(self, mouth: Mouth, pose: Pose) -> Frame:
        """Return the frame of `mouth` and `pose`."""
        self._face(mouth, pose)
        np.copyto(self.pixels, self.backdrop)
        turn = (pose.yaw, pose.pitch, pose.roll)
        weights = ((*turn, 0.0), (*turn, pose.breath), (*turn, pose.brow))
        textures = (self.back_texture, self.body_texture, self.head)
        canvas = self.surface.getCanvas()
        for layer, picture, weight in zip(self.layers, textures, weights, strict=True):
            shown = image_of(layer.show(picture, weight), copy=False)
            canvas.drawImage(shown, *layer.corner)
        return cv2.cvtColor(self.pixels, cv2.COLOR_RGBA2RGB)  # type: ignore[return-value]

    def _face(self, mouth: Mouth, pose: Pose) -> None:
        """Draw this frame's skin, mouth and eyes into the head's texture."""
        form = shape(mouth, pose.smile, self.look.lips)
        rest = shape(REST, pose.smile, self.look.lips)
        skin = self.skin.show(
            self.skin_texture, (form.drop, (form.half - rest.half) * 0.6, pose.smile - 0.5)
        )
        if self.glasses is not None:
            self._part(self.head, glasses.BOX)[:] = self._part(self.still, glasses.BOX)
        self._part(self.head, _JAW)[:] = skin
        canvas = self.head_surface.getCanvas()
        draw_mouth(canvas, self.look, mouth, form)
        self.eyes.draw(canvas, pose, (_HEAD[0], _HEAD[1]))
        if self.glasses is not None:
            place = skia.Rect.MakeLTRB(*(float(edge) for edge in glasses.BOX))
            canvas.drawImageRect(self.glasses, place)

    def _part(self, texture: Pixels, box: Box) -> Pixels:
        left, top, right, bottom = (
            round((edge - origin) * self.fine)
            for edge, origin in zip(box, (_HEAD[0], _HEAD[1]) * 2, strict=True)
        )
        return texture[top:bottom, left:right]


def _draw_still(canvas: skia.Canvas, look: Look) -> None:
    draw_head(canvas, look)
    draw_front_hair(canvas, look)


def _skin_fields(x: Grid, y: Grid) -> Sequence[Shift]:
    """Jaw (down, a unit), mouth corners (outwards, a unit), smile (cheeks up)."""
    inside = 1 - ramp(np.abs(x - 256), 50, 84)
    jaw = ramp(y, 264, 314) * inside
    edge = 1 - ramp(np.maximum(np.abs(x - 256) - 60, 0), 0, 24)
    side = np.sign(x - 256)
    corner = hill(np.abs(x - 256), y, 30, 291, 13, 15) * edge
    cheek = hill(np.abs(x - 256), y, 42, 276, 17, 14) * edge
    top = ramp(y, 248, 262)
    return (
        (None, jaw),
        (side * corner * top, None),
        (side * 1.5 * cheek * top, -3.0 * cheek * top),
    )


def _depth(x: Grid, y: Grid, base: float) -> Grid:
    """How near a point of the head is to the viewer: `base` at the outline, about 1 at the nose."""
    round_head = np.clip(1 - ((x - 256) / 98) ** 2 - ((y - 225) / 150) ** 2, 0, 1)
    return np.asarray(base + 0.5 * round_head + 0.18 * hill(x, y, 256, 254, 14, 18), np.float32)


def _pose_fields(x: Grid, y: Grid, base: float) -> Sequence[Shift]:
    """Yaw, pitch, roll, and the brows' rise."""
    depth = np.full_like(x, base) if base < 0.4 else _depth(x, y, base)
    angle = 0.03
    brow = sum(hill(x, y, 256 + s * 40, 182, 30, 11) for s in (-1, 1))
    return (
        (7.0 * depth, None),
        (None, 6.5 * depth),
        (-angle * (y - _PIVOT[1]), angle * (x - _PIVOT[0])),
        (None, np.asarray(-4.0 * brow, np.float32)),
    )


def _body_fields(x: Grid, y: Grid) -> Sequence[Shift]:
    """The neck follows yaw, pitch and roll above the shoulders; breath lifts the shoulders."""
    neck = (1 - ramp(y, 350, 420)).astype(np.float32)
    lift = -(2.4 * ramp(y, 372, 430) * (1 - 0.5 * ramp(y, 470, 512))).astype(np.float32)
    return (
        (1.2 + 1.8 * neck, None),
        (None, 2.0 * neck),
        (-0.03 * (y - _PIVOT[1]) * neck, None),
        (None, lift),
    )
