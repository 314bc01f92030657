"""Frames a second of the Wav2Lip generator: our runtime against plain torch, in the same run; and
the seconds that a portrait's finished video takes.

Random weights: speed does not depend on them, and rounding hardly shows in what they draw (what
int8 costs is measured on trained ones by `tests/media/networks/test_quantise.py`). Rounds
alternate, so that a noisy machine slows all alike; the best round of each counts. `--windows`
writes instead the mel windows that int8 takes its ranges from.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from media.face.counsellor import Counsellor
from media.face.viseme import frame_count
from media.face.wav2lip import SHOWN, WINDOWS, Wav2LipFace, at_mel_rate
from media.networks.mel import wav2lip_mel, wav2lip_windows
from media.networks.runtime import MouthPainter
from media.networks.wav2lip import Generator
from media.speak.jets import JetsVoice
from media.speak.kokoro import KokoroVoice
from media.types import Audio, FloatArray, Speech
from media.video import encode

ROUNDS, FRAMES, TORCH_BATCH = 5, 128, 64
SECONDS = 10
SAID = (
    "안녕하세요. 기초연금은 만 65세 이상이면 신청할 수 있어요.",
    "신분증과 통장을 가지고 가까운 주민센터로 가시면 됩니다.",
    "우와, 정말요? 뭐라고 하셨어요?",
    "모르는 사람이 돈을 보내라고 하면 바로 끊으세요.",
    "치매 검사는 보건소에서 무료로 받아 보세요. 예약은 전화로 하시면 돼요.",
    "버스와 지하철을 타실 때는 어르신 교통카드를 찍으세요.",
    "전화번호는 1577에 1000번이에요. 천천히 다시 말씀드릴까요?",
)
WINDOWS_EACH = 160


def write_windows() -> None:
    """Write the windows of some sentences in the delivered voices, shuffled."""
    voices = JetsVoice(), KokoroVoice("korean_man", rate=0.925)
    chosen = []
    for voice in voices:
        found = []
        for said in SAID:
            audio = voice.speak(said).audio
            count = frame_count(audio.seconds + 0.4)
            found.append(wav2lip_windows(wav2lip_mel(at_mel_rate(audio, 0.4)), count))
        every = np.concatenate(found)
        chosen.append(every[np.linspace(0, len(every) - 1, WINDOWS_EACH).astype(int)])
    mixed = np.random.default_rng(0).permutation(np.concatenate(chosen))
    np.savez_compressed(WINDOWS, windows=mixed.astype(np.float16))


def main() -> None:
    """Measure and print."""
    if sys.argv[1:] == ["--windows"]:
        write_windows()
        return
    torch.set_num_threads(2)
    torch.manual_seed(0)
    network = Generator().eval()
    draw = np.random.default_rng(0)
    windows = draw.uniform(-4, 4, (FRAMES, 80, 16)).astype(np.float32)
    faces = draw.uniform(0, 1, (1, 6, 96, 96)).astype(np.float32)
    every = np.repeat(faces, FRAMES, axis=0)
    with np.load(WINDOWS) as table:
        spoken = table["windows"].astype(np.float32)

    def examples() -> tuple[FloatArray, FloatArray]:
        return spoken, faces

    def eight(top: int) -> MouthPainter:
        return MouthPainter(None, precision="int8", network=network, top=top, examples=examples)

    ways = {
        "int8, one photo, rows shown": (eight(SHOWN), faces),
        "int8, a clip, rows shown": (eight(SHOWN), every),
        "bf16, one photo, rows shown": (MouthPainter(None, network=network, top=SHOWN), faces),
        "bf16, a clip, rows shown": (MouthPainter(None, network=network, top=SHOWN), every),
        "bf16, a clip, whole picture": (MouthPainter(None, network=network), every),
        "f32, one photo, rows shown": (
            MouthPainter(None, precision="f32", network=network, top=SHOWN),
            faces,
        ),
    }
    for painter, given in ways.values():
        painter.paint(windows[:16], given[:16])
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, (painter, given) in ways.items():
            started = time.perf_counter()
            painter.paint(windows, given)
            rate = FRAMES / (time.perf_counter() - started)
            best[name] = max(best.get(name, 0.0), rate)
        started = time.perf_counter()
        with torch.inference_mode():
            audio = torch.from_numpy(windows[:TORCH_BATCH, None])
            network(audio, torch.from_numpy(every[:TORCH_BATCH]))
        rate = TORCH_BATCH / (time.perf_counter() - started)
        best["torch"] = max(best.get("torch", 0.0), rate)
    with torch.inference_mode():
        exact = network(torch.from_numpy(windows[:16, None]), torch.from_numpy(every[:16])).numpy()
    for name, (painter, given) in ways.items():
        drawn = painter.paint(windows[:16], given[:16])
        top = painter.top
        difference = np.abs(drawn - exact)[:, :, top:].max() / np.abs(exact).max()
        ratio = best[name] / best["torch"]
        print(f"{name:28} {best[name]:6.1f} frames/s, {ratio:.1f} × torch, "
              f"relative error {difference:.1e}")  # fmt: skip
    print(f"plain torch, float32, batch {TORCH_BATCH}: {best['torch']:.1f} frames/s")
    whole(network)


def whole(network: Generator) -> None:
    """Print the seconds that a second of a portrait's finished video takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["SILVERLINE_CACHE"] = name
        torch.save(network.state_dict(), folder / "wav2lip.pth")
        drawn = Counsellor(look="haneul").picture()
        cv2.imwrite(str(folder / "photo.png"), np.ascontiguousarray(drawn[:, :, ::-1]))
        noise = np.random.default_rng(0).standard_normal(SECONDS * 24000) * 0.1
        speech = Speech("", Audio(noise.astype(np.float32), 24000))
        face = Wav2LipFace(folder / "photo.png", folder / "wav2lip.pth")
        face.warm_up()
        started, busy = time.perf_counter(), time.process_time()
        video = encode(face.speaking(speech), speech.audio, folder / "v.mp4", size=face.size)
        took, spent = time.perf_counter() - started, time.process_time() - busy
    print(f"portrait to mp4: {took / video.seconds:.2f} s a second of video "
          f"({spent / video.seconds:.2f} processor seconds, without the encoder's)")  # fmt: skip


if __name__ == "__main__":
    main()
