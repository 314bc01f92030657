"""The voice JETS (Lim et al. 2022, arXiv 2203.16852), ours or one that ESPnet trained.

Its duration predictor says how many frames each token lasts, and the sound is made to exactly
those lengths: the phoneme timings are the model's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np

from media.errors import MediaError
from media.speak.clauses import Stretch, stretches
from media.speak.frontend import readable
from media.speak.jets_model import JetsModel, fetched, load, model_files
from media.speak.jets_tokens import Reading, Token, heard, reading_of, tokens_of
from media.speak.kokoro import join
from media.speak.loudness import TARGET, lift_treble, normalise
from media.types import Audio, FloatArray, Manner, Phoneme, Speech
from media.weights import digest_of

PAUSES = {"sentence": 0.42, "clause": 0.2, "phrase": 0.08, "none": 0.05}
"""Seconds of silence after a stretch, by the break that ends it."""
OWN = Path(__file__).with_name("distilled")
"""The voice that is delivered: a woman, distilled from Kokoro (see its card.json)."""


class JetsVoice:
    """A Korean speaker: the delivered one, or one that ESPnet trained.

    `folder` holds the model (config.yaml and a checkpoint, `model` where there are several); or
    `tag` names it on the Hugging Face hub. `rate`, `pause` and `pitch` multiply pace, breaks and
    fundamental frequency (the last where the model tells how its pitch is scaled), `lift` raises
    treble by so many dB, `threads` bounds the processor's; `runtime` is `auto`, `openvino` or
    `espnet`.
    """

    def __init__(
        self,
        folder: str = "",
        tag: str = "",
        model: str = "",
        rate: float = 1.0,
        pause: float = 1.0,
        threads: int = 2,
        runtime: str = "auto",
        pitch: float = 1.0,
        lift: float = 0.0,
    ) -> None:
        if folder and tag:
            raise MediaError(
                "no_voice_model",
                "A JETS voice is named by `folder` or by `tag`, not by both.",
                'Keep one in the persona\'s [voice] table, as in tag = "imdanboy/kss_jets".',
            )
        self.folder, self.tag, self.model = folder or ("" if tag else str(OWN)), tag, model
        self.rate, self.pause, self.threads, self.runtime = rate, pause, threads, runtime
        self.pitch, self.lift = pitch, lift
        self._one_at_a_time = Lock()

    @cached_property
    def version(self) -> str:
        """Engine, weights and tuning, for cache keys."""
        known = self.tag
        if not known:
            known = digest_of(model_files(Path(self.folder), self.model)[1])[:16]
        tuning = f"r{self.rate:g}:p{self.pitch:g}:b{self.pause:g}:l{self.lift:g}"
        return f"jets-3:{known}:{self.runtime}:{tuning}"

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        """Return the whole of `text` as one speech. MediaError where it cannot be read."""
        return join(text, list(self._say_all(stretches(readable(text, manner.words)), manner)))

    def stream(self, text: str, manner: Manner = Manner()) -> Iterator[Speech]:
        """Yield `text` stretch by stretch, the first one short, each with its silence."""
        yield from self._say_all(stretches(readable(text, manner.words), early=True), manner)

    def warm_up(self) -> None:
        """Load the model and say a word, so that the first sentence is as fast as the next."""
        self._loaded.speaker.prepare()
        self.speak("네.")

    def _say_all(self, found: list[Stretch], manner: Manner) -> Iterator[Speech]:
        for number, stretch in enumerate(found, 1):
            yield self._say(stretch, manner, last=number == len(found))

    def _say(self, stretch: Stretch, manner: Manner, last: bool) -> Speech:
        model = self._loaded
        tokens = tokens_of(stretch.units, self._reading, frozenset(model.tokens))
        sound, lengths = self._render(tokens, manner)
        target = TARGET + 20 * float(np.log10(max(manner.gain, 0.01)))
        pause = 0.0 if last else PAUSES[stretch.break_after] * self.pause * manner.pause
        silence = np.zeros(round(pause * model.rate), np.float32)
        lifted = lift_treble(sound, model.rate, self.lift)
        samples = np.concatenate([normalise(lifted, model.rate, target), silence])
        words = [unit.written for unit in stretch.units]
        seconds = model.hop / model.rate
        phonemes = tuple(
            Phoneme(one.symbol, one.start * seconds, one.end * seconds, words[one.unit])
            for one in heard(tokens, lengths, stretch.units, self._reading)
        )
        return Speech(" ".join(dict.fromkeys(words)), Audio(samples, model.rate), phonemes)

    def _render(self, tokens: Sequence[Token], manner: Manner) -> tuple[FloatArray, list[int]]:
        """Return the sound of `tokens` and how many frames each lasts; together its length."""
        model = self._loaded
        number = {token: index for index, token in enumerate(model.tokens)}
        raised = 0.0
        if model.pitch_deviation:
            raised = float(np.log(self.pitch * manner.pitch)) / model.pitch_deviation
        with self._one_at_a_time:
            ids = [number[token.text] for token in tokens]
            return model.speaker.say(ids, self.rate * manner.rate, raised)

    @cached_property
    def _loaded(self) -> JetsModel:
        folder = Path(self.folder) if self.folder else fetched(self.tag)
        return load(*model_files(folder, self.model), self.threads, self.runtime)

    @cached_property
    def _reading(self) -> Reading:
        return reading_of(self._loaded.tokens, self._loaded.g2p)
