"""The default voice: Kokoro-82M, told what to say in Korean phonemes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.speak import kokoro_engine as kokoro
from media.speak.acoustics import ACOUSTICS
from media.speak.clauses import Stretch, stretches
from media.speak.frontend import Unit, readable
from media.speak.kokoro_graph import REVISION as GRAPH_REVISION
from media.speak.kokoro_source import RATE
from media.speak.korean import mark, tokens_of
from media.speak.loudness import TARGET, lift_treble, normalise
from media.speak.phonemes import sounds
from media.speak.timings import Piece, Span, align, sounding
from media.types import Audio, FloatArray, Manner, Phoneme, Speech

PACE = 0.86
"""The model's speed at rate 1.0, which is about four Korean syllables a second."""
_REVISION = "5"
_PAUSES = {"sentence": 0.42, "clause": 0.2, "phrase": 0.08, "none": 0.05}
"""Seconds of silence after a stretch, by the break that ends it."""


_LONGEST_BEFORE_GAP = 9
_LONGEST_GAP = 5
_LONGEST_AT_END = 13
"""Frames (25 ms) of the last phoneme before the gap between two words, of the gap, and of the last
phoneme before the closing mark, which would be given half a second of silence."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A phoneme, or a mark or gap (`symbol` empty); its ids and the unit it belongs to."""

    symbol: str
    ids: tuple[int, ...]
    unit: int


class KokoroVoice:
    """A Korean speaker. `style` names a packaged style or a blend (see `kokoro_engine.style_row`).

    `rate` 1.0 is about four syllables a second; `pitch` multiplies the fundamental frequency;
    `pause` stretches breaks; `lift` raises treble by so many dB; `threads` bounds the model's.
    """

    def __init__(
        self,
        style: str = "korean_woman",
        rate: float = 1.0,
        pitch: float = 1.0,
        pause: float = 1.0,
        threads: int = 2,
        lift: float = 0.0,
    ) -> None:
        self.style, self.rate, self.pitch, self.pause = style, rate, pitch, pause
        self.lift, self.threads = lift, threads
        self.version = (
            f"kokoro-{GRAPH_REVISION}.{_REVISION}:{style}:r{rate:g}:p{pitch:g}:b{pause:g}:l{lift:g}"
        )

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        """Return the whole of `text` as one speech. MediaError where it cannot be read."""
        return join(text, list(self._say_all(stretches(readable(text, manner.words)), manner)))

    def stream(self, text: str, manner: Manner = Manner()) -> Iterator[Speech]:
        """Yield `text` stretch by stretch, each with the silence that follows it.

        The first stretch is short, so that it is heard while the rest is made. MediaError where
        the text cannot be read, before anything is yielded.
        """
        yield from self._say_all(stretches(readable(text, manner.words), early=True), manner)

    def warm_up(self) -> None:
        """Load the models and prepare them, so that the first sentence is as fast as the next."""
        kokoro.engine(self.threads).warm_up()
        readable("네.")

    def _say_all(self, found: list[Stretch], manner: Manner) -> Iterator[Speech]:
        for number, stretch in enumerate(found, 1):
            yield self._say(stretch, manner, last=number == len(found))

    def _say(self, stretch: Stretch, manner: Manner, last: bool) -> Speech:
        tokens = _tokens(stretch)
        raw, pieces = self._render(tokens, manner)
        spans = align(raw, RATE, pieces, ACOUSTICS)[1:-1]
        start, end = sounding(raw, RATE)
        sound = self._finish(raw[round(start * RATE) : round(end * RATE)], manner)
        pause = 0.0 if last else _PAUSES[stretch.break_after] * self.pause * manner.pause
        silence = np.zeros(round(pause * RATE), np.float32)
        words = [unit.written for unit in stretch.units]
        phonemes = tuple(
            Phoneme(token.symbol, heard.start, heard.end, words[token.unit])
            for token, span in zip(tokens, spans, strict=True)
            if token.symbol and (heard := _within(span, start, end)).end > heard.start
        )
        return Speech(
            " ".join(dict.fromkeys(words)),
            Audio(np.concatenate([sound, silence]), RATE),
            phonemes,
        )

    def _render(self, tokens: list[_Token], manner: Manner) -> tuple[FloatArray, list[Piece]]:
        ids = [number for token in tokens for number in token.ids]
        row = kokoro.style_row(self.style, len(ids))
        engine = kokoro.engine(self.threads)
        read = engine.read(ids, row, PACE * self.rate * manner.rate)
        frames = _steady(np.maximum(np.rint(read.durations), 1).astype(np.int64), tokens)
        sound = engine.render(read, frames, row, self.pitch * manner.pitch)
        return sound, _pieces(tokens, frames)

    def _finish(self, samples: FloatArray, manner: Manner) -> FloatArray:
        lifted = lift_treble(samples, RATE, self.lift)
        target = TARGET + 20 * float(np.log10(max(manner.gain, 0.01)))
        return normalise(lifted, RATE, target)


