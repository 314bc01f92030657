"""Speech on disk: 16-bit mono WAV for the sound, JSON for text and phoneme timings."""

from __future__ import annotations

import json
import wave
from dataclasses import asdict
from pathlib import Path

import numpy as np

from media.errors import MediaError
from media.types import Audio, Phoneme, Speech


def write_wav(audio: Audio, path: Path) -> None:
    """Write `audio` as 16-bit mono WAV; what exceeds [-1, 1] is clipped."""
    pcm = (np.clip(audio.samples, -1.0, 1.0) * 32767.0).round().astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate)
        file.writeframes(pcm.tobytes())


def read_wav(path: Path) -> Audio:
    """Return the 16-bit WAV at `path`, channels averaged; MediaError `not_wav` for anything else.

    Recordings of people go through `media.decode`; this reads what `write_wav` wrote.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise MediaError(
            "not_wav", f"{path.name} is not a WAV file.", "Give a WAV file."
        ) from error
    if width != 2:
        raise MediaError("not_wav", f"{path.name} is not 16-bit.", "Convert it to 16-bit WAV.")
    pcm = np.frombuffer(data, "<i2").reshape(-1, channels).astype(np.float32) / 32768.0
    return Audio(pcm.mean(axis=1), rate)


def write_timings(speech: Speech, path: Path) -> None:
    """Write text and phoneme timings (seconds) of `speech` as JSON."""
    phonemes = [
        asdict(p) | {"start": round(p.start, 4), "end": round(p.end, 4)} for p in speech.phonemes
    ]
    content = {"text": speech.text, "seconds": speech.audio.seconds, "phonemes": phonemes}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def read_speech(wav: Path, timings: Path) -> Speech:
    """Return the speech whose sound is `wav` and whose timings are `timings`."""
    try:
        content = json.loads(timings.read_text(encoding="utf-8"))
        phonemes = tuple(Phoneme(**p) for p in content["phonemes"])
        text = str(content["text"])
    except (ValueError, KeyError, TypeError) as error:
        raise MediaError(
            "bad_timings",
            f"{timings.name} does not hold phoneme timings.",
            "Make it with `silverline say TEXT --out speech.wav --timings timings.json`.",
        ) from error
    return Speech(text, read_wav(wav), phonemes)
