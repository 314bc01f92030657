"""The video call as a live conversation's transport: sound, face, captions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from bot.calls.sound import Outgoing
from bot.live.transport import After, Cut, Mood, Piece, Speaker
from media.face.live import LiveFace
from media.face.live_motion import Bearing

Tell = Callable[[dict[str, Any]], None]
"""Sends a message to the page; from any thread, returns at once."""

_BEARINGS = {
    Mood.LISTENING: Bearing.LISTENING,
    Mood.THINKING: Bearing.THINKING,
    # What is said moves the face by itself; before its first sound it still thinks.
    Mood.SPEAKING: None,
}


class VideoLine:
    """A `bot.live.transport.Transport`. Every method may be called from any thread."""

    def __init__(
        self,
        sound: Outgoing,
        face: LiveFace,
        tell: Tell,
        ended: Callable[[After], None],
        pool: Executor,
    ) -> None:
        self._sound, self._face, self._tell = sound, face, tell
        self._ended, self._pool = ended, pool
        self.mood = Mood.LISTENING

    def play(self, piece: Piece) -> None:
        """Let `piece` be heard after those before it, the lips with it."""
        at = self._sound.play(piece)
        if at is not None:
            # Reading the movement out of the speech takes some time, and there is some until then.
            self._pool.submit(self._speak, piece, at, self._sound.clears)

    def clear(self) -> Cut | None:
        """Stop the sound and the lips."""
        cut = self._sound.clear()
        self._face.hush(self._sound.seconds)
        return cut

    def show(self, mood: Mood) -> None:
        """Show what the counsellor does, in her face and on the page."""
        self.mood = mood
        bearing = _BEARINGS[mood]
        if bearing is not None:
            self._face.attend(bearing)
        self._tell({"type": "mood", "mood": mood.value})

    def caption(self, speaker: Speaker, text: str) -> None:
        """Show what was said."""
        self._tell({"type": "caption", "who": speaker.value, "text": text})

    def end(self, after: After) -> None:
        """End the call."""
        self._ended(after)

    def _speak(self, piece: Piece, at: float, clears: int) -> None:
        if clears == self._sound.clears:
            self._face.say(piece.speech, at)
        if clears != self._sound.clears:
            # It was cleared in the meantime.
            self._face.hush(min(at, self._sound.seconds))
