"""Whisper through CTranslate2 (faster-whisper), for Korean."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from media.cpu import adds_int8_products
from media.errors import MediaError
from media.hear.activity import Activity, activity, levelled
from media.hear.evidence import Claim, doubt, nobody
from media.hear.stream import RATE
from media.types import Audio, FloatArray, Transcript, Word
from media.weights import WHISPER_BASE, assemble

_WINDOW = 30.0
_MOST_TOKENS = 300
_LEFT_OUT = 1.0
"""Seconds of speech that are worth hearing again where the model left them out."""
_BRIEF, _AFTER = 1000, 300
"""Frames of 10 ms that the encoder is given at least, and beyond the end of the sound."""
_QUESTION = 15.0
"""Seconds up to which that is worth while."""
QUICK = ("int8", 1)
"""Arithmetic and beams for who cannot wait."""
_NARROW = 1e-4
"""Share of the power above 4.1 kHz below which a sound came through a telephone."""
TELEPHONE_PROMPT = (
    "상담원이 성함과 생년월일, 휴대폰 번호로 본인 확인을 하고 연금과 보험, 예약을 안내합니다."
)
"""What calls are about, in the words they use: where half the spectrum is missing, it helps the
model to tell like-sounding words apart. On full-band sound it helped and hurt equally."""


def usual_decoding() -> tuple[str, int]:
    """Return the arithmetic and the beams that this machine's CPU hears well enough with.

    int8 and one beam where the CPU has instructions for sums of int8 products; elsewhere int8 is
    hardly quicker and rounds otherwise, and the model runs as it was published: float32 and five.
    """
    return ("float32", 5) if adds_int8_products() is False else QUICK


class WhisperRecogniser:
    """Speech recognition with a Whisper model; loads on first use, safe to share by threads.

    `model` is `packaged` (base, carried by packages), a folder in CTranslate2 form, or a name that
    faster-whisper knows or finds on the hub. `words` adds word times at a fifth more work. `cache`
    is where models are kept (default: the user's cache folder). `telephone_prompt` is what the
    model is told to expect of sound that came through a telephone. `compute_type` is one of
    CTranslate2's; `auto`, and a `beam_size` of 0, are what `usual_decoding` says. `short_window`
    says what is heard in a window that is hardly longer than itself: `always` all short sound,
    `auto` what came through a telephone, `never` nothing.
    """

    def __init__(
        self,
        model: str = "packaged",
        compute_type: str = "auto",
        device: str = "cpu",
        threads: int = 2,
        beam_size: int = 0,
        cache: Path | None = None,
        words: bool = False,
        telephone_prompt: str = TELEPHONE_PROMPT,
        short_window: Literal["auto", "always", "never"] = "auto",
    ) -> None:
        self._short_window = short_window
        self._model_name = model
        usual, beams = usual_decoding()
        self._compute_type = usual if (compute_type, device) == ("auto", "cpu") else compute_type
        self._device = device
        self._threads = threads
        self._beam_size = beam_size or beams
        self._cache = cache
        self._words = words
        self._telephone_prompt = telephone_prompt
        self._model: Any = None
        self._lock = threading.Lock()
        self.version = f"whisper-{Path(model).name}-{self._compute_type}-beam{self._beam_size}"
        if short_window != "auto":
            self.version += f"-{short_window}"

    def warm_up(self) -> None:
        """Load the model. MediaError `missing_model` where there is none by that name."""
        self._loaded()

    def recognise(self, audio: Audio) -> Transcript:
        """Return what is said; `heard` is false for silence, music and noise."""
        samples = levelled(_at_16k(audio))
        found = activity(samples)
        reason = nobody(found.speech_seconds, _level(audio))
        if reason:
            return _not_heard(reason)
        model = self._loaded()
        prompt = self._telephone_prompt if _is_narrow(samples) else ""
        short = {"auto": bool(prompt), "always": True, "never": False}[self._short_window]
        if not short or found.seconds > _QUESTION:
            return self._listen(model, samples, found, prompt)
        heard = self._listen(_brief(model), samples, found, prompt)
        # Rarely the short window loses a sentence, and then the model's own finds it.
        return heard if heard.heard else self._listen(model, samples, found, prompt)

    def _listen(self, model: Any, samples: FloatArray, found: Activity, prompt: str) -> Transcript:
        claims = [
            claim
            for start, end in found.spans()
            for claim in self._stretch(model, samples, found, start, end, prompt)
        ]
        return _believed(claims, prompt)

    def _stretch(
        self,
        model: Any,
        samples: FloatArray,
        found: Activity,
        start: float,
        end: float,
        prompt: str,
    ) -> Iterator[Claim]:
        """Yield what is said between two times, on the recording's clock.

        The model sometimes ends its text while somebody still speaks; what it left out is heard
        again from there. Where it ends as soon as it began, its times misled it: it listens once
        more without them.
        """
        timed = True
        while True:
            part = samples[int(start * RATE) : int(end * RATE)]
            claims = [
                _claim(segment, found, start)
                for segment in self._transcribe(model, part, prompt, timed)
            ]
            heard = claims[-1].end if claims else start
            left_out = found.speech_between(heard, end) >= _LEFT_OUT
            advanced = heard > start + _LEFT_OUT
            if claims and left_out and not advanced and timed:
                timed = False
                continue
            yield from claims
            if not (left_out and advanced):
                return
            start, timed = heard, True

    def _transcribe(
        self, model: Any, samples: FloatArray, prompt: str, timed: bool
    ) -> Iterator[Any]:
        window = min(_WINDOW, len(samples) / RATE)
        segments, _ = model.transcribe(
            samples,
            language="ko",
            beam_size=self._beam_size,
            # Retrying at higher temperatures took up to 19 s on bad sound and invents words.
            temperature=0.0,
            condition_on_previous_text=False,
            initial_prompt=prompt or None,
            max_new_tokens=min(_MOST_TOKENS, 48 + int(12 * window)),
            word_timestamps=self._words,
            without_timestamps=not timed,
        )
        yield from segments

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = self._load()
        return self._model

    def _load(self) -> Any:
        # Imported here: it takes a second and is not needed to build the recogniser.
        from faster_whisper import WhisperModel

        name = self._model_name
        if name == "packaged":
            name = str(assemble("whisper-base", WHISPER_BASE, self._cache))
        try:
            return WhisperModel(
                name,
                device=self._device,
                compute_type=self._compute_type,
                cpu_threads=self._threads,
                download_root=str(self._cache / "hub") if self._cache else None,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise MediaError(
                "missing_model",
                f"The speech recognition model {self._model_name!r} cannot be loaded: {error}.",
                "Set hearing.model to packaged, to a folder with a CTranslate2 model, or to a "
                "model that the hub has and this machine can reach.",
            ) from error


def _brief(model: Any) -> Any:
    """Return `model` with an encoder that is not given half a minute where a few seconds are heard.

    The package fills every window up to 30 s, on whose length most of the time goes; without most
    of the filling a question takes half as long. What comes through a telephone is heard no worse
    (18 questions in our voice: 10 % errors instead of 18 %); full-band sound was heard a little
    worse once and no worse another time (see docs/hearing.md), so that is done in live calls alone.
    """
    shorter = copy.copy(model)

    def encode(features: FloatArray) -> Any:
        filled = np.flatnonzero(features.any(axis=0))
        ends = int(filled[-1]) + 1 if len(filled) else 0
        # The encoder halves the frames: their number is even.
        frames = max(_BRIEF, ends + _AFTER + ends % 2)
        return model.encode(np.ascontiguousarray(features[:, :frames]))

    shorter.encode = encode
    return shorter


def _claim(segment: Any, found: Activity, offset: float) -> Claim:
    start, end = segment.start + offset, segment.end + offset
    return Claim(
        text=segment.text.strip(),
        start=start,
        end=end,
        speech_seconds=found.speech_between(start, end),
        log_probability=segment.avg_logprob,
        no_speech=segment.no_speech_prob,
        compression=segment.compression_ratio,
        words=tuple(
            Word(word.word.strip(), word.start + offset, word.end + offset, word.probability)
            for word in segment.words or ()
        ),
    )


def _believed(claims: Sequence[Claim], prompt: str) -> Transcript:
    doubts = [doubt(claim, prompt) for claim in claims]
    kept = [claim for claim, why in zip(claims, doubts, strict=True) if not why]
    if not kept:
        return _not_heard(next((why for why in doubts if why), "unclear"))
    weights = [max(0.1, claim.end - claim.start) for claim in kept]
    mean = float(np.average([claim.log_probability for claim in kept], weights=weights))
    return Transcript(
        " ".join(claim.text for claim in kept),
        tuple(word for claim in kept for word in claim.words),
        confidence=min(1.0, math.exp(mean)),
    )


def _not_heard(reason: str) -> Transcript:
    return Transcript("", heard=False, confidence=0.0, reason=reason)


def _is_narrow(samples: FloatArray) -> bool:
    power = np.abs(np.fft.rfft(samples)) ** 2
    upper = power[int(len(power) * 4100 / (RATE / 2)) :]
    return bool(upper.sum() < _NARROW * power.sum())


def _level(audio: Audio) -> float:
    if not len(audio.samples):
        return 0.0
    return float(np.sqrt(np.mean(audio.samples.astype(np.float64) ** 2)))


def _at_16k(audio: Audio) -> FloatArray:
    if audio.rate == RATE:
        return audio.samples
    import av

    frame = av.AudioFrame.from_ndarray(audio.samples[None, :], format="flt", layout="mono")
    frame.sample_rate = audio.rate
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    parts = [f.to_ndarray()[0] for f in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.float32)
