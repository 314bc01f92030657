"""From the ear's signs to a question: recognised in the first pause, certain after a long one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import structlog

from bot.live.hearing import LONG, Ear, Sign
from bot.live.patience import FINISHED, OPEN, patience
from media.errors import MediaError
from media.hear.recogniser import Recogniser
from media.hear.stream import RATE
from media.types import Audio, FloatArray, Transcript

CERTAIN = 0.5
"""Seconds of quiet after which a question is recognised before the guesses of others."""
CROWDED = 0.35
"""Seconds of quiet after which a guess is worth a recogniser that several conversations share."""
CROWD_SECONDS = 15.0
"""Who was heard within so long is one of them."""
MOST_SECONDS = 60.0
"""A speech is answered after this long, whoever is still speaking."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What became of recording `number`, and when (monotonic seconds) its recognition ran."""

    number: int
    result: Transcript | MediaError
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Said:
    """A question: its words and sound (16 kHz), when it ended and when it was known to be over.

    Moments are monotonic seconds; `hearing` is the recognition of its last part.
    """

    transcript: Transcript
    samples: FloatArray
    ended: float
    certain: float
    hearing: tuple[float, float]


Then = Callable[[Recognised], None]


class Ticket:
    """A recording that waits for the recogniser; used by one conversation's thread."""

    def __init__(self, samples: FloatArray, number: int, then: Then, guess: bool) -> None:
        self.samples, self.number, self.then = samples, number, then
        self.guess = guess
        """It may be thrown away: others go first."""
        self.dropped = False
        """Nobody waits for it any more."""


class Listener:
    """The process's recogniser for all conversations: one recording at a time.

    What is surely wanted goes first, then what was asked first. What was dropped before its turn
    came costs nothing.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._waiting: list[Ticket] = []
        self._heard: dict[Then, float] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def listen(self, samples: FloatArray, number: int, then: Then, guess: bool) -> Ticket:
        """Recognise 16 kHz `samples` and give `then` the result, on another thread."""
        ticket = Ticket(samples, number, then, guess)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
                self._thread.start()
            moment = time.monotonic()
            self._heard = {t: at for t, at in self._heard.items() if moment - at < CROWD_SECONDS}
            self._heard[then] = moment
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def crowded(self, then: Then) -> bool:
        """Say whether others than `then` were heard of late."""
        moment = time.monotonic()
        with self._changed:
            return any(t != then and moment - at < CROWD_SECONDS for t, at in self._heard.items())

    def close(self) -> None:
        """Finish what is being recognised; take nothing more."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (ticket := self._next()) is not None:
            self._recognise(ticket)

    def _next(self) -> Ticket | None:
        with self._changed:
            while not self._closed:
                self._waiting = [ticket for ticket in self._waiting if not ticket.dropped]
                if self._waiting:
                    # Of equals the first is the one that came first.
                    chosen = min(self._waiting, key=lambda ticket: ticket.guess)
                    self._waiting.remove(chosen)
                    return chosen
                self._changed.wait()
        return None

    def _recognise(self, ticket: Ticket) -> None:
        began = time.monotonic()
        result: Transcript | MediaError = MediaError(
            "recogniser", "The recogniser failed.", "Look at the log."
        )
        try:
            result = self._recogniser.recognise(Audio(ticket.samples, RATE))
        except MediaError as error:
            result = error
        except Exception:
            # The thread serves all conversations: none of them may end it.
            log.exception("recogniser_failed")
        ticket.then(Recognised(ticket.number, result, began, time.monotonic()))


