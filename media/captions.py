"""Large-print captions: one short line at a time, broken where a reader would pause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from media.fonts import columns
from media.overlay import CAPTION_COLUMNS
from media.types import Phoneme, Speech

_WIDEST = CAPTION_COLUMNS - 0.7
"""Columns of text on one line; the rest is the band's padding."""
_LEAD = 0.08
"""Seconds that a caption may come before its first sound."""
_HOLD = 0.5
_READING = 0.11
"""Seconds that a slow reader needs for a column."""
_BRIEFEST = 1.0
_PAUSE = 0.2

_BOUND = re.compile(
    r"^(수|것|거|게|때|데|분|번|년|월|일|세|원|개|명|등|뿐|줄|만|중|후|전|이상|이하)"
)
"""Nouns that lean on the word before: "할 수", "65 세"."""
_AUXILIARY = re.compile(r"^(있|없|주[세시]|보[세시]|됩|돼|되|않|못|하[세시]|싶|같|드[려립])")
_LEANING = re.compile(r"^(만|약|총|각|그|이|저|더|꼭|안|못|첫|한|두|세|네|몇|매|제|새|온|맨)$")
"""Words that lean on the word after: "만 65세"."""
_PARTICLE = re.compile(r"[은는이가을를에서로면고서며도]$|부터$|까지$|려면$|니다$|어요$|아요$|세요$")


@dataclass(frozen=True, slots=True)
class Caption:
    """One line of text, shown from `start` to `end` (seconds)."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Token:
    """A written word (eojeol) with the time in which it is said."""

    text: str
    start: float
    end: float


def captions(speech: Speech) -> list[Caption]:
    """Return the captions of `speech`, in order, none overlapping the next."""
    tokens = _timed(speech)
    lines = [line for sentence in _sentences(tokens) for line in _broken(sentence)]
    return _scheduled(lines)


def _timed(speech: Speech) -> list[_Token]:
    """Give each written word of the text its time, from the phonemes that belong to it."""
    texts = [piece for word in speech.text.split() for piece in _fitting(word)]
    spans = [
        (word, list(run))
        for word, run in groupby(speech.phonemes, key=lambda phoneme: phoneme.word)
    ]
    placed = _placed(texts, spans)
    if placed is None:
        return _spread(texts, speech)
    return placed


def _placed(texts: list[str], spans: list[tuple[str, list[Phoneme]]]) -> list[_Token] | None:
    """Walk text and phonemes side by side; None where they are not the same words."""
    tokens: list[_Token] = []
    rest = ""
    start = end = 0.0
    queue = list(spans)
    for text in texts:
        wanted = _bare(text)
        if not wanted:
            tokens.append(_Token(text, end, end))
            continue
        if not rest:
            if not queue:
                return None
            word, run = queue.pop(0)
            rest = _bare(word)
            start, end = run[0].start, run[-1].end
        share = start + (end - start) * min(1.0, len(wanted) / max(1, len(rest)))
        if rest.startswith(wanted):
            tokens.append(_Token(text, start, share))
            rest, start = rest[len(wanted) :], share
            continue
        while len(rest) < len(wanted) and wanted.startswith(rest) and queue:
            word, run = queue.pop(0)
            rest, end = rest + _bare(word), run[-1].end
        if rest != wanted:
            return None
        tokens.append(_Token(text, start, end))
        rest = ""
    return tokens


def _spread(texts: list[str], speech: Speech) -> list[_Token]:
    """Share the time of the whole speech out by length."""
    if not texts:
        return []
    first = speech.phonemes[0].start if speech.phonemes else 0.0
    last = speech.phonemes[-1].end if speech.phonemes else speech.audio.seconds
    total = sum(len(text) for text in texts)
    tokens, at = [], first
    for text in texts:
        end = at + (last - first) * len(text) / total
        tokens.append(_Token(text, at, end))
        at = end
    return tokens


def _bare(text: str) -> str:
    return re.sub(r"[^\w]|_", "", text)


def _fitting(word: str) -> list[str]:
    """Cut a word that is wider than a line."""
    pieces = [""]
    for char in word:
        if columns(pieces[-1] + char) > _WIDEST:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _sentences(tokens: Sequence[_Token]) -> list[list[_Token]]:
    sentences: list[list[_Token]] = [[]]
    for token in tokens:
        sentences[-1].append(token)
        if re.search(r"[.?!…][\"'”’)]*$", token.text):
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _broken(tokens: list[_Token]) -> list[list[_Token]]:
    """Break a sentence into lines with the least total cost."""
    count = len(tokens)
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * count
    for end in range(1, count + 1):
        for begin in range(end - 1, -1, -1):
            line = tokens[begin:end]
            if begin < end - 1 and columns(_text(line)) > _WIDEST:
                break
            following = tokens[end] if end < count else None
            cost = best[begin][0] + _cost(line, following)
            if cost < best[end][0]:
                best[end] = (cost, begin)
    lines = []
    end = count
    while end:
        begin = best[end][1]
        lines.append(tokens[begin:end])
        end = begin
    return lines[::-1]


def _cost(line: list[_Token], following: _Token | None) -> float:
    """Return how bad a line is: too short or too brief, or broken inside a phrase."""
    empty = 1.0 - columns(_text(line)) / _WIDEST
    cost = 1.0 + 1.5 * empty**2
    cost += 2.0 * max(0.0, _BRIEFEST - (line[-1].end - line[0].start))
    if following is None:
        return cost
    word = line[-1].text
    if word.endswith((",", ":", ";")) or following.start - line[-1].end > _PAUSE:
        return cost - 1.0
    if _LEANING.match(word) or _BOUND.match(following.text) or _AUXILIARY.match(following.text):
        return cost + 2.5
    return cost if _PARTICLE.search(word) else cost + 0.7


def _text(line: Sequence[_Token]) -> str:
    """Return a line as it is shown: a full stop or comma at its end says nothing there."""
    return re.sub(r"[.,]+$", "", " ".join(token.text for token in line))


def _scheduled(lines: list[list[_Token]]) -> list[Caption]:
    made: list[Caption] = []
    free = 0.0
    for index, line in enumerate(lines):
        text = _text(line)
        if not text:
            continue
        start = max(free, line[0].start - _LEAD)
        readable = start + max(_BRIEFEST, _READING * columns(text))
        end = max(line[-1].end + _HOLD, readable)
        if index + 1 < len(lines):
            end = min(end, max(lines[index + 1][0].start - _LEAD, line[-1].end))
        if end > start:
            made.append(Caption(text, start, end))
            free = end
    return made
