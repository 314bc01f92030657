from __future__ import annotations

import numpy as np
import pytest

from media import fonts
from media.errors import MediaError
from media.fonts import columns
from media.overlay import CAPTION_COLUMNS, caption, mark
from media.types import Frame

SIZE = (512, 512)


def picture(value: int = 128, size: tuple[int, int] = SIZE) -> Frame:
    return np.full((size[1], size[0], 3), value, np.uint8)


def test_columns_are_hangul_syllables() -> None:
    assert columns("기초연금") == pytest.approx(4.0)
    assert columns("65") < 2.0
    assert columns("") == 0.0


def test_a_missing_font_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts.skia.Typeface, "MakeFromFile", lambda path: None)
    fonts.typeface.cache_clear()
    with pytest.raises(MediaError, match="pylopdf-fonts-ko"):
        fonts.typeface()
    fonts.typeface.cache_clear()


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_a_caption_is_bright_on_dark_wherever_it_lies(ground: int) -> None:
    frame = picture(ground)
    overlay = caption("신청하실 수 있어요", SIZE)
    overlay.lay(frame)
    height, width = overlay.light.shape[:2]
    part = frame[overlay.top : overlay.top + height, overlay.left : overlay.left + width]
    assert part.max() > 240
    assert np.median(part) < 110
    assert overlay.top > 0.8 * SIZE[1]


def test_only_its_rectangle_is_touched() -> None:
    frame = picture()
    overlay = caption("네", SIZE)
    overlay.lay(frame)
    height, width = overlay.light.shape[:2]
    frame[overlay.top : overlay.top + height, overlay.left : overlay.left + width] = 128
    assert (frame == 128).all()


@pytest.mark.parametrize("size", [SIZE, (256, 256), (1280, 720), (360, 640)])
def test_the_widest_text_stays_inside_the_picture(size: tuple[int, int]) -> None:
    for text in ("가" * int(CAPTION_COLUMNS), "가" * 20):
        overlay = caption(text, size)
        frame = picture(0, size)
        overlay.lay(frame)
        bright = np.argwhere(frame.max(axis=2) > 150)
        assert bright[:, 1].min() > 0
        assert bright[:, 1].max() < size[0] - 1


def test_captions_are_large_print() -> None:
    overlay = caption("기초연금은 만 65세", SIZE)
    frame = picture(0)
    overlay.lay(frame)
    rows = np.argwhere(frame.max(axis=2) > 200)[:, 0]
    assert rows.max() - rows.min() >= 0.05 * SIZE[1]


def test_the_mark_is_in_the_upper_left_corner() -> None:
    overlay = mark("AI 생성 영상", SIZE)
    assert overlay.left < 30 and overlay.top < 30
    assert overlay.light.shape[1] < 0.4 * SIZE[0]
    assert overlay.light.max() > 240


def test_drawn_once_for_all_frames() -> None:
    assert caption("네", SIZE) is caption("네", SIZE)
