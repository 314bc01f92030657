"""Sentences as the teacher and the student read them."""

from __future__ import annotations

from collections.abc import Iterable

from media.errors import MediaError
from media.speak.kokoro import lines
from media.speak.korean import mark
from media.speak.phonemes import PHONEMES
from media.train.lessons import Lines
from media.train.teacher import Line

TOKENS = ("<blank>", "<unk>", *sorted(PHONEMES), "<space>", ".", ",", "?", "<sos/eos>")
"""What a voice of ours reads: phonemes of `media.speak.phonemes`, gaps and marks."""
_MARKS = {" ": "<space>", ".": ".", ",": ",", "?": "?"}


def lines_of(texts: Iterable[str]) -> Lines:
    """Return the stretches of `texts`, each once; texts that cannot be read are passed over."""
    marks = {mark(letter): name for letter, name in _MARKS.items()}
    number = {token: place for place, token in enumerate(TOKENS)}
    found: dict[tuple[int, ...], Line] = {}
    for text in texts:
        try:
            read = lines(text)
        except MediaError:
            continue
        for tokens in read:
            own = tuple(number[symbol or marks[ids[0]]] for symbol, ids in tokens)
            found[own] = Line(
                tuple(symbol for symbol, _ in tokens), tuple(ids for _, ids in tokens), own
            )
    return Lines(list(found.values()), TOKENS, mark(" "))
