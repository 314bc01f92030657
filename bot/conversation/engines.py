"""The engines of this process: recogniser, answerer, voice and face, built from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bot.conversation.database import engine
from bot.conversation.lexicon import Lexicon
from bot.knowledge import morphemes
from bot.knowledge.answer import Answerer
from bot.knowledge.setup import answerer_for
from bot.settings import CONFIG, Hearing, Knowledge, Settings
from bot.settings import Limits as SettingLimits
from bot.settings import Persona as PersonaSettings
from media.decode import Limits
from media.hear.recogniser import Recogniser
from media.hear.whisper import QUICK, WhisperRecogniser
from media.personas import Persona, load_persona
from media.speak.cache import CachedVoice
from media.speak.morphemes import analyser
from media.speak.own_words import OwnWords
from media.speak.voice import Voice


@dataclass(frozen=True)
class Engines:
    """What a turn needs. Models load when a step first uses them."""

    limits: Limits
    recogniser: Recogniser
    answerer: Answerer
    persona: Persona
    voice: Voice
    """The persona's voice; what it has said before costs nothing."""

    def warm_up(self) -> None:
        """Load every model, so that the first turn is as fast as the next."""
        self.recogniser.warm_up()
        self.answerer.warm_up()
        self.voice.warm_up()
        self.persona.face.warm_up()


def engines(settings: Settings, live: bool = False) -> Engines:
    """Return this process's engines; the same ones for the same settings.

    A `live` conversation cannot wait for the most exact way of hearing, unless it is set.
    """
    return _engines(
        _quick(settings.hearing) if live else settings.hearing,
        settings.limits,
        settings.knowledge,
        settings.persona,
        settings.app.data_dir,
        settings.database.url,
    )


def _quick(hearing: Hearing) -> Hearing:
    arithmetic, beams = QUICK
    if hearing.compute_type == "auto" and hearing.device == "cpu":
        hearing = hearing.model_copy(update={"compute_type": arithmetic})
    window = "always" if hearing.short_window == "auto" else hearing.short_window
    return hearing.model_copy(
        update={"beam_size": hearing.beam_size or beams, "short_window": window}
    )


@lru_cache(maxsize=2)
def _engines(
    hearing: Hearing,
    limits: SettingLimits,
    knowledge: Knowledge,
    persona: PersonaSettings,
    data_dir: Path,
    database_url: str,
) -> Engines:
    database = engine(database_url)
    morphemes.use(analyser)
    counsellor = load_persona(CONFIG / "personas", persona.name)
    return Engines(
        limits=Limits(
            max_bytes=limits.max_bytes,
            max_seconds=limits.max_seconds,
            max_pixels=limits.max_pixels,
            decode_seconds=limits.decode_seconds,
        ),
        recogniser=WhisperRecogniser(
            model=hearing.model,
            compute_type=hearing.compute_type,
            device=hearing.device,
            threads=hearing.threads,
            beam_size=hearing.beam_size,
            short_window=hearing.short_window,
        ),
        answerer=answerer_for(knowledge, data_dir, database),
        persona=counsellor,
        voice=OwnWords(CachedVoice(counsellor.voice, data_dir / "speech"), Lexicon(database).words),
    )
