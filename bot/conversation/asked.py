"""What a channel asks of its turns through `reply_to`, beside an address to reply to."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.conversation.models import Turn

KEEP = "keep"
"""`no`: the recording is heard but never stored, as the person wished."""

COPY = "vendor_copy"
"""The vendor's recordings to be deleted there, with a space between."""

HOLD = "held_until"
"""A moment (ISO 8601): the video is not made before, since the machine is needed for a call."""

VIDEO = "video"
"""`no`: no video is made; the spoken answer was enough."""


def keeps_recording(turn: Turn) -> bool:
    """Say whether the recording of `turn` may be stored."""
    return turn.reply_to.get(KEEP) != "no"


def wants_video(turn: Turn) -> bool:
    """Say whether a video of the answer is made."""
    return turn.reply_to.get(VIDEO) != "no"


def vendor_copies(turn: Turn) -> list[str]:
    """Return the vendor's recordings that are to be deleted there."""
    return turn.reply_to.get(COPY, "").split()


def held_until(turn: Turn) -> datetime | None:
    """Return the moment before which the video is not made, or None."""
    text = turn.reply_to.get(HOLD, "")
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def without(turn: Turn, name: str) -> None:
    """Take `name` out of what is asked."""
    turn.reply_to = {key: value for key, value in turn.reply_to.items() if key != name}
