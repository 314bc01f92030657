"""One syllable on its way from spelling to sound, and how it joins the one before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from media.speak import hangul


class Join(Enum):
    """What lies between a syllable and the one before it."""

    INSIDE = "inside"
    """Nothing: both belong to one morpheme."""
    ENDING = "ending"
    """A particle, an ending or a suffix begins: finals move over whole (제13, 14항)."""
    COMPOUND = "compound"
    """A word with a meaning of its own begins: finals are levelled first (제15항)."""
    WORD = "word"
    """A space that the voice does not stop at."""
    PAUSE = "pause"
    """A space or a mark across which nothing is linked."""


@dataclass(slots=True)
class Syllable:
    """Onset, vowel and coda as letters, plus what the morphemes say about this place."""

    onset: str
    vowel: str
    coda: str
    written: str
    join: Join = Join.INSIDE
    tense: bool = False
    """The onset is tensed whatever the letters before it (제24–28항)."""
    insert: bool = False
    """A ㄴ comes in before the vowel (제29항)."""
    verbal: bool = False
    """The syllable ends or continues a verb or adjective."""
    saisiot: bool = False
    """The coda is a linking ㅅ that is not sounded itself (제30항)."""
    nasal: bool = False
    """ㄹ after ㄴ becomes ㄴ here, not the other way round (제20항, exceptions)."""
    particle: bool = False
    """The syllable is the particle 의."""
    initial: bool = False
    """The first syllable of a written word."""

    @classmethod
    def of(cls, char: str) -> Syllable:
        """Return the syllable written `char`."""
        return cls(*hangul.split(char), written=char)

    def __str__(self) -> str:
        return hangul.join(self.onset, self.vowel, self.coda)
