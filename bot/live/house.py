"""What the live conversations of one process share: engines, database, files, threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.database import sessions
from bot.conversation.engines import Engines, engines
from bot.conversation.files import FileStore
from bot.live.listening import Listener
from bot.live.seats import Seats
from bot.live.speaking import Speaker
from bot.settings import Settings
from media.hear.stream import VoiceActivity
from media.types import FloatArray


@dataclass(frozen=True)
class LiveHouse:
    """Everything that a live conversation needs, once a process."""

    engines: Engines
    sessions: sessionmaker[Session]
    files: FileStore
    seats: Seats
    listener: Listener
    speaker: Speaker
    activity: Callable[[], Callable[[FloatArray], float]] = VoiceActivity
    """Makes what tells speech from silence, one for each conversation."""
    work: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(16, "live"))
    """Thinks and speaks; recognition has a thread of its own."""

    @classmethod
    def of(cls, settings: Settings) -> LiveHouse:
        """Return the house that `settings` describe; models load when first used."""
        return cls.around(
            engines(settings, live=True),
            sessions(settings),
            FileStore(settings.files.url),
            settings.live.capacity,
        )

    @classmethod
    def around(
        cls, built: Engines, opened: sessionmaker[Session], files: FileStore, capacity: int
    ) -> LiveHouse:
        """Return a house with engines that were built before."""
        return cls(
            built,
            opened,
            files,
            Seats(capacity),
            Listener(built.recogniser),
            Speaker(built.voice),
        )

    def warm_up(self) -> None:
        """Load what hears, thinks and speaks, so that the first caller waits no longer."""
        self.engines.recogniser.warm_up()
        self.engines.answerer.warm_up()
        self.engines.voice.warm_up()

    def close(self) -> None:
        """Finish what is being done."""
        self.listener.close()
        self.work.shutdown(cancel_futures=True)
