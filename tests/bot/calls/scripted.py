"""A small conversation for tests of the transport: greets, answers loud sound, is interrupted."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import numpy as np

from bot.calls.offers import Offer
from bot.live.transport import After, Caller, Mood, Piece, Speaker, Transport
from media.speech_file import write_wav
from media.types import Audio, FloatArray, Frame, Phoneme, Speech

RATE = 24000
SYLLABLES = ("pa", "ma", "po", "a")
LOUD = 0.02
PAUSE = 0.4


def babble(seconds: float, text: str = "말") -> Speech:
    """Return speech that opens and shuts the mouth widely: a vowel is loud, lips shut are silent.

    Open and shut last differently long from syllable to syllable, so that a shift shows.
    """
    rng = np.random.default_rng(5)
    count = round(seconds * RATE)
    samples = np.zeros(count, np.float32)
    phonemes, at = [], 0.1
    while at < seconds - 0.7:
        shut, opened = rng.uniform(0.12, 0.3), rng.uniform(0.16, 0.34)
        phonemes.append(Phoneme("m", at, at + shut, text))
        phonemes.append(Phoneme("a", at + shut, at + shut + opened, text))
        first, last = round((at + shut) * RATE), round((at + shut + opened) * RATE)
        time = np.arange(last - first) / RATE
        tone = sum(np.sin(2 * np.pi * 160 * k * time) / k for k in range(1, 9))
        samples[first:last] = 0.2 * tone * np.hanning(last - first) ** 0.3
        at += shut + opened
    return Speech(text, Audio(samples, RATE), tuple(phonemes))


class Scripted:
    """A `bot.calls.call.Conversation` whose answers are known beforehand."""

    def __init__(self, caller: Caller, transport: Transport, seconds: float = 3.0) -> None:
        self.caller, self.transport, self.seconds = caller, transport, seconds
        self.keys: list[str] = []
        self.marks: list[str] = []
        self.gone: list[str] = []
        self.cuts: list[object] = []
        self.sound: list[FloatArray] = []
        self.answers = 0
        self._speaking = self._heard = False
        self._quiet = 0.0
        self._lock = Lock()

    def start(self) -> None:
        """Greet."""
        self._say("greeting", "안녕하세요. 무엇이 궁금하세요?")

    def hear(self, samples: FloatArray) -> None:
        """Stop at loud sound; answer where it has been followed by a pause."""
        self.sound.append(samples)
        with self._lock:
            if np.sqrt(np.mean(samples**2)) > LOUD:
                if not self._heard and self._speaking:
                    self.cuts.append(self.transport.clear())
                    self._speaking = False
                    self.transport.show(Mood.LISTENING)
                self._heard, self._quiet = True, 0.0
            elif self._heard:
                self._quiet += len(samples) / 16000
        if self._heard and self._quiet > PAUSE:
            self._heard, self._quiet = False, 0.0
            self.answers += 1
            self.transport.caption(Speaker.PERSON, "기초연금은 어떻게 신청해요?")
            self.transport.show(Mood.THINKING)
            self._say(f"answer{self.answers}", "가까운 주민센터에서 신청하시면 돼요.")

    def key(self, digit: str) -> None:
        """Note a key; 0 ends the call."""
        self.keys.append(digit)
        if digit == "0":
            self.transport.end(After.HUMAN)

    def played(self, mark: str) -> None:
        """Note what was heard."""
        self.marks.append(mark)
        self._speaking = False
        self.transport.show(Mood.LISTENING)

    def hang_up(self, reason: str = "") -> None:
        """Note the end."""
        self.gone.append(reason)

    def join(self, timeout: float | None = None) -> bool:
        """There is nothing to store."""
        return True

    def _say(self, mark: str, text: str) -> None:
        self._speaking = True
        self.transport.show(Mood.SPEAKING)
        self.transport.caption(Speaker.COUNSELLOR, text)
        self.transport.play(Piece(mark, babble(self.seconds, text)))


class NoRecords:
    """Keeps nothing, and remembers what it was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str, Offer]] = []
        self.ended: dict[str, str] = {}
        self.pictures: list[Frame] = []

    def begin(self, person: str, key: str, offer: Offer) -> Caller:
        """Return the caller."""
        self.begun.append((person, key, offer))
        return Caller("call", f"person:{person}", key, offer.record)

    def picture(self, key: str, frame: Frame) -> None:
        """Note a picture."""
        self.pictures.append(frame)

    def end(self, key: str, ending: str) -> None:
        """Note the end."""
        self.ended[key] = ending


def microphone_wav(path: Path, *parts: tuple[float, float]) -> Path:
    """Write a microphone's sound: for each part seconds of silence, then of loud sound."""
    sounds = []
    for silent, loud in parts:
        sounds.append(np.zeros(round(silent * RATE), np.float32))
        time = np.arange(round(loud * RATE)) / RATE
        # A voice wavers; a steady tone would be taken for noise and removed.
        pitch = 2 * np.pi * np.cumsum(150 + 40 * np.sin(2 * np.pi * 3 * time)) / RATE
        voice = sum(np.sin(k * pitch) / k for k in range(1, 9))
        wavering = 0.55 + 0.45 * np.sin(2 * np.pi * 5 * time)
        sounds.append((0.25 * voice * wavering).astype(np.float32))
    write_wav(Audio(np.concatenate(sounds), RATE), path)
    return path