class Question:
    """What is being said in one conversation, until it is whole."""

    def __init__(self, ear: Ear, listener: Listener, then: Then) -> None:
        self._ear, self._listener, self._then = ear, listener, then
        self._number = 0
        self._current: Ticket | None = None
        """The recording that holds all that was said since the last division."""
        self._heard: Recognised | None = None
        self._parts: dict[int, Recognised | None] = {}
        """Divisions of a long speech, by the number of their recording."""
        self._samples: list[FloatArray] = []
        self._before: Said | None = None

    @property
    def failure(self) -> MediaError | None:
        """Why the recogniser failed, if it did."""
        found = [*self._parts.values(), self._heard]
        return next((r.result for r in found if r and isinstance(r.result, MediaError)), None)

    @property
    def probable(self) -> str:
        """What was asked if nothing more is said; empty where that is not to be expected."""
        if self._heard is None or None in self._parts.values() or not self._ear.paused:
            return ""
        text = self._text()
        if not text or patience(text) > OPEN:
            return ""
        before = self._before.transcript.text if self._before is not None else ""
        return f"{before} {text}".strip()

    def notice(self, sign: Sign) -> None:
        """Follow the ear: begin to recognise in a pause, drop that where speech goes on."""
        match sign:
            case Sign.PAUSED if self._ear.seconds >= LONG:
                self._divide()
            case Sign.PAUSED if not self._listener.crowded(self._then):
                self._recognise(guess=True)
            case Sign.WENT_ON:
                self._let_go()
            case Sign.FULL:
                self._divide()
            case _:
                pass

    def recognised(self, done: Recognised) -> None:
        """Take a recognition; one that was dropped changes nothing."""
        if self._current is not None and done.number == self._current.number:
            self._heard = done
        elif done.number in self._parts:
            self._parts[done.number] = done

    def is_over(self) -> bool:
        """Say whether the pause is long enough for what was said; have it recognised if not yet."""
        if not self._ear.open:
            return False
        too_long = self._length() >= MOST_SECONDS
        if not (self._ear.paused or too_long):
            return False
        if self._ear.quiet >= CERTAIN or too_long:
            self._make_sure()
        elif self._ear.quiet >= CROWDED and self._current is None:
            self._recognise(guess=True)
        if self._heard is None or None in self._parts.values():
            return False
        text = self._text()
        # Where nothing was said, nothing more is waited for.
        return too_long or self._ear.quiet >= (patience(text) if text else FINISHED)

    def finish(self) -> None:
        """Have what was said recognised although nobody waits for the rest: the line is cut."""
        if self._ear.open:
            self._make_sure()

    def is_known(self) -> bool:
        """Say whether everything that was to be recognised has been."""
        return self._heard is not None and None not in self._parts.values()

    def take(self) -> Said:
        """Return the question that `is_over` or `is_known`, and begin anew."""
        assert self._heard is not None
        moment = time.monotonic()
        quiet = self._ear.quiet
        samples = np.concatenate([*self._samples, self._ear.close()])
        said = Said(
            self._transcript(),
            samples,
            moment - quiet,
            moment,
            (self._heard.began, self._heard.ended),
        )
        if self._before is not None:
            said = _joined(self._before, said)
        self.drop()
        return said

    def unread(self, said: Said) -> None:
        """Take back a question whose speaker goes on: it is the beginning of the next."""
        self._before = said

    def drop(self) -> None:
        """Forget what was said so far."""
        self._let_go()
        self._before = None
        self._parts, self._samples = {}, []

    def _length(self) -> float:
        return sum(map(len, self._samples)) / RATE + self._ear.seconds

    def _let_go(self) -> None:
        """Want no longer what is being recognised."""
        if self._current is not None:
            self._current.dropped = True
        self._current = self._heard = None

    def _make_sure(self) -> None:
        if self._current is None:
            self._recognise(guess=False)
        else:
            self._current.guess = False

    def _recognise(self, guess: bool) -> None:
        self._let_go()
        self._number += 1
        samples = self._ear.clip()
        self._current = self._listener.listen(samples, self._number, self._then, guess)

    def _divide(self) -> None:
        self._let_go()
        samples = self._ear.cut()
        self._number += 1
        self._parts[self._number] = None
        self._samples.append(samples)
        self._listener.listen(samples, self._number, self._then, guess=False)

    def _results(self) -> list[Transcript]:
        found = [*self._parts.values(), self._heard]
        return [r.result for r in found if r and isinstance(r.result, Transcript)]

    def _text(self) -> str:
        return " ".join(t.text for t in self._results() if t.text)

    def _transcript(self) -> Transcript:
        results = self._results()
        heard = [t for t in results if t.heard]
        if not heard:
            return results[-1]
        words = tuple(word for t in heard for word in t.words)
        confidence = sum(t.confidence for t in heard) / len(heard)
        return Transcript(" ".join(t.text for t in heard), words, confidence=confidence)


def _joined(first: Said, second: Said) -> Said:
    """Return one question of two; what was not understood of it is left out."""
    parts = [said.transcript for said in (first, second) if said.transcript.heard]
    transcript = second.transcript
    if parts:
        transcript = replace(parts[-1], text=" ".join(part.text for part in parts))
    return replace(
        second, transcript=transcript, samples=np.concatenate([first.samples, second.samples])
    )
