"""A report on paper: A4 pages with headings, tables and stacked bars, in the packaged typeface."""

from __future__ import annotations

from collections.abc import Sequence

import skia

from bot.admin.plots import Plot
from media.fonts import typeface

WIDE, TALL, EDGE = 595, 842, 48
INK, SOFT, LINE = 0xFF1A1D21, 0xFF4A5158, 0xFFD9D6CF
COLOURS = (0xFF0B4A4F, 0xFFB3610C, 0xFF7A4FA3, 0xFF2F6F9F, 0xFF8A1C1C, 0xFF6C7A79)


class Paper:
    """Pages that are filled from top to bottom; `finish` returns the PDF."""

    def __init__(self, title: str) -> None:
        metadata = skia.PDF.Metadata()
        metadata.fTitle = title
        self._stream = skia.DynamicMemoryWStream()
        self._document = skia.PDF.MakeDocument(self._stream, metadata)
        self._canvas = self._document.beginPage(WIDE, TALL)
        self._y = float(EDGE)

    def heading(self, text: str, size: float = 13) -> None:
        """Write a heading, on a new page where little room is left."""
        self._room(size + 60)
        self._y += size + 10
        self._text(text, EDGE, size)
        self._y += 4

    def line(self, text: str, size: float = 9.5, colour: int = SOFT) -> None:
        """Write one line; what is too long for it is cut."""
        self._room(size + 6)
        self._y += size + 5
        self._text(text, EDGE, size, colour)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], size: float = 9) -> None:
        """Write rows under `head`; the first column is the widest."""
        part = (WIDE - 2 * EDGE) / (len(head) + 1)
        places = [EDGE, *(EDGE + part * (n + 2) for n in range(len(head) - 1))]
        for number, row in enumerate([head, *rows]):
            self._room(size + 7)
            self._y += size + 6
            widths = [2 * part - 8, *([part - 6] * (len(head) - 1))]
            for x, width, cell in zip(places, widths, row, strict=True):
                self._text(cell, x, size, SOFT if number == 0 else INK, width)
            self._canvas.drawLine(EDGE, self._y + 3, WIDE - EDGE, self._y + 3, _pen(LINE))

    def plot(self, plot: Plot, series: Sequence[tuple[str, str]]) -> None:
        """Draw stacked bars; `series` are the plot's parts, each with what it is called."""
        scale = (WIDE - 2 * EDGE) / plot.width
        self._room(plot.height * scale + 24)
        top = self._y + 6
        colours = {name: COLOURS[n % len(COLOURS)] for n, (name, _) in enumerate(series)}
        for label in plot.up:
            y = top + label.at * scale
            self._canvas.drawLine(EDGE + plot.left * scale, y, WIDE - EDGE, y, _pen(LINE))
            self._draw(label.text, EDGE, y + 3, 7, SOFT)
        for bar in plot.bars:
            box = skia.Rect.MakeXYWH(
                EDGE + bar.x * scale, top + bar.y * scale, bar.width * scale, bar.height * scale
            )
            self._canvas.drawRect(box, _fill(colours.get(bar.series, SOFT)))
        for label in plot.across:
            self._draw(
                label.text, EDGE + label.at * scale - 6, top + plot.height * scale - 6, 7, SOFT
            )
        self._y = top + plot.height * scale
        x = float(EDGE)
        self._y += 12
        for name, called in series:
            box = skia.Rect.MakeXYWH(x, self._y - 7, 8, 8)
            self._canvas.drawRect(box, _fill(colours[name]))
            self._draw(called, x + 11, self._y, 8, INK)
            x += 24 + _font(8).measureText(called)

    def finish(self) -> bytes:
        """Return the PDF."""
        self._document.endPage()
        self._document.close()
        return bytes(self._stream.detachAsData())

    def _room(self, needed: float) -> None:
        if self._y + needed > TALL - EDGE:
            self._document.endPage()
            self._canvas = self._document.beginPage(WIDE, TALL)
            self._y = float(EDGE)

    def _text(
        self, text: str, x: float, size: float, colour: int = INK, width: float = WIDE - 2 * EDGE
    ) -> None:
        font = _font(size)
        while text and font.measureText(text) > width:
            text = text[:-2] + "…" if len(text) > 2 else ""
        self._draw(text, x, self._y, size, colour)

    def _draw(self, text: str, x: float, y: float, size: float, colour: int) -> None:
        self._canvas.drawString(text, x, y, _font(size), _fill(colour))


def _font(size: float) -> skia.Font:
    return skia.Font(typeface(), size)


def _fill(colour: int) -> skia.Paint:
    return skia.Paint(Color=colour, AntiAlias=True)


def _pen(colour: int) -> skia.Paint:
    return skia.Paint(Color=colour, StrokeWidth=0.6, Style=skia.Paint.kStroke_Style)
