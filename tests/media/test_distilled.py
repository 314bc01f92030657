"""The delivered JETS voice: it speaks without torch and ESPnet, and obeys a counsellor's manner."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from media.hear.score import character_error_rate
from media.hear.whisper import WhisperRecogniser
from media.speak.jets import OWN, JetsVoice
from media.speak.jets_quick import QuickJets
from media.types import Audio, Manner

TEXT = "신분증을 가지고 가까운 주민센터로 가시면 됩니다."


@pytest.fixture(scope="module")
def voice() -> JetsVoice:
    made = JetsVoice()
    made.warm_up()
    return made


def fundamental(audio: Audio) -> float:
    """Return the median fundamental frequency in Hz of what is voiced, by autocorrelation."""
    width, lags = audio.rate // 25, np.arange(audio.rate // 420, audio.rate // 90)
    found = []
    for start in range(0, len(audio.samples) - width - lags[-1] - 1, width // 2):
        part = audio.samples[start : start + width + lags[-1] + 1].astype(float)
        if np.std(part) < 0.03:
            continue
        later = np.lib.stride_tricks.sliding_window_view(part, width)[lags]
        first = part[:width]
        alike = later @ first / (np.linalg.norm(later, axis=1) * np.linalg.norm(first) + 1e-9)
        if alike.max() > 0.85:
            found.append(audio.rate / lags[np.flatnonzero(alike > 0.93 * alike.max())[0]])
    return float(np.median(found))


def test_it_is_understood(voice: JetsVoice) -> None:
    heard = WhisperRecogniser().recognise(voice.speak(TEXT).audio).text
    assert character_error_rate(TEXT, heard) <= 0.1, heard


def test_a_manner_changes_pitch_and_pace(voice: JetsVoice) -> None:
    plain = voice.speak(TEXT)
    low, high = (voice.speak(TEXT, Manner(pitch=pitch)) for pitch in (0.85, 1.15))
    assert fundamental(low.audio) < 0.94 * fundamental(plain.audio)
    assert fundamental(high.audio) > 1.06 * fundamental(plain.audio)
    assert voice.speak(TEXT, Manner(rate=0.8)).audio.seconds > 1.15 * plain.audio.seconds


def test_pitch_and_treble_of_a_persona_are_in_its_version() -> None:
    assert JetsVoice(pitch=0.9).version != JetsVoice().version != JetsVoice(lift=3.0).version


def test_treble_is_lifted() -> None:
    def treble(lift: float) -> float:
        samples = JetsVoice(lift=lift).speak("주민센터").audio.samples
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float(power[len(power) // 3 :].sum() / power.sum())

    assert treble(6.0) > 1.5 * treble(0.0)


def test_phonemes_cover_the_words(voice: JetsVoice) -> None:
    speech = voice.speak(TEXT)
    assert {phoneme.word for phoneme in speech.phonemes} == set(TEXT.split())
    assert all(phoneme.end > phoneme.start for phoneme in speech.phonemes)
    assert speech.phonemes[-1].end <= speech.audio.seconds


def test_the_card_says_what_it_learnt_from() -> None:
    card = json.loads((OWN / "card.json").read_text(encoding="utf-8"))
    assert "Apache-2.0" in card["teacher"] and "no recording" in card["trained_on"]
    assert card["hours"] >= 5 and card["parameters_millions"] <= 12
    assert (OWN / "model.safetensors").stat().st_size <= 25_000_000


def test_it_needs_neither_torch_nor_espnet() -> None:
    program = (
        "import sys\n"
        "from media.speak.jets import JetsVoice\n"
        "print(JetsVoice().speak('네.').audio.seconds > 0.1)\n"
        "print({'torch', 'espnet2'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["True", "set()"], done.stderr


def test_a_long_stretch_made_in_windows_sounds_as_in_one(voice: JetsVoice) -> None:
    speaker = voice._loaded.speaker
    assert isinstance(speaker, QuickJets)
    rng = np.random.default_rng(5)
    states = rng.normal(size=(1, 700, 256)).astype(np.float32)
    whole = speaker._sound.run({"states": states})["samples"][0, 0]
    parts = speaker._windows(states)
    end = 600 * voice._loaded.hop
    assert len(parts) == len(whole)
    assert np.abs(parts[:end] - whole[:end]).max() < 0.02 * np.abs(whole).max()
