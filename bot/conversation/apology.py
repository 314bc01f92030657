"""What is said when a question could not be answered for a technical reason."""

from __future__ import annotations

from bot.conversation.models import Turn
from bot.conversation.record import FAILED

APOLOGIES = {
    "too_long": "말씀이 너무 길어서 다 듣지 못했어요. 죄송하지만 조금 짧게 다시 말씀해 주세요.",
    "too_large": "보내 주신 파일이 너무 커서 열지 못했어요. 죄송하지만 짧게 다시 보내 주세요.",
    "too_many_pixels": "보내 주신 영상이 너무 커서 열지 못했어요. "
    "죄송하지만 목소리만 녹음해서 보내 주세요.",
    "no_sound": "보내 주신 영상에 소리가 없어요. 죄송하지만 목소리를 녹음해서 다시 보내 주세요.",
    "empty": "보내 주신 녹음이 비어 있어요. 죄송하지만 다시 녹음해서 보내 주세요.",
    "not_media": "보내 주신 파일은 녹음이 아니에요. 죄송하지만 목소리를 녹음해서 보내 주세요.",
    "unsupported": "보내 주신 파일을 열지 못했어요. 죄송하지만 목소리를 녹음해서 다시 보내 주세요.",
    "damaged": "보내 주신 녹음이 깨져서 듣지 못했어요. 죄송하지만 다시 보내 주세요.",
    "timeout": "보내 주신 녹음을 듣는 데 너무 오래 걸렸어요. 죄송하지만 짧게 다시 보내 주세요.",
    "not_available": "보내 주신 녹음을 받지 못했어요. 죄송하지만 다시 녹음해서 보내 주세요.",
    "vendor": "보내 주신 녹음을 받지 못했어요. 죄송하지만 다시 보내 주세요.",
}
"""By the code of the fault, for those that the person can do something about."""

OTHERWISE = (
    "죄송해요. 지금은 답을 드리지 못했어요. 조금 뒤에 다시 말씀해 주세요. "
    "급하시면 {name} {number}번으로 전화해 주세요."
)


def apologise(turn: Turn, code: str, human_name: str, human_number: str) -> None:
    """Make the apology for fault `code` the answer of `turn`, with a number to call instead."""
    text = APOLOGIES.get(code) or OTHERWISE.format(name=human_name, number=human_number)
    turn.outcome = FAILED
    turn.answer = text
    turn.lines = [text]
    turn.contact_name = human_name
    turn.contact_number = human_number
