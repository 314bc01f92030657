"""The steps of a turn as plain functions: recording → transcript → answer → speech → video."""

from __future__ import annotations

from pathlib import Path

from bot.conversation.engines import Engines
from bot.knowledge.mask import mask
from bot.knowledge.types import Answer, Context, Outcome
from media.captions import captions
from media.decode import decode
from media.types import Manner, Speech, Transcript
from media.video import Video, encode

AI_MARK = "AI 생성 영상"

NOT_HEARD = {
    "silence": "말씀이 들리지 않았어요. 조금 더 가까이에서 한 번 더 말씀해 주세요.",
    "noise": "주변 소리가 커서 잘 듣지 못했어요. 조용한 곳에서 한 번 더 말씀해 주세요.",
    "unclear": "잘 알아듣지 못했어요. 천천히 한 번 더 말씀해 주세요.",
}


def hear(engines: Engines, recording: Path) -> Transcript:
    """Return what is said in `recording`; MediaError where the file cannot be used."""
    return engines.recogniser.recognise(decode(recording, engines.limits))


def think(engines: Engines, question: str, context: Context = Context()) -> Answer:
    """Return the answer to `question`; personal numbers are masked before anything sees them."""
    return engines.answerer.answer(mask(question), context)


def not_heard(engines: Engines, transcript: Transcript) -> Answer:
    """Return the request to say it again that fits why `transcript` has no words."""
    text = NOT_HEARD.get(transcript.reason, NOT_HEARD["unclear"])
    human = engines.answerer.human
    return Answer(
        Outcome.NOT_HEARD,
        text,
        lines=(text,),
        contact_name=human.name,
        contact_number=human.number,
    )


def voice(engines: Engines, answer: Answer, manner: Manner = Manner()) -> Speech:
    """Return `answer` spoken by the persona."""
    return engines.voice.speak(answer.text, manner)


def render(engines: Engines, speech: Speech, out: Path, poster: Path, title: str = "") -> Video:
    """Write the video of the persona saying `speech` to `out` and its picture to `poster`."""
    face = engines.persona.face
    return encode(
        face.speaking(speech),
        speech.audio,
        out,
        size=face.size,
        captions=captions(speech),
        mark=AI_MARK,
        title=title,
        poster=poster,
    )
