"""What a live counsellor says of herself; spoken once, kept with the speech of articles."""

from __future__ import annotations

from enum import StrEnum


class Line(StrEnum):
    """A sentence. All of them are prepared before the first conversation."""

    ASK = "무엇이 궁금하세요? 편하게 말씀해 주세요."
    FILLER = "네."
    """Short: an answer that is ready waits until it has been heard."""
    STILL = "찾고 있어요. 잠시만 기다려 주세요."
    SILENCE = "듣고 있어요. 궁금한 것을 말씀해 주세요."
    SILENCE_AGAIN = (
        "더 궁금한 것이 있으시면 말씀해 주세요. 사람과 통화하고 싶으시면, 사람, 하고 말씀해 주세요."
    )
    GOODBYE = "궁금한 것이 생기면 언제든 다시 찾아 주세요. 안녕히 계세요."
    NO_SUCH_KEY = "그 번호에는 기능이 없어요. 궁금한 것을 말씀해 주세요."
