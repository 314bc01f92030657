"""An installation's own words reach the voice with the sentences that hold them, and only those."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from media.speak.cache import CachedVoice
from media.speak.frontend import units
from media.speak.own_words import OwnWords
from media.types import Audio, Manner, Phoneme, Speech


class Counting:
    """Says nothing, and remembers how it was asked."""

    version = "counting"

    def __init__(self) -> None:
        self.manners: list[Manner] = []

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        self.manners.append(manner)
        sound = Audio(np.zeros(1600, np.float32), 16000)
        return Speech(text, sound, (Phoneme("a", 0.0, 0.1, "가"),))

    def stream(self, text: str, manner: Manner = Manner()) -> object:
        yield self.speak(text, manner)

    def warm_up(self) -> None:
        self.speak("네.")


def test_words_go_along_with_their_sentence(tmp_path: Path) -> None:
    inner = Counting()
    voice = OwnWords(CachedVoice(inner, tmp_path), lambda: {"BIS": "버스 안내", "인기": "인끼"})
    voice.speak("BIS를 보세요.")
    voice.speak("안녕하세요.", Manner(rate=0.8))
    list(voice.stream("인기 BIS"))
    assert [manner.words for manner in inner.manners] == [
        (("BIS", "버스 안내"),),
        (),
        (("BIS", "버스 안내"), ("인기", "인끼")),
    ]
    assert voice.known("BIS를 보세요.") is not None and voice.known("다른 말") is None
    assert OwnWords(inner, dict).known("안녕하세요.") is None
    voice.warm_up()


def test_a_changed_word_is_not_found_as_it_was_said_before(tmp_path: Path) -> None:
    inner = Counting()
    said = {"BIS": "버스"}
    voice = OwnWords(CachedVoice(inner, tmp_path), lambda: said)
    voice.speak("BIS")
    said["BIS"] = "버스 안내"
    voice.speak("BIS")
    assert len(inner.manners) == 2


def test_the_front_end_says_them() -> None:
    (unit,) = units("BIS", {"BIS": "버스 안내"})[:1]
    assert unit.written == "BIS"
