"""Hearing: errors, keywords, time and invented sentences, against faster-whisper as it comes.

Both run the same weights in the same process, one after the other on each recording, so that their
ratio holds on a busy machine. Run: `.venv/bin/python benchmarks/bench_hearing.py [--beam 5]`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "media")]

from sounds import NOBODY, RATE  # noqa: E402

from media.decode import decode  # noqa: E402
from media.hear.score import character_error_rate, keywords_found  # noqa: E402
from media.hear.whisper import WhisperRecogniser  # noqa: E402
from media.types import Audio  # noqa: E402
from media.weights import WHISPER_BASE, assemble  # noqa: E402

RECORDINGS = ROOT.parent / "shared" / "data" / "speech_ko"


@dataclass
class Score:
    """What one recogniser made of everything."""

    name: str
    hear: Callable[[Audio], str]
    seconds: float = 0.0
    errors: list[float] = field(default_factory=list)
    found: int = 0
    wanted: int = 0
    lists_met: int = 0
    invented: list[str] = field(default_factory=list)


def ours(beam: int) -> Score:
    """Silverline's recogniser with `beam` hypotheses."""
    recogniser = WhisperRecogniser(beam_size=beam)
    recogniser.warm_up()
    return Score(f"silverline, beam {beam}", lambda audio: recogniser.recognise(audio).text)


def peer() -> Score:
    """faster-whisper with its own defaults (beam 5, temperature fallback), told the language."""
    from faster_whisper import WhisperModel

    folder = assemble("whisper-base", WHISPER_BASE)
    model: Any = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)

    def hear(audio: Audio) -> str:
        segments, _ = model.transcribe(audio.samples, language="ko")
        return " ".join(segment.text.strip() for segment in segments)

    return Score("faster-whisper, its defaults", hear)


def timed(score: Score, audio: Audio) -> str:
    """Return what `score`'s recogniser hears in `audio`, its time added up."""
    began = time.perf_counter()
    text = score.hear(audio)
    score.seconds += time.perf_counter() - began
    return text


def on_recordings(scores: list[Score]) -> float:
    """Let everyone hear the recordings; return the seconds of sound."""
    total = 0.0
    for name, truth in json.loads((RECORDINGS / "transcripts.json").read_text()).items():
        audio = decode(RECORDINGS / name)
        total += audio.seconds
        for score in scores:
            text = timed(score, audio)
            if truth["text"]:
                score.errors.append(character_error_rate(truth["text"], text))
            if wanted := truth.get("keywords"):
                found = len(keywords_found(wanted, text))
                score.found, score.wanted = score.found + found, score.wanted + len(wanted)
                score.lists_met += found >= 0.7 * len(wanted)
    return total


def on_nobody(scores: list[Score]) -> None:
    """Let everyone hear sounds in which nobody speaks."""
    for name, make in NOBODY.items():
        audio = Audio(make(), RATE)
        for score in scores:
            if text := score.hear(audio):
                score.invented.append(f"{name}: {text[:30]}")


def main() -> None:
    """Print one line for each recogniser, and what it invented."""
    beams = [5] if "--beam" in sys.argv else []
    scores = [ours(1), *(ours(beam) for beam in beams), peer()]
    total = on_recordings(scores) if RECORDINGS.is_dir() else 0.0
    if not total:
        print("no ../shared/data/speech_ko: recordings left out")
    on_nobody(scores)
    for score in scores:
        ratio = scores[-1].seconds / score.seconds if score.seconds else float("nan")
        print(
            f"{score.name:30} CER {np.mean(score.errors or [np.nan]):.3f}"
            f"  keywords {score.found}/{score.wanted} (lists met {score.lists_met})"
            f"  {score.seconds:.1f} s for {total:.0f} s, {ratio:.1f} × as fast as the peer"
            f"  invented {len(score.invented)} of {len(NOBODY)}"
        )
        for line in score.invented:
            print(f"    {line}")


if __name__ == "__main__":
    main()
