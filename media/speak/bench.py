"""Measures a voice: how well it is understood, how fast it is, how soon it is heard."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from media.hear.recogniser import Recogniser
from media.speak import kokoro_engine
from media.speak.judge import Score, score, spoken
from media.speak.kokoro import PACE, sequences
from media.speak.kokoro_graph import prepare
from media.speak.kokoro_source import RATE
from media.speak.korean import published as published_tokens
from media.speak.telephone import telephone
from media.speak.voice import Voice
from media.types import Audio

TEN_SECONDS = (
    "기초연금은 만 65세 이상이면 신청할 수 있어요. "
    "신분증과 통장을 가지고 가까운 주민센터로 가시면 됩니다. "
    "궁금하시면 129번으로 전화해 주세요."
)
"""An answer of about ten seconds, for the time to its first sound."""
STYLE = "korean_woman"
"""In which the published graph speaks."""

_AROUND = 0.5


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser made of one sentence, and the pace at which it was said."""

    text: str
    wide: str
    narrow: str
    wide_score: Score
    narrow_score: Score
    syllables: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of work for a second of speech: the voice, and the published int8 graph."""

    ours: float
    published: float
    seconds: float


def sentences(path: Path, half: str) -> list[str]:
    """Return the sentences of `half` (`tuning` or `held_out`) from a table with a heading."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file, delimiter="\t") if row["half"] == half]


def listen(
    voice: Voice, judge: Recogniser, texts: Sequence[str], kept: Path | None = None
) -> Iterator[Heard]:
    """Say each of `texts`, let `judge` hear it wide band and through a telephone, and compare.

    `kept` is a file of JSON lines: what it holds of this voice is not said again, what is heard is
    appended, so that a long run can be stopped and taken up.
    """
    known = _kept(kept, voice.version)
    for text in texts:
        if text not in known:
            audio = _in_a_call(voice.speak(text).audio)
            known[text] = {
                "voice": voice.version,
                "text": text,
                "wide": judge.recognise(audio).text,
                "narrow": judge.recognise(telephone(audio)).text,
                "seconds": round(audio.seconds - 2 * _AROUND, 3),
            }
            if kept:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known[text], ensure_ascii=False) + "\n")
        found = known[text]
        yield Heard(
            text,
            found["wide"],
            found["narrow"],
            score(text, found["wide"]),
            score(text, found["narrow"]),
            len(spoken(text)),
            found["seconds"],
        )


def _kept(path: Path | None, version: str) -> dict[str, dict[str, Any]]:
    """Return what `path` holds of the voice `version`: text → its line."""
    if path is None or not path.is_file():
        return {}
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line["text"]: line for line in lines if line["voice"] == version}


def _in_a_call(audio: Audio) -> Audio:
    """Return `audio` with silence around it: what starts at the first sample is taken for noise."""
    return Audio(np.pad(audio.samples, round(_AROUND * audio.rate)), audio.rate)


def speed(voice: Voice, texts: Sequence[str]) -> Speed:
    """Time `voice`, text to finished sound, against Kokoro's published int8 graph in onnxruntime.

    Sentence by sentence in turn, both warm; the graph is given its ids, so reading is not counted
    for it. Each is divided by the length of its own sound.
    """
    published = _published(getattr(voice, "threads", 2))
    voice.warm_up()
    ours = theirs = length = said = 0.0
    for number, text in enumerate(texts):
        pieces = [(ids, kokoro_engine.style_row(STYLE, len(ids))) for ids in sequences(text)]

        def reference(pieces: list[tuple[list[int], np.ndarray]] = pieces) -> float:
            return sum(published(ids, style) / RATE for ids, style in pieces)

        def whole(text: str = text) -> float:
            return voice.speak(text).audio.seconds

        if number == 0:
            reference()
        seconds, took = _timed(whole)
        length, ours = length + seconds, ours + took
        seconds, took = _timed(reference)
        said, theirs = said + seconds, theirs + took
    return Speed(ours / length, theirs / said, length)


def first_sound(voice: Voice, text: str = TEN_SECONDS) -> tuple[float, float]:
    """Return the seconds until the first stretch of `text` is ready, and its length."""
    began = time.perf_counter()
    part = next(iter(voice.stream(text)))
    return time.perf_counter() - began, part.audio.seconds


def _published(threads: int) -> Callable[[list[int], np.ndarray], int]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(prepare().published), options)

    def run(ids: list[int], style: np.ndarray) -> int:
        inputs = {
            "tokens": np.array([[0, *published_tokens(ids), 0]], np.int64),
            "style": style.reshape(1, 256),
            "speed": np.array([PACE], np.float32),
        }
        return len(session.run(None, inputs)[0].reshape(-1))

    return run


def _timed(work: Callable[[], float]) -> tuple[float, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began
