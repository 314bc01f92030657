"""Speech prepared ahead: what the counsellor will say is spoken while nobody calls."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import structlog

from bot.conversation.steps import NOT_HEARD
from bot.knowledge import replies
from bot.knowledge.dialogue import Act
from bot.knowledge.safety import EMERGENCIES, LEGAL, MEDICAL
from bot.knowledge.types import Context
from bot.knowledge.wording import spoken
from bot.live.house import LiveHouse
from bot.live.lines import Line
from media.errors import MediaError
from media.speak.frontend import sentences
from media.speak.voice import Remembers

LOOK_SECONDS = 1.0
"""Between two looks whether the line is free."""

log = structlog.get_logger(__name__)


def prepare(house: LiveHouse, stop: Event) -> int:
    """Speak every sentence that is not known yet; return how many were. Waits for quiet hours.

    Ends where `stop` is set, or where the voice does not remember.
    """
    voice = house.engines.voice
    if not isinstance(voice, Remembers):
        return 0
    made = 0
    for sentence in dict.fromkeys(texts(house)):
        if voice.known(sentence) is not None:
            continue
        while house.seats.taken and not stop.is_set():
            stop.wait(LOOK_SECONDS)
        if stop.is_set():
            break
        try:
            # By parts, as in a conversation: whoever calls meanwhile waits for one at most.
            for _ in house.speaker.parts(sentence):
                pass
        except MediaError as error:
            log.warning("not_prepared", sentence=sentence, error=str(error))
            continue
        made += 1
    log.info("speech_prepared", sentences=made)
    return made


def texts(house: LiveHouse) -> Iterator[str]:
    """Yield the sentences that are likely to be said, the likeliest first."""
    answerer = house.engines.answerer
    fixed = [
        *Line,
        *NOT_HEARD.values(),
        replies.refusal(answerer.human, 0.0, ()).text,
        replies.unclear(0.0, ()).text,
        replies.ABUSE_WARNING,
        replies.ABUSE_END,
        *(replies.act_reply(act, Context(), None, answerer.human).text for act in Act),
        *(line.text for line in (*EMERGENCIES.values(), MEDICAL, LEGAL)),
    ]
    for text in (*fixed, *(spoken(article) for article in answerer.articles)):
        yield from sentences(text)
