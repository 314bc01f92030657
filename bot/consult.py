"""One consultation without a server: a recorded question in, a reply video out, each step timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.conversation import steps
from bot.conversation.engines import Engines
from bot.knowledge.fields import answer_fields
from bot.knowledge.types import Answer
from media.types import Transcript
from media.video import Video

Progress = Callable[[str], None]


@dataclass
class Consultation:
    """What came of one question. `seconds` holds the time of each step, in order."""

    transcript: Transcript
    answer: Answer
    video: Video
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the fields that `silverline ask --json` prints."""
        return {
            "heard": self.transcript.text,
            **answer_fields(self.answer),
            "seconds": {step: round(value, 3) for step, value in self.seconds.items()},
            "video_seconds": round(self.video.seconds, 2),
            "video": str(self.video.path),
            "poster": str(self.video.poster) if self.video.poster else None,
        }


def consult(
    engines: Engines, recording: Path, out: Path, progress: Progress = lambda step: None
) -> Consultation:
    """Answer the question in `recording` with a video at `out` and its poster beside it.

    `progress` is called with each step's name as it begins. MediaError where the recording
    cannot be used; nothing is written then.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        progress(step)
        started = time.perf_counter()
        yield
        seconds[step] = time.perf_counter() - started

    with timed("transcribe"):
        transcript = steps.hear(engines, recording)
    with timed("answer"):
        if transcript.heard:
            answer = steps.think(engines, transcript.text)
        else:
            answer = steps.not_heard(engines, transcript)
    with timed("voice"):
        speech = steps.voice(engines, answer)
    with timed("render"):
        video = steps.render(engines, speech, out, out.with_suffix(".jpg"), title=transcript.text)
    return Consultation(transcript, answer, video, seconds)
