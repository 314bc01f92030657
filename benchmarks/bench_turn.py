"""One question from recording to reply video, models warm: compute seconds a second of video.

The question is spoken by our own voice. Processor time of this process and its children is
counted, and wall time beside it; the peer is the published Wav2Lip pipeline's network alone on
the same number of frames, plain torch, in the same run (where the extra `neural` is installed).
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from bot.consult import consult
from bot.conversation.engines import engines
from bot.settings import load_settings
from media.speech_file import write_wav

QUESTIONS = ("기초연금은 어떻게 신청하나요?", "치매 검사는 어디서 받아요?", "등본은 어디서 떼요?")


def processor_seconds() -> float:
    """Return user and system seconds of this process and its finished children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def plain_wav2lip(frames: int) -> float | None:
    """Return the wall seconds that plain torch takes to draw `frames` mouths."""
    try:
        import torch

        from media.networks.wav2lip import Generator
    except ImportError:
        return None
    network, batch = Generator().eval(), 64
    audio, face = torch.zeros(batch, 1, 80, 16), torch.zeros(batch, 6, 96, 96)
    with torch.inference_mode():
        network(audio, face)
        started = time.perf_counter()
        network(audio, face)
    return (time.perf_counter() - started) * frames / batch


def main() -> None:
    """Measure and print."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        # A data folder of its own: nothing has been said before.
        built = engines(load_settings(app={"data_dir": folder}))
        built.warm_up()
        for number, question in enumerate(QUESTIONS):
            recording = Path(folder) / f"{number}.wav"
            write_wav(built.voice.speak(question).audio, recording)
            started, used = time.perf_counter(), processor_seconds()
            done = consult(built, recording, Path(folder) / f"{number}.mp4")
            wall, used = time.perf_counter() - started, processor_seconds() - used
            length = done.video.seconds
            ratios.append(wall / length)
            steps = ", ".join(f"{step} {value:.2f} s" for step, value in done.seconds.items())
            print(f"{done.transcript.text}: {done.answer.outcome.value}, video {length:.1f} s")
            print(f"  {steps}")
            print(f"  wall {wall / length:.2f}, processor {used / length:.2f} s a video second")
            peer = plain_wav2lip(round(length * 25))
            if peer:
                print(
                    f"  plain Wav2Lip network alone: {peer / length:.2f}; {peer / wall:.1f} × ours"
                )
    print(f"wall seconds a video second: median {np.median(ratios):.2f} (bar 1.0, aim 0.6)")


if __name__ == "__main__":
    main()