def join(text: str, parts: list[Speech]) -> Speech:
    """Return `parts`, one after another, as one speech of `text`."""
    phonemes: list[Phoneme] = []
    audio = Audio(np.concatenate([part.audio.samples for part in parts]), parts[0].audio.rate)
    offset = 0.0
    for part in parts:
        # A sum of seconds may come out a little after the end.
        phonemes += [
            Phoneme(p.symbol, p.start + offset, min(p.end + offset, audio.seconds), p.word)
            for p in part.phonemes
        ]
        offset += part.audio.seconds
    return Speech(text, audio, tuple(phonemes))


def rendered(text: str, style: str) -> Iterator[tuple[FloatArray, list[Piece]]]:
    """Yield each stretch of `text` in `style` as the model gives it, with the model's lengths."""
    voice = KokoroVoice(style)
    for stretch in stretches(readable(text)):
        yield voice._render(_tokens(stretch), Manner())


def sequences(text: str) -> list[list[int]]:
    """Return the token ids of `text`, a list for each stretch (without the zeros around it)."""
    return [
        [number for token in _tokens(stretch) for number in token.ids]
        for stretch in stretches(readable(text))
    ]


def lines(text: str) -> list[list[tuple[str, tuple[int, ...]]]]:
    """Return the tokens of `text`, a list for each stretch: the phoneme (empty for marks and gaps)
    and Kokoro's ids of each."""
    return [
        [(token.symbol, token.ids) for token in _tokens(stretch)]
        for stretch in stretches(readable(text))
    ]


def _tokens(stretch: Stretch) -> list[_Token]:
    found: list[_Token] = []
    for number, unit in enumerate(stretch.units):
        if number:
            found.append(_Token("", (mark(" "),), number))
        found += [
            _Token(sound.symbol, tokens_of(sound, place == 0), number)
            for place, sound in enumerate(sounds(unit.sounds))
        ]
        sign = _mark(unit, number == len(stretch.units) - 1)
        if sign:
            found.append(_Token("", (mark(sign),), number))
    return found


def _mark(unit: Unit, last: bool) -> str:
    """Return the mark that follows `unit`; a stretch that ends inside a sentence goes on."""
    if unit.break_after == "sentence":
        return "?" if unit.question else "."
    return "," if last or unit.break_after == "clause" else ""


def _steady(frames: NDArray[np.int64], tokens: list[_Token]) -> NDArray[np.int64]:
    """Return `frames` without the long pauses that the model makes inside a phrase and at its end.

    Such a pause is in the frames of the gap and of the phoneme before it.
    """
    steady = frames.copy()
    gap = mark(" ")
    place = 1
    for token in tokens:
        if token.ids == (gap,):
            steady[place - 1] = min(steady[place - 1], _LONGEST_BEFORE_GAP)
            steady[place] = min(steady[place], _LONGEST_GAP)
        place += len(token.ids)
    steady[-3] = min(steady[-3], _LONGEST_AT_END)
    return steady


def _pieces(tokens: list[_Token], frames: NDArray[np.int64]) -> list[Piece]:
    """Return the tokens with their seconds, between the silences that open and close."""
    seconds = frames * kokoro.FRAME_SECONDS
    found = [Piece("", float(seconds[0]))]
    place = 1
    for token in tokens:
        found.append(Piece(token.symbol, float(seconds[place : place + len(token.ids)].sum())))
        place += len(token.ids)
    return [*found, Piece("", float(seconds[-1]))]


def _within(span: Span, start: float, end: float) -> Span:
    return Span(max(span.start - start, 0.0), min(span.end, end) - start)
