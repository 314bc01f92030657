"""A photograph that speaks: the portrait's mesh moved by visemes, with its own mouth interior."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import skia
from numpy.typing import NDArray

from media.errors import MediaError
from media.face.motion import Motion, Pose, listening_motion, phrases, speaking_motion
from media.face.portrait_mesh import INNER_LOWER, INNER_UPPER, Points, PortraitMesh, build_mesh
from media.face.sounding import mouths_for, sounding_phrases
from media.face.viseme import REST, Mouth, frame_count
from media.types import Frame, Speech
from media.weights import digest_of

LARGEST = 1600
"""Pixels of the longer side that a photo is worked with."""
INSIDE = (0xFF4A1C1C, 0xFF220B0B)
TOOTH = 0xFFE9E2D8
TONGUE = 0xFFA5524E


def read_photo(path: Path) -> Frame:
    """Return the photo at `path` as RGB, at most 1600 pixels long, turned as its EXIF says.

    MediaError `no_photo` where there is none, `not_photo` for anything but a still picture,
    animations included.
    """
    if not path.is_file():
        raise MediaError(
            "no_photo", f"There is no photo {path}.", "Correct `photo` in the persona's file."
        )
    data = np.fromfile(path, np.uint8)
    if _is_animation(data[:4096].tobytes()):
        raise MediaError("not_photo", "The picture is an animation.", "Use a JPEG or PNG photo.")
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        raise MediaError(
            "not_photo", f"{path.name} is not a picture.", "Use a JPEG, PNG or WebP photo."
        )
    scale = LARGEST / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[:, :, ::-1])


def _is_animation(head: bytes) -> bool:
    """Say whether a file that begins with `head` is a GIF, or an animated WebP or PNG."""
    webp = head.startswith(b"RIFF") and b"ANIM" in head[:64]
    png = head.startswith(b"\x89PNG") and b"acTL" in head.partition(b"IDAT")[0]
    return head.startswith(b"GIF") or webp or png


class Portrait:
    """A Face made of one photograph."""

    def __init__(self, photo: str | Path, size: int = 512) -> None:
        self.photo = Path(photo)
        self.size = (size, size)

    @cached_property
    def version(self) -> str:
        """Engine and photo, for cache keys: another photo under the same name is another face."""
        known = digest_of(self.photo)[:12] if self.photo.is_file() else "none"
        return f"portrait-2-{self.photo.name}-{known}-{self.size[0]}"

    @cached_property
    def mesh(self) -> PortraitMesh:
        """The photo's mesh, built when first needed."""
        return build_mesh(read_photo(self.photo), self.size[0])

    @cached_property
    def _shader(self) -> skia.Shader:
        return _shader(self.mesh.picture)

    @cached_property
    def _light(self) -> skia.ColorFilter:
        """The photo's light: teeth are as bright and as warm as the skin allows."""
        region = self.mesh.points[[50, 280, 152, 199]].astype(int).clip(0, self.size[0] - 1)
        skin = self.mesh.picture[region[:, 1], region[:, 0]].mean(axis=0) / 255.0
        tint = np.clip(0.35 + 0.75 * skin, 0.3, 1.0)
        red, green, blue = (int(255 * x) for x in tint)
        return skia.ColorFilters.Blend(skia.Color(red, green, blue), skia.BlendMode.kModulate)

    @cached_property
    def _texture(self) -> list[skia.Point]:
        return [skia.Point(x, y) for x, y in self.mesh.points.tolist()]

    @cached_property
    def _indices(self) -> list[int]:
        indices: list[int] = self.mesh.triangles.ravel().tolist()
        return indices

    def warm_up(self) -> None:
        """Find the face, build the mesh and draw one frame."""
        self.draw(REST, Pose())

    def speaking(self, speech: Speech, tail: float = 0.4) -> Iterator[Frame]:
        """Yield 25 frames a second that go with `speech`, then `tail` seconds of rest.

        Speech without phonemes moves the mouth by its sound.
        """
        seconds = speech.audio.seconds + tail
        tracks = mouths_for(speech, seconds)
        spoken = phrases(speech.phonemes) or sounding_phrases(tracks)
        question = speech.text.rstrip().endswith("?")
        motion = speaking_motion(frame_count(seconds), spoken, question, seed=len(speech.text))
        for frame in range(frame_count(seconds)):
            yield self.draw(tracks.at(frame), motion.at(frame))

    def listening(self, seconds: float) -> Iterator[Frame]:
        """Yield frames of the portrait listening."""
        motion: Motion = listening_motion(frame_count(seconds), seed=1)
        for frame in range(frame_count(seconds)):
            yield self.draw(REST, motion.at(frame))

    def draw(self, mouth: Mouth, pose: Pose) -> Frame:
        """Return one frame (size, size, 3) of the portrait with this mouth and pose."""
        return self.paint(self.moved(mouth, pose), mouth)

    def paint(self, points: Points, mouth: Mouth) -> Frame:
        """Return one frame of the mesh at `points` (n, 2); `mouth` says what shows between the
        lips: teeth, tongue, and how far they are drawn forward."""
        pixels = _pixels(self.mesh.picture)
        canvas = _canvas(pixels)
        opening = self._opening(points)
        self._draw_inside(canvas, opening, points, mouth, soft=False)
        self._draw_mesh(canvas, points, self._shader)
        self._draw_inside(canvas, opening, points, mouth, soft=True)
        return _drawn(pixels)

    def pose(self, picture: Frame, pose: Pose) -> Frame:
        """Return `picture`, this portrait at rest with another mouth, with the head in `pose`."""
        pixels = _pixels(picture)
        points = self.moved(Mouth(closure=0.0), pose)
        self._draw_mesh(_canvas(pixels), points, _shader(picture))
        return _drawn(pixels)

    def _draw_mesh(self, canvas: skia.Canvas, points: Points, shader: skia.Shader) -> None:
        vertices = skia.Vertices(
            skia.Vertices.kTriangles_VertexMode,
            [skia.Point(x, y) for x, y in points.tolist()],
            self._texture,
            None,
            self._indices,
        )
        canvas.drawVertices(vertices, skia.Paint(Shader=shader, AntiAlias=True))

    def moved(self, mouth: Mouth, pose: Pose) -> Points:
        """Return the mesh's points (n, 2) in pixels for this mouth and pose."""
        open_share = 1 - mouth.closure
        weights = {
            "jaw": mouth.jaw * open_share,
            "rounding": mouth.rounding * open_share,
            "spread": mouth.spread * (0.4 + 0.6 * open_share) * (1 - mouth.rounding),
            "press": -0.6 * mouth.closure * min(1.0, mouth.jaw * 6),
            "smile": pose.smile - 0.5,
            "blink": pose.blink,
            "brow": pose.brow,
            "yaw": pose.yaw,
            "pitch": pose.pitch,
            "roll": pose.roll,
            "breath": pose.breath,
        }
        points = self.mesh.points + mouth.closure * self.mesh.closed
        for name, weight in weights.items():
            if weight:
                points = points + weight * self.mesh.moves[name]
        return points

    def _opening(self, points: Points) -> skia.Path:
        """Return the outline between the lips, rounded through the landmarks' midpoints."""
        ring = points[list(INNER_UPPER + INNER_LOWER)]
        middles = (ring + np.roll(ring, -1, axis=0)) / 2
        path = skia.Path()
        path.moveTo(*middles[-1].tolist())
        for corner, middle in zip(ring.tolist(), middles.tolist(), strict=True):
            path.quadTo(*corner, *middle)
        path.close()
        return path

    def _draw_inside(
        self, canvas: skia.Canvas, opening: skia.Path, points: Points, mouth: Mouth, soft: bool
    ) -> None:
        """Paint the mouth's inside: dark, the upper teeth below the upper lip, tongue, lower teeth.

        Painted under the mesh in full, and over it with a soft edge, so that no seam shows.
        """
        width = self.mesh.mouth
        top, bottom = points[13], points[14]
        gap = float((bottom - top) @ self.mesh.axes[1])
        if gap < 0.015 * width:
            return
        centre = (points[78] + points[308]) / 2
        canvas.save()
        canvas.clipPath(opening, doAntiAlias=True)
        canvas.translate(*centre.tolist())
        right = self.mesh.axes[0]
        canvas.rotate(float(np.degrees(np.arctan2(right[1], right[0]))))
        upper = float((top - centre) @ self.mesh.axes[1])
        lower = float((bottom - centre) @ self.mesh.axes[1])
        shade = skia.GradientShader.MakeLinear(
            [skia.Point(0, upper), skia.Point(0, max(lower, upper + 1))], list(INSIDE)
        )
        canvas.drawRect(skia.Rect(-width, -width, width, width), skia.Paint(Shader=shade))
        half = width * (0.34 - 0.1 * mouth.rounding)
        self._tongue(canvas, mouth, lower, gap, half)
        # Lips drawn forward hide the teeth.
        shown = width * (0.06 + 0.05 * mouth.teeth) * (1 - 0.75 * mouth.rounding)
        self._teeth(canvas, upper - 0.06 * width, upper + shown, half)
        row = lower - width * (0.01 + 0.05 * mouth.teeth) * (1 - mouth.rounding)
        self._teeth(canvas, row, lower + width * 0.1, half * 0.8)
        shadow = skia.Paint(
            Color=0x66000000,
            AntiAlias=True,
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=0.05 * width,
            MaskFilter=skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 0.025 * width),
        )
        canvas.restore()
        if soft:
            canvas.save()
            canvas.clipPath(opening, doAntiAlias=True)
            canvas.drawPath(opening, shadow)
            canvas.restore()

    def _teeth(self, canvas: skia.Canvas, top: float, bottom: float, half: float) -> None:
        """Paint a row of teeth between two heights, darker towards the corners."""
        shader = skia.GradientShader.MakeLinear(
            [skia.Point(-half, 0), skia.Point(half, 0)],
            [0x00948A80, 0xFFB5ABA0, TOOTH, TOOTH, 0xFFB5ABA0, 0x00948A80],
            [0.0, 0.16, 0.38, 0.62, 0.84, 1.0],
        )
        soft = skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, max(0.5, 0.012 * self.mesh.mouth))
        row = skia.Rect(-half, top, half, bottom)
        radius = 0.3 * (bottom - top)
        paint = skia.Paint(Shader=shader, MaskFilter=soft, AntiAlias=True, ColorFilter=self._light)
        canvas.drawRoundRect(row, radius, radius, paint)

    def _tongue(
        self, canvas: skia.Canvas, mouth: Mouth, lower: float, gap: float, half: float
    ) -> None:
        """Paint the tongue, its tip towards the upper teeth where a sound raises it."""
        height = gap * (0.45 + 0.4 * mouth.tongue)
        oval = skia.Rect(-0.7 * half, lower - height, 0.7 * half, lower + height)
        soft = skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 0.03 * self.mesh.mouth)
        canvas.drawOval(oval, skia.Paint(Color=TONGUE, MaskFilter=soft, AntiAlias=True))


def _shader(picture: Frame) -> skia.Shader:
    image = skia.Image.fromarray(_pixels(picture), colorType=skia.kBGRA_8888_ColorType)
    return image.makeShader(samplingOptions=skia.SamplingOptions(skia.FilterMode.kLinear))


def _pixels(picture: Frame) -> NDArray[np.uint8]:
    """Return `picture` as Skia lays pixels out itself (h, w, 4): nothing is converted twice."""
    return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGRA), np.uint8)


def _canvas(pixels: NDArray[np.uint8]) -> skia.Canvas:
    """Return a canvas that draws into `pixels`, which must outlive it."""
    return skia.Canvas(pixels, colorType=skia.kBGRA_8888_ColorType)


def _drawn(pixels: NDArray[np.uint8]) -> Frame:
    return np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8)
