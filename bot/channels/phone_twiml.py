"""What Twilio is told to do in a call: TwiML in the order in which it is heard."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from twilio.twiml.voice_response import Gather, VoiceResponse

from bot.channels.links import Links
from bot.channels.phone_prompts import Line, digest_of, find, hold_digest, text_of
from bot.conversation.models import Turn
from bot.settings import Settings

LANGUAGE = "ko-KR"
KEYS = "0129"
"""The keys that the line offers; `bot.knowledge.dialogue` says what they stand for."""

KEY_SECONDS = 2
"""A key is waited for so long after the words have ended."""

SILENCE_SECONDS = 8
"""A pause of a senior who thinks is shorter than this."""

LONGEST_SECONDS = 120


class Script:
    """TwiML under construction. Addresses carry the number `n` of the next step.

    `session` finds what has been spoken; nothing is spoken here.
    """

    def __init__(self, settings: Settings, links: Links, session: Session, n: int) -> None:
        self._settings, self._links, self._session, self._n = settings, links, session, n
        self._twiml = VoiceResponse()

    def __str__(self) -> str:
        return str(self._twiml)

    def url(self, step: str, **fields: str | int) -> str:
        """Return the public address of the next `step`."""
        query = urlencode({"n": self._n, **fields})
        return f"{self._settings.app.public_url}/twilio/voice/{step}?{query}"

    def say(self, line: Line, within: Gather | None = None) -> Self:
        """Say a line of the telephone in the persona's voice, in the vendor's until it is there."""
        prompt = find(self._session, digest_of(self._settings, line))
        holder = self._twiml if within is None else within
        if prompt is None:
            holder.say(text_of(self._settings, line), language=LANGUAGE)
        else:
            holder.play(self._links.media(prompt.file.key, "prompt.wav"))
        return self

    def notice(self, line: Line) -> Self:
        """Say the recording notice; any key declines, staying on the line goes on."""
        gather = self._twiml.gather(
            num_digits=1,
            timeout=KEY_SECONDS,
            finish_on_key="",
            action=self.url("notice"),
            action_on_empty_result=True,
        )
        return self.say(line, gather)

    def answer(self, turn: Turn, question: str, more: bool) -> Self:
        """Play the answer of `turn`, and with `more` what can be done next; keys interrupt it."""
        gather = self._twiml.gather(
            num_digits=1, timeout=1, finish_on_key="", action=self.url("key", q=question)
        )
        if turn.speech is not None:
            gather.play(self._links.media(turn.speech.key, "answer.wav"))
        else:
            gather.say(turn.answer, language=LANGUAGE)
        return self.say(Line.MORE, gather) if more else self

    def listen(self, question: str = "", misses: int = 0) -> Self:
        """Record a question; a key of the menu ends it too, `question` is what it is about."""
        public_url = self._settings.app.public_url
        self._twiml.record(
            action=self.url("asked", q=question, misses=misses),
            timeout=SILENCE_SECONDS,
            finish_on_key=KEYS + "#*",
            max_length=LONGEST_SECONDS,
            play_beep=True,
            trim="trim-silence",
            recording_status_callback=f"{public_url}/twilio/voice/recording",
            recording_status_callback_event="completed",
        )
        # Reached only where nothing was said.
        return self.go("silence", q=question, misses=misses + 1)

    def stream(self, url: str) -> Self:
        """Connect the call with the live process; what comes after follows its end."""
        self._twiml.connect().stream(url=url)
        return self.go("streamed")

    def hold(self, place: int) -> Self:
        """Wait a second with note `place` of the sound of waiting, in silence until it is there."""
        prompt = find(self._session, hold_digest(place))
        if prompt is None:
            self._twiml.pause(length=1)
        else:
            self._twiml.play(self._links.media(prompt.file.key, "hold.wav"))
        return self

    def go(self, step: str, **fields: str | int) -> Self:
        """Go on with another step."""
        self._twiml.redirect(self.url(step, **fields), method="POST")
        return self

    def dial(self, number: str) -> Self:
        """Connect the caller with `number`."""
        self._twiml.dial(number, action=self.url("dialled"), timeout=30)
        return self

    def hang_up(self) -> Self:
        """End the call."""
        self._twiml.hangup()
        return self
