"""Frames a second of the drawn counsellor: our layers against a full redraw, in the same run.

The peer draws the same art anew on every frame, as a vector animation without layers does. Rounds
alternate, so that a noisy machine slows both alike; the best round of each counts. Time is that of
the processor, on one thread.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
import skia

from media.face.counsellor import Counsellor
from media.face.drawing.backdrop import draw_backdrop
from media.face.drawing.body import draw_body
from media.face.drawing.eyes import BOX, Eyes
from media.face.drawing.hair import draw_back_hair, draw_front_hair
from media.face.drawing.head import draw_head
from media.face.drawing.look import SUNNY
from media.face.drawing.mouth import draw_mouth, shape
from media.face.drawing.paint import surface
from media.face.motion import Pose
from media.face.viseme import Mouth
from media.types import FRAME_RATE, Audio, Phoneme, Speech

ROUNDS, SECONDS, REDRAWN = 5, 6.0, 2
SOUNDS = ("a", "n", "j", "ʌ", "ŋ", "h", "a", "s", "e", "j", "o", "m", "u", "ʨ", "i", "p")


def speech() -> Speech:
    """Return `SECONDS` of speech with a sound every 90 ms."""
    count = int((SECONDS - 0.6) / 0.09)
    phonemes = tuple(
        Phoneme(SOUNDS[i % len(SOUNDS)], 0.3 + 0.09 * i, 0.39 + 0.09 * i, "말")
        for i in range(count)
    )
    return Speech("말", Audio(np.zeros(int(SECONDS * 24000), np.float32), 24000), phonemes)


def redraw(pixels: np.ndarray, eyes: Eyes) -> np.ndarray:
    """Draw every layer anew into `pixels` and return the frame; the lids' steps are given."""
    canvas = surface(pixels, (0, 0, 512, 512), 1.0).getCanvas()
    for draw in (draw_backdrop, draw_back_hair, draw_body, draw_head, draw_front_hair):
        draw(canvas, SUNNY)
    mouth = Mouth(jaw=0.5, closure=0.0)
    draw_mouth(canvas, SUNNY, mouth, shape(mouth, 0.5))
    eyes.draw(canvas, Pose(), (0, 0))
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)


def main() -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    counsellor, spoken = Counsellor(), speech()
    began = time.process_time()
    counsellor.warm_up()
    warm = time.process_time() - began
    pixels = np.zeros((512, 512, 4), np.uint8)
    eyes = Eyes(SUNNY, pixels[BOX[1] : BOX[3], BOX[0] : BOX[2]].copy(), 1.0)
    layered, anew = 0.0, 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        count = sum(1 for _ in counsellor.speaking(spoken, tail=0.0))
        layered = max(layered, count / (time.process_time() - began))
        began = time.process_time()
        for _ in range(REDRAWN):
            redraw(pixels, eyes)
        anew = max(anew, REDRAWN / (time.process_time() - began))
    print(f"layers: {layered:6.1f} frames/s, {layered / anew:.0f} × a full redraw")
    print(f"full redraw: {anew:.1f} frames/s (skia {skia.__version__})")
    print(f"compute seconds per second of video: {FRAME_RATE / layered:.3f}; warm-up {warm:.2f} s")


if __name__ == "__main__":
    main()
