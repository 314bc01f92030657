"""A voice that says an installation's own words as they are to be said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from media.speak.voice import Remembers, Voice
from media.types import Manner, Speech

Words = Callable[[], Mapping[str, str]]


class OwnWords:
    """`voice` with `words`: each word that a text holds is said as its entry says.

    A text without any of them is said as before, and found where it was kept.
    """

    def __init__(self, voice: Voice, words: Words) -> None:
        self.voice, self.version = voice, voice.version
        self._words = words

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        """Return the whole of `text` as one speech. MediaError where it cannot be read."""
        return self.voice.speak(text, self._with_words(text, manner))

    def stream(self, text: str, manner: Manner = Manner()) -> Iterator[Speech]:
        """Yield `text` part by part."""
        yield from self.voice.stream(text, self._with_words(text, manner))

    def known(self, text: str, manner: Manner = Manner()) -> Speech | None:
        """Return `text` as it was said before with the same words, or None."""
        if isinstance(self.voice, Remembers):
            return self.voice.known(text, self._with_words(text, manner))
        return None

    def warm_up(self) -> None:
        """Prepare the voice."""
        self.voice.warm_up()

    def _with_words(self, text: str, manner: Manner) -> Manner:
        found = tuple(sorted((w, said) for w, said in self._words().items() if w in text))
        return replace(manner, words=found) if found else manner
