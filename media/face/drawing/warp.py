"""Smooth displacement: how skin, head and shoulders move, as weighted fields.

A field holds for every pixel of a layer how far the picture moves there, in design units, for a
weight of 1. A frame is the sum of a few weighted fields, applied in one `remap`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]
Shift = tuple[Grid | None, Grid | None]
"""Displacement to the right and down; None where there is none."""
Pixels = NDArray[np.uint8]


def ramp(values: Grid, low: float, high: float) -> Grid:
    """0 below `low`, 1 above `high`, smooth between; `low` > `high` turns it round."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def hill(x: Grid, y: Grid, cx: float, cy: float, sx: float, sy: float) -> Grid:
    """A smooth hill of height 1 at (cx, cy)."""
    return np.exp(-0.5 * (((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2)).astype(np.float32)


class Layer:
    """A picture drawn finer than it is shown, which `show` moves by weighted fields.

    `box` is (left, top, right, bottom) in design units, `fine` and `scale` are texture and output
    pixels a design unit, `fields` gives the displacement fields for design coordinates (x, y).
    """

    def __init__(
        self,
        box: tuple[int, int, int, int],
        fine: float,
        scale: float,
        fields: Callable[[Grid, Grid], Sequence[Shift]],
    ) -> None:
        left, top, right, bottom = box
        self.box = box
        self.size = (round((right - left) * scale), round((bottom - top) * scale))
        self.corner = (round(left * scale), round(top * scale))
        width, height = self.size
        column = left + (np.arange(width, dtype=np.float32) + 0.5) / scale
        row = top + (np.arange(height, dtype=np.float32) + 0.5) / scale
        x, y = (np.ascontiguousarray(g) for g in np.meshgrid(column, row))
        # Texture coordinates of every output pixel, and the fields turned to texture pixels.
        self._x = (x - left) * fine - 0.5
        self._y = (y - top) * fine - 0.5
        self._fields = [
            tuple(None if g is None else np.asarray(-g * fine, np.float32) for g in shift)
            for shift in fields(x, y)
        ]
        self._map_x = np.empty_like(self._x)
        self._map_y = np.empty_like(self._y)
        self.shown: Pixels = np.zeros((height, width, 4), np.uint8)

    def show(self, texture: Pixels, weights: Sequence[float]) -> Pixels:
        """Return the layer (height, width, 4) moved by the weighted fields; reused each call."""
        np.copyto(self._map_x, self._x)
        np.copyto(self._map_y, self._y)
        for (right, down), weight in zip(self._fields, weights, strict=True):
            if weight == 0.0:
                continue
            if right is not None:
                cv2.scaleAdd(right, weight, self._map_x, self._map_x)
            if down is not None:
                cv2.scaleAdd(down, weight, self._map_y, self._map_y)
        cv2.remap(
            texture,
            self._map_x,
            self._map_y,
            cv2.INTER_LINEAR,
            dst=self.shown,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        )
        return self.shown
