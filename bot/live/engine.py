"""One live conversation: hears, answers, speaks, and can be interrupted, over any transport.

Everything that happens comes as an event to one thread of the conversation's own, which never
waits for work: recognising, thinking and speaking run elsewhere and come back as events.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.conversation.engine_steps import manner_of
from bot.conversation.steps import not_heard
from bot.knowledge.dialogue import WORDS, Act, by_key
from bot.knowledge.mask import mask
from bot.knowledge.types import Outcome
from bot.live.events import Event, HungUp, Key, Pending, Played, Thought
from bot.live.foresight import Foresight
from bot.live.hearing import Ear, Sign
from bot.live.house import LiveHouse
from bot.live.keeping import Keeper
from bot.live.lines import Line
from bot.live.listening import Question, Recognised, Said
from bot.live.patience import is_nod
from bot.live.speaking import Broken, Made, Mouth, Utterance
from bot.live.transport import After, Caller, Mood, Speaker, Transport
from bot.live.turns import Asked, Took, Turns
from media.errors import MediaError
from media.types import FloatArray

TICK = 0.1
MOST_EVENTS = 1000
"""Events that wait at most (20 s of sound); a conversation that is so late drops sound."""
FILL_AFTER, STILL_AFTER = 2.2, 5.0
"""Seconds after the end of a question at which a silence is filled, shortly and with words."""
SILENCE_AFTER = 9.0
MOST_SILENCES = 3
WORTH_ASKING_BACK = 0.8
"""Seconds of sound that was no speech for sure, from which it is asked to say it again."""
WIND_UP_SECONDS = 10.0

log = structlog.get_logger(__name__)


class LiveConversation:
    """A conversation of `caller` over `transport`; begins with `start`.

    `hear`, `key`, `played` and `hang_up` may be called from any thread and return at once.
    """

    def __init__(
        self,
        house: LiveHouse,
        caller: Caller,
        transport: Transport,
        greeting: str = Line.ASK,
    ) -> None:
        self._house, self._caller, self._transport = house, caller, transport
        self._events: queue.Queue[Event] = queue.Queue(MOST_EVENTS)
        self._ear = Ear(house.activity())
        self._question = Question(self._ear, house.listener, self._post)
        self._mouth = Mouth(house.speaker, transport, self._work, self._post)
        self._turns = Turns(house.sessions, house.files, caller, time.monotonic())
        self._keeper = Keeper(self._turns, lambda error: self._post(Broken(error)))
        answerer = house.engines.answerer
        self._foresight = Foresight(answerer.answer, self._keeper.context, self._work)
        self._greeting = greeting
        self._numbers = itertools.count(1)
        self._pending: Pending | None = None
        self._late: list[Future[None]] = []
        """What was put off is answered there."""
        self._choosing = False
        self._last_text = ""
        self._silent_since = time.monotonic()
        self._silences = 0
        self._ends: After | None = None
        self._over = False
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Greet and listen."""
        self._thread.start()

    def hear(self, samples: FloatArray) -> None:
        """Take the next `samples` (n,) of the person's sound, 16 kHz."""
        try:
            self._events.put_nowait(samples)
        except queue.Full:
            log.warning("sound_dropped", session=self._caller.session)

    def key(self, digit: str) -> None:
        """Take a telephone key."""
        self._post(Key(digit))

    def played(self, mark: str) -> None:
        """Take that the piece `mark` was heard in full."""
        self._post(Played(mark))

    def hang_up(self, reason: str = "") -> None:
        """Take that the person has gone: what was asked is still stored and answered."""
        self._post(HungUp(reason))

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the conversation has ended; say whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _post(self, event: Event) -> None:
        try:
            self._events.put(event, timeout=WIND_UP_SECONDS)
        except queue.Full:
            log.error("event_lost", session=self._caller.session, kind=type(event).__name__)

    def _work(self, job: Callable[[], None]) -> Future[None]:
        def check(done: Future[None]) -> None:
            error = done.exception()
            if isinstance(error, Exception):
                log.error("live_work_failed", session=self._caller.session, exc_info=error)
                self._post(Broken(error))

        done = self._house.work.submit(job)
        done.add_done_callback(check)
        return done

    def _run(self) -> None:
        after = After.RECORDED
        try:
            self._mouth.say(self._greeting)
            self._transport.show(Mood.SPEAKING)
            while not self._over:
                self._next(TICK)
                self._look_around()
            self._wind_up()
            self._keeper.close()
            self._look_for_faults()
            # Whose line was cut may still be there, and is then answered in another way.
            after = self._ends or After.RECORDED
        except (MediaError, SQLAlchemyError, OSError) as error:
            log.error("live_failed", session=self._caller.session, error=str(error))
        finally:
            # Also where something unforeseen is raised: the caller must not hang in silence.
            self._transport.end(after)
            log.info("live_ended", session=self._caller.session, after=after.value)

    def _next(self, wait: float) -> None:
        try:
            event = self._events.get(timeout=wait)
        except queue.Empty:
            return
        match event:
            case Recognised():
                self._question.recognised(event)
            case Thought():
                self._answer(event)
            case Made():
                self._mouth.take(event)
            case Broken():
                raise event.error
            case Key():
                self._press(event.digit)
            case Played():
                self._mouth.played(event.mark)
            case HungUp():
                log.info("hung_up", session=self._caller.session, reason=event.reason)
                self._over = True
            case _:
                self._listen(event)

    def _look_for_faults(self) -> None:
        """Raise what failed while the conversation ended."""
        while not self._events.empty():
            if isinstance(event := self._events.get(), Broken):
                raise event.error

    def _listen(self, samples: FloatArray) -> None:
        self._ear.guarded = self._mouth.sounding
        for sign in self._ear.hear(samples):
            if sign is Sign.STARTED:
                self._interrupted()
            self._question.notice(sign)

    def _interrupted(self) -> None:
        """Somebody speaks: the counsellor stops, and what she was to answer is not over yet."""
        self._silent_since = time.monotonic()
        if self._ends is not None:
            # Her last words are not stopped, they are few.
            return
        pending = self._pending
        if pending is not None and pending.said is not None and pending.answer is None:
            # It is still thought about: they only took breath.
            self._question.unread(pending.said)
            self._pending = None
            self._mouth.fill_no_more()
        elif self._mouth.speaking or self._mouth.sounding:
            self._mouth.cut()
        self._transport.show(Mood.LISTENING)

    def _look_around(self) -> None:
        """Do what time has made due."""
        failure = self._question.failure
        if failure is not None:
            raise failure
        if self._question.is_over():
            self._take(self._question.take())
        else:
            self._foresight.look(mask(self._question.probable))
        self._mouth.wait_no_longer()
        spoken = self._mouth.done()
        if spoken is not None:
            self._finished(spoken)
        moment = time.monotonic()
        pending = self._pending
        if pending is not None and not self._mouth.sounding:
            self._fill(pending, moment - pending.begun)
        elif self._is_idle() and moment - self._silent_since > SILENCE_AFTER:
            self._break_silence()

    def _fill(self, pending: Pending, waited: float) -> None:
        fillers = ((FILL_AFTER, Line.FILLER), (STILL_AFTER, Line.STILL))
        if pending.filled < len(fillers) and waited > fillers[pending.filled][0]:
            self._mouth.fill(fillers[pending.filled][1])
            pending.filled += 1

    def _is_idle(self) -> bool:
        return not (self._mouth.speaking or self._ear.open or self._pending)

    def _break_silence(self) -> None:
        self._silences += 1
        if self._silences >= MOST_SILENCES:
            self._ends = After.GOODBYE
        lines = [Line.SILENCE, Line.SILENCE_AGAIN, Line.GOODBYE]
        self._say(lines[min(self._silences, MOST_SILENCES) - 1])

    def _say(self, text: str) -> None:
        self._transport.show(Mood.SPEAKING)
        self._transport.caption(Speaker.COUNSELLOR, text)
        self._mouth.say(text)

    def _take(self, said: Said) -> None:
        """A question is whole: answer it, or go on where it was none."""
        self._silent_since = time.monotonic()
        transcript = said.transcript
        was_cut = self._mouth.now is not None and self._mouth.now.heard is not None
        if self._ends is not None:
            return
        nothing = not transcript.heard or is_nod(transcript.text)
        if was_cut and nothing:
            self._transport.show(Mood.SPEAKING)
            self._mouth.resume()
            return
        self._leave_cut()
        if not transcript.heard and (
            transcript.reason != "unclear" or len(said.samples) / 16000 < WORTH_ASKING_BACK
        ):
            self._transport.show(Mood.LISTENING)
            return
        # What a key asked is still thought about, and they say something else.
        self._put_off()
        self._transport.caption(Speaker.PERSON, mask(transcript.text))
        self._ask(Asked(next(self._numbers), transcript=transcript, samples=said.samples), said)

    def _leave_cut(self) -> None:
        """What was cut stays cut: store how far it was heard."""
        utterance = self._mouth.now
        if utterance is None or utterance.heard is None:
            return
        self._mouth.forget()
        self._store_spoken(utterance)

    def _ask(self, asked: Asked, said: Said | None) -> None:
        self._silences = 0
        begun = said.ended if said is not None else time.monotonic()
        self._pending = Pending(asked, said, begun)
        self._transport.show(Mood.THINKING)
        self._work(lambda: self._post(self._think(asked)))

    def _think(self, asked: Asked) -> Thought:
        began = time.monotonic()
        transcript = asked.transcript
        if transcript is not None and not transcript.heard:
            answer = not_heard(self._house.engines, transcript)
        else:
            text = mask(transcript.text if transcript is not None else asked.text)
            answer = self._turns.own_answer(text) or self._foresight.answer(text)
        if answer.act == Act.BY_TEXT and self._caller.by_text:
            answer = replace(answer, text=self._caller.by_text)
        return Thought(asked.number, asked, answer, began, time.monotonic())

    def _answer(self, thought: Thought) -> None:
        pending = self._pending
        if pending is None or pending.asked.number != thought.number:
            return
        pending.answer, pending.thinking = thought.answer, (thought.began, thought.ended)
        self._mouth.say(thought.answer.text, manner_of(thought.answer.act))
        self._store(pending)
        self._choosing = bool(thought.answer.choices)
        if thought.answer.end:
            self._ends = After.GOODBYE
        elif thought.answer.outcome is Outcome.HANDED_OVER:
            self._ends = After.HUMAN
        self._transport.show(Mood.SPEAKING)
        self._transport.caption(Speaker.COUNSELLOR, thought.answer.text)

    def _store(self, pending: Pending) -> None:
        """Store question and answer, beside the conversation."""
        assert pending.answer is not None
        took = [Took("think", *pending.thinking)]
        if pending.said is not None:
            said = pending.said
            took = [Took("pause", said.ended, said.certain), Took("hear", *said.hearing), *took]
        pending.turn = self._keeper.store(pending.asked, pending.answer, took)

    def _finished(self, utterance: Utterance) -> None:
        """What was being said has been heard to its end."""
        self._silent_since = time.monotonic()
        self._store_spoken(utterance)
        if self._ends is not None:
            self._over = True
        else:
            self._transport.show(Mood.LISTENING)

    def _store_spoken(self, utterance: Utterance) -> None:
        pending, self._pending = self._pending, None
        if pending is None or pending.turn is None:
            return
        moment = time.monotonic()
        first = utterance.first_sound or moment
        took = [Took("voice", utterance.begun, first), Took("say", first, moment)]
        self._keeper.spoken(pending.turn, utterance.speech, utterance.heard, took)

    def _press(self, digit: str) -> None:
        """A key interrupts like speech, and asks what it stands for."""
        act = by_key(digit, self._choosing)
        self._silent_since = time.monotonic()
        if self._ends is not None or (act is None and self._ear.open):
            # Who is speaking has touched it.
            return
        self._mouth.cut()
        self._leave_cut()
        self._put_off()
        if self._ear.open:
            self._ear.close()
            self._question.drop()
        if act is None:
            self._say(Line.NO_SUCH_KEY)
        else:
            self._ask(Asked(next(self._numbers), text=WORDS[act]), None)

    def _put_off(self) -> None:
        """Let what was asked before be answered for later."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._late.append(self._work(lambda: self._shelve(pending)))

    def _wind_up(self) -> None:
        """Store what is unfinished: the answer in hand, and a question that had no answer yet."""
        self._mouth.cut()
        self._leave_cut()
        pending, self._pending = self._pending, None
        if pending is None and self._ends is None and self._ear.open:
            pending = self._last_words(time.monotonic() + WIND_UP_SECONDS)
        if pending is not None:
            self._shelve(pending)
        wait(self._late)

    def _shelve(self, pending: Pending) -> None:
        """Answer a question for later, as nobody listens now."""
        thought = self._think(pending.asked)
        pending.answer, pending.thinking = thought.answer, (thought.began, thought.ended)
        self._store(pending)
        if pending.turn is not None:
            self._keeper.spoken(pending.turn, lambda: None, "", [])

    def _last_words(self, end: float) -> Pending | None:
        """Return the question during which the line was cut, if it was one."""
        self._question.finish()
        while not self._question.is_known() and time.monotonic() < end:
            try:
                event = self._events.get(timeout=TICK)
            except queue.Empty:
                continue
            if isinstance(event, Recognised):
                self._question.recognised(event)
        if not self._question.is_known() or self._question.failure is not None:
            return None
        said = self._question.take()
        if not said.transcript.heard or is_nod(said.transcript.text):
            return None
        asked = Asked(next(self._numbers), transcript=said.transcript, samples=said.samples)
        return Pending(asked, said, said.ended)
