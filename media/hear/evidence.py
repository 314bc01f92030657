"""Whether a recognised sentence was said, or invented over silence, music and noise.

A recogniser that was trained on subtitles always has a sentence to offer. It is believed only where
the sound carries it: somebody must speak, for long enough to say so many syllables, and the model
must be reasonably sure of what it wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from media.hear.activity import LEAST_SPEECH
from media.hear.score import plain
from media.types import Word

_QUIET = 0.003
_MOST_SYLLABLES = 14.0
"""Syllables a second that nobody speaks."""
_REPETITIVE = 2.4
"""Text that gzip shrinks this much is one phrase over and over."""
_GUESS = -1.1
_DOUBTFUL = -0.75
_NO_SPEECH = 0.5

_ECHO = 9
"""Syllables of the prompt in a row that nobody says by chance."""

_SUBTITLES = re.compile(
    r"""시청\s*해\s*주셔서\s*감사|시청자\s*여러분|구독과?\s*좋아요|좋아요와?\s*구독|구독\s*부탁
    |(MBC|KBS|SBS|YTN|JTBC)\s*뉴스|뉴스\s*\S+\s*기자|다음\s*(영상|시간)에서?\s*(만나|뵙|봬)
    |(한글|영어)?\s*자막\s*(제공|제작|by)|이\s*영상은|영상\s*편집|배달의\s*민족\s*$
    |(thanks?|thank\s*you)\s*for\s*watching|subtitles?\s*by|amara\.org""",
    re.VERBOSE | re.IGNORECASE,
)
"""Sentences of television and video channels that the model says when it hears nothing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that the recogniser offers, and what it rests on."""

    text: str
    speech_seconds: float
    log_probability: float
    """Mean over its tokens."""
    no_speech: float
    """The model's own probability that nobody speaks in this window."""
    compression: float
    start: float = 0.0
    end: float = 0.0
    words: tuple[Word, ...] = ()


def nobody(speech_seconds: float, level: float) -> str:
    """Return why a sound is not worth recognising: `silence`, `noise`, or empty where it is."""
    if speech_seconds >= LEAST_SPEECH:
        return ""
    return "silence" if level < _QUIET else "noise"


def doubt(claim: Claim, prompt: str = "") -> str:
    """Return why a claim is not believed: `noise`, `unclear`, or empty where it is.

    `prompt` is what the model was told to expect: a long piece of it is an echo, not speech.
    """
    syllables = len(re.findall(r"[가-힣]|[0-9]|[A-Za-z]{2}", claim.text))
    if syllables == 0 or claim.speech_seconds < LEAST_SPEECH / 2:
        return "noise"
    if claim.log_probability < _GUESS or claim.compression > _REPETITIVE:
        return "unclear"
    said = plain(claim.text)
    if len(said) >= _ECHO and said in plain(prompt):
        return "unclear"
    if syllables > 2 + _MOST_SYLLABLES * claim.speech_seconds:
        return "unclear"
    weak = claim.no_speech > _NO_SPEECH or claim.log_probability < _DOUBTFUL
    if claim.no_speech > _NO_SPEECH and claim.log_probability < _DOUBTFUL:
        return "noise"
    if _SUBTITLES.search(claim.text) and (weak or claim.speech_seconds < 0.08 * syllables):
        return "noise"
    return ""
