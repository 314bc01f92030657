import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from media.errors import MediaError
from media.speak.cache import CachedVoice
from media.types import Audio, Manner, Phoneme, Speech


class Hummer:
    """Hums every word for half a second and counts how often it was asked."""

    def __init__(self, version: str = "hum-1") -> None:
        self.version = version
        self.asked = 0
        self.warm = False

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        self.asked += 1
        samples = np.linspace(-0.5, 0.5, 12_000, dtype=np.float32)
        return Speech(text, Audio(samples, 24_000), (Phoneme("m", 0.1, 0.4, text),))

    def stream(self, text: str, manner: Manner = Manner()) -> Iterator[Speech]:
        if not text:
            raise MediaError("empty", "Nothing.", "Say something.")
        for word in text.split():
            yield self.speak(word, manner)

    def warm_up(self) -> None:
        self.warm = True


def test_second_time_is_read_from_the_folder(tmp_path: Path) -> None:
    voice = Hummer()
    first = CachedVoice(voice, tmp_path).speak("안녕")
    again = CachedVoice(voice, tmp_path).speak("안녕")
    assert voice.asked == 1
    assert again.phonemes == first.phonemes
    assert again.audio.rate == 24_000
    assert np.allclose(again.audio.samples, first.audio.samples, atol=1e-4)


def test_text_manner_and_version_tell_speeches_apart(tmp_path: Path) -> None:
    voice = Hummer()
    kept = CachedVoice(voice, tmp_path)
    kept.speak("안녕")
    kept.speak("안녕히")
    kept.speak("안녕", Manner(rate=0.8))
    assert voice.asked == 3
    other = Hummer("hum-2")
    CachedVoice(other, tmp_path).speak("안녕")
    assert other.asked == 1


def test_a_finished_stream_is_kept_as_one_speech(tmp_path: Path) -> None:
    voice = Hummer()
    kept = CachedVoice(voice, tmp_path)
    assert len(list(kept.stream("하나 둘"))) == 2
    (whole,) = kept.stream("하나 둘")
    assert voice.asked == 2
    assert whole.audio.seconds == pytest.approx(1.0)
    assert [p.start for p in whole.phonemes] == pytest.approx([0.1, 0.6])


def test_a_stream_that_was_left_is_not_kept(tmp_path: Path) -> None:
    next(CachedVoice(Hummer(), tmp_path).stream("하나 둘"))
    assert list(tmp_path.glob("*.npz")) == []


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    voice = Hummer()
    kept = CachedVoice(voice, tmp_path)
    kept.speak("안녕")
    (file,) = tmp_path.glob("*.npz")
    for damage in (b"", b"no archive", file.read_bytes()[:200]):
        file.write_bytes(damage)
        assert kept.speak("안녕").audio.seconds == pytest.approx(0.5)
    assert voice.asked == 4


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    kept = CachedVoice(Hummer(), tmp_path, most_bytes=60_000)
    kept.speak("하나")
    (oldest,) = tmp_path.glob("*.npz")
    os.utime(oldest, (1, 1))
    kept.speak("둘")
    kept.speak("하나")
    kept.speak("셋")
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 60_000
    assert oldest.exists()


def test_errors_pass_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        list(CachedVoice(Hummer(), tmp_path).stream(""))
    assert list(tmp_path.iterdir()) == []


def test_warm_up_reaches_the_voice(tmp_path: Path) -> None:
    voice = Hummer()
    CachedVoice(voice, tmp_path).warm_up()
    assert voice.warm
