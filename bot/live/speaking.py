"""The mouth of a live conversation: an answer made sentence by sentence, stopped at a word."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from bot.live.transport import Piece, Transport
from media.errors import MediaError
from media.speak.frontend import sentences
from media.speak.voice import Remembers, Voice
from media.types import Audio, Manner, Phoneme, Speech

BETWEEN = 0.42
"""Seconds between two sentences."""
UNTOLD = 3.0
"""Seconds after its end that a piece counts as heard, though the line never said so."""


@dataclass(frozen=True, slots=True)
class Made:
    """A piece of utterance `number`, from its sentence `sentence`; None after the last.

    A filler has the number 0, and as its sentence which filler it is.
    """

    number: int
    sentence: int
    piece: Piece | None


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that a conversation needs has failed."""

    error: Exception


class Speaker:
    """The process's voice for all conversations: one computes at a time, what is known at once."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._lock = threading.Lock()

    def parts(self, sentence: str, manner: Manner = Manner()) -> Iterator[Speech]:
        """Yield a sentence part by part; whole and at once where it was said before."""
        if isinstance(self._voice, Remembers):
            known = self._voice.known(sentence, manner)
            if known is not None:
                yield known
                return
        parts = self._voice.stream(sentence, manner)
        while True:
            with self._lock:
                part = next(parts, None)
            if part is None:
                return
            yield part


@dataclass
class Utterance:
    """Sentences that are being said, and how far they were heard."""

    number: int
    sentences: list[str]
    manner: Manner
    begun: float
    stopped: threading.Event = field(default_factory=threading.Event)
    made: list[tuple[int, Piece]] = field(default_factory=list)
    played: set[str] = field(default_factory=set)
    whole: bool = False
    first_sound: float | None = None
    ends: float = 0.0
    heard: str | None = None
    """What of it was heard, once it was cut."""
    cut_at: int = 0
    """The sentence in which it was cut."""

    @property
    def over(self) -> bool:
        """Whether all of it was heard."""
        return self.whole and len(self.played) == len(self.made)

    def speech(self) -> Speech | None:
        """Return the whole as one speech; None where it was never made in full."""
        if not (self.whole and self.made):
            return None
        from media.speak.kokoro import join

        return join(" ".join(self.sentences), [piece.speech for _, piece in self.made])


class Mouth:
    """Speaks one utterance at a time over `transport`; used by the conversation's own thread.

    `work` runs a function elsewhere, `post` brings a `Made` or `Broken` back.
    """

    def __init__(
        self,
        speaker: Speaker,
        transport: Transport,
        work: Callable[[Callable[[], None]], object],
        post: Callable[[Made | Broken], None],
    ) -> None:
        self._speaker, self._transport = speaker, transport
        self._work, self._post = work, post
        self._number = 0
        self._filler: tuple[str, float] | None = None
        self._fill = 0
        """The filler that may be heard; one that was made for another moment is not."""
        self.now: Utterance | None = None

    @property
    def speaking(self) -> bool:
        """Whether something is being said, or about to be."""
        return self.now is not None and self.now.heard is None

    @property
    def sounding(self) -> bool:
        """Whether a sound of it has left already."""
        return (self.speaking and bool(self.now and self.now.made)) or self._filler is not None

    def say(self, text: str, manner: Manner = Manner(), begin: int = 0) -> Utterance:
        """Begin to say `text` from its sentence `begin` on."""
        self._number += 1
        utterance = Utterance(self._number, sentences(text), manner, time.monotonic())
        self.now = utterance
        self._work(lambda: self._make(utterance, begin))
        return utterance

    def fill(self, text: str) -> None:
        """Say a short sentence while an answer is awaited; it belongs to no utterance."""
        fill = self._fill

        def make() -> None:
            for part in self._speaker.parts(text, Manner()):
                self._post(Made(0, fill, Piece("filler", part)))

        self._work(make)

    def fill_no_more(self) -> None:
        """Stop a filler that is heard or being made."""
        self._fill += 1
        if self._filler is not None:
            self._filler = None
            self._transport.clear()

    def take(self, made: Made) -> None:
        """Let a piece that was made be heard, if it still belongs to what is being said."""
        if made.number == 0 and made.piece is not None:
            if made.sentence == self._fill and not (self.now and self.now.made):
                self._filler = ("filler", time.monotonic() + made.piece.speech.audio.seconds)
                self._transport.play(made.piece)
            return
        utterance = self.now
        if utterance is None or utterance.number != made.number or utterance.heard is not None:
            return
        if made.piece is None:
            utterance.whole = True
            return
        moment = time.monotonic()
        if utterance.first_sound is None:
            utterance.first_sound = moment
        starts = max(moment, utterance.ends, self._filler[1] if self._filler else 0.0)
        utterance.ends = starts + made.piece.speech.audio.seconds
        utterance.made.append((made.sentence, made.piece))
        self._transport.play(made.piece)

    def played(self, mark: str) -> None:
        """Note that a piece was heard."""
        if mark == "filler":
            self._filler = None
        elif self.now is not None and any(piece.mark == mark for _, piece in self.now.made):
            self.now.played.add(mark)

    def wait_no_longer(self) -> None:
        """Count as heard what must have been, where the line never says so."""
        moment = time.monotonic()
        if self._filler is not None and moment > self._filler[1] + UNTOLD:
            self._filler = None
        utterance = self.now
        if utterance is not None and utterance.whole and moment > utterance.ends + UNTOLD:
            utterance.played = {piece.mark for _, piece in utterance.made}

    def done(self) -> Utterance | None:
        """Return the utterance that has just been heard to its end, once."""
        utterance = self.now
        if utterance is None or utterance.heard is not None or not utterance.over:
            return None
        self.now = None
        return utterance

    def cut(self) -> Utterance | None:
        """Stop at once; return what was being said, with what of it was heard."""
        where = self._transport.clear()
        self._filler = None
        self._fill += 1
        utterance = self.now
        if utterance is None or utterance.heard is not None:
            return None
        utterance.stopped.set()
        marks = [piece.mark for _, piece in utterance.made]
        # What comes before the piece that sounds was heard, though its mark may be on its way.
        at = marks.index(where.mark) if where is not None and where.mark in marks else 0
        heard = []
        utterance.cut_at = utterance.made[-1][0] + 1 if utterance.made else 0
        for place, (sentence, piece) in enumerate(utterance.made):
            if place < at or piece.mark in utterance.played:
                heard.append(piece.speech.text)
                continue
            if where is not None and where.mark == piece.mark:
                heard.append(_words_until(piece.speech, where.seconds))
            utterance.cut_at = sentence
            break
        utterance.heard = " ".join(part for part in heard if part)
        return utterance

    def resume(self) -> None:
        """Go on with what was cut, from the sentence in which it was."""
        before = self.now
        if before is None or before.heard is None:
            return
        kept = [(at, piece) for at, piece in before.made if at < before.cut_at]
        text = " ".join(before.sentences)
        after = self.say(text, before.manner, before.cut_at)
        after.sentences = before.sentences
        after.first_sound, after.begun = before.first_sound, before.begun
        after.made, after.played = kept, {piece.mark for _, piece in kept}

    def forget(self) -> None:
        """Say nothing more."""
        if self.now is not None:
            self.now.stopped.set()
        self.now = None

    def _make(self, utterance: Utterance, begin: int) -> None:
        count = 0
        try:
            for place, sentence in enumerate(utterance.sentences[begin:], begin):
                gap = BETWEEN if count else 0.0
                for part in self._speaker.parts(sentence, utterance.manner):
                    if utterance.stopped.is_set():
                        return
                    count += 1
                    piece = Piece(f"{utterance.number}.{count}", _after(gap, part))
                    gap = 0.0
                    self._post(Made(utterance.number, place, piece))
        except MediaError as error:
            self._post(Broken(error))
            return
        self._post(Made(utterance.number, len(utterance.sentences), None))


def _after(gap: float, speech: Speech) -> Speech:
    """Return `speech` after `gap` seconds of silence."""
    if not gap:
        return speech
    rate = speech.audio.rate
    samples = np.concatenate([np.zeros(round(gap * rate), np.float32), speech.audio.samples])
    phonemes = tuple(Phoneme(p.symbol, p.start + gap, p.end + gap, p.word) for p in speech.phonemes)
    return replace(speech, audio=Audio(samples, rate), phonemes=phonemes)


def _words_until(speech: Speech, seconds: float) -> str:
    """Return the words of `speech` that had been said in full after `seconds`."""
    words: list[tuple[str, float]] = []
    for phoneme in speech.phonemes:
        if words and words[-1][0] == phoneme.word:
            words[-1] = (phoneme.word, phoneme.end)
        else:
            words.append((phoneme.word, phoneme.end))
    return " ".join(word for word, end in words if end <= seconds)
