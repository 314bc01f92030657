"""Do phoneme timings follow the sound? Ours against events found in the signal by other means.

Kokoro's timings come from spectra, usual spectra and lengths (`media.speak.timings`), those of JETS
are the model's own. This check uses none of them: the level in the time domain finds where silence
begins and ends, and autocorrelation finds where the voice sets in. Three kinds of events are
compared:

- *plosive*: the onset of a plosive after silence – the end of that silence
- *vowel*: the onset of a vowel after a voiceless stop – the first voiced moment after it
- *end*: the end of a phrase – the beginning of the silence that follows

An event that the signal does not show within 0.3 s is counted as missing and printed.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.cli.speaking import PERSONAS
from media.personas import load_persona
from media.speak.bench import sentences
from media.types import Audio, Phoneme, Speech

SENTENCES = Path(__file__).with_name("data") / "voice_sentences.tsv"
VOWELS = frozenset("aʌouɯieɛ")
PLOSIVES = frozenset("ktpʨ")
REACH = 0.3
STEP = 0.001


def level(audio: Audio, window: float = 0.005) -> NDArray[np.float64]:
    """Return the level every millisecond in dB under the loudest 50 ms."""

    def power(width: int) -> NDArray[np.float64]:
        squares = np.convolve(audio.samples.astype(float) ** 2, np.ones(width) / width, "same")
        return squares[:: round(STEP * audio.rate)]

    return 10 * np.log10(power(round(window * audio.rate)) / power(audio.rate // 20).max() + 1e-9)


def silences(audio: Audio, below: float = -40.0, least: float = 0.06) -> list[tuple[float, float]]:
    """Return the silent stretches of `audio`, in seconds; its two ends are always silences."""
    quiet = np.concatenate([[True], level(audio) < below, [True]])
    edges = np.flatnonzero(np.diff(quiet.astype(int)))
    starts, ends = [0, *edges[1::2]], [*edges[::2], len(quiet) - 2]
    last = len(quiet) - 2
    return [
        (a * STEP, b * STEP)
        for a, b in zip(starts, ends, strict=True)
        if b - a >= least / STEP or a == 0 or b == last
    ]


def voice_begins(audio: Audio, after: float) -> float | None:
    """Return the first moment from `after` on that repeats itself at a voice's pitch."""
    rate, width = audio.rate, round(0.020 * audio.rate)
    lags = np.arange(round(rate / 400), round(rate / 80))
    for place in np.arange(after, min(after + REACH, audio.seconds - 0.04), 0.002):
        start = round(place * rate)
        first = audio.samples[start : start + width].astype(float)
        if np.std(first) < 0.01:
            continue
        later = np.lib.stride_tricks.sliding_window_view(
            audio.samples[start : start + width + lags[-1] + 1].astype(float), width
        )
        if len(later) <= lags[-1]:
            return None
        later = later[lags]
        alike = later @ first / (np.linalg.norm(later, axis=1) * np.linalg.norm(first) + 1e-9)
        if alike.max() > 0.75:
            # The window must be half inside the voice to repeat itself.
            return float(place + width / rate / 2)
    return None


def differences(speech: Speech) -> list[tuple[str, str, float, float | None]]:
    """Return (kind, phoneme, our seconds, ours less the signal's or None) for each event."""
    quiet = silences(speech.audio)
    found: list[tuple[str, str, float, float | None]] = []
    phonemes = speech.phonemes
    for before, here, after in zip(
        (None, *phonemes[:-1]), phonemes, (*phonemes[1:], None), strict=True
    ):
        if here.symbol[0] in PLOSIVES and "̚" not in here.symbol and _gap(before, here) > 0.06:
            found.append(
                ("plosive", here.symbol, here.start, _near(here.start, [b for _, b in quiet]))
            )
        if _is_voiceless_stop(here) and after and after.symbol in VOWELS:
            heard = voice_begins(speech.audio, max(here.start, here.end - 0.1))
            found.append(
                ("vowel", after.symbol, after.start, None if heard is None else after.start - heard)
            )
        if after is None or _gap(here, after) > 0.15:
            found.append(("end", here.symbol, here.end, _near(here.end, [a for a, _ in quiet])))
    return found


def _is_voiceless_stop(phoneme: Phoneme) -> bool:
    return phoneme.symbol[0] in PLOSIVES and "̚" not in phoneme.symbol


def _gap(before: Phoneme | None, here: Phoneme) -> float:
    return 1.0 if before is None else here.start - before.end


def _near(ours: float, theirs: Sequence[float]) -> float | None:
    offset = min((ours - time for time in theirs), key=abs, default=None)
    return offset if offset is not None and abs(offset) <= REACH else None


def summary(
    rows: Sequence[tuple[str, str, float, float | None]],
) -> dict[str, tuple[int, int, float, float, float]]:
    """Return kind → (events, missing, median and 95th percentile of |difference|, mean), in ms."""
    kinds: dict[str, list[float | None]] = defaultdict(list)
    for kind, _, _, difference in rows:
        kinds[kind].append(difference)
        kinds["all"].append(difference)
    result = {}
    for kind, values in kinds.items():
        known = 1000 * np.array([value for value in values if value is not None])
        size = np.abs(known)
        result[kind] = (
            len(values),
            len(values) - len(known),
            float(np.median(size)),
            float(np.percentile(size, 95)),
            float(known.mean()),
        )
    return result


def main() -> None:
    """Say 40 held-out sentences and print how far our timings lie from the signal's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persona", default="sunny")
    parser.add_argument("--count", type=int, default=40)
    given = parser.parse_args()
    voice = load_persona(PERSONAS, given.persona).voice
    texts = sentences(SENTENCES, "held_out")
    rows = []
    for text in texts[:: len(texts) // given.count][: given.count]:
        rows += differences(voice.speak(text))
    print(f"{given.persona} ({voice.version}): {given.count} sentences")
    print(
        f"{'event':8s} {'count':>6s} {'missing':>8s} {'median':>8s} {'p95':>8s} {'mean':>8s}  (ms)"
    )
    for kind, (count, missing, median, high, mean) in summary(rows).items():
        print(f"{kind:8s} {count:6d} {missing:8d} {median:8.1f} {high:8.1f} {mean:8.1f}")


if __name__ == "__main__":
    main()
