"""A live house without models: sound that is loud is speech, and the recogniser has a list."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation.database import sessions as make_sessions
from bot.conversation.engines import Engines
from bot.conversation.files import FileStore
from bot.conversation.models import Turn
from bot.knowledge.replies import Human
from bot.knowledge.types import Answer, Context, Outcome
from bot.live import engine
from bot.live.engine import LiveConversation
from bot.live.hearing import silence
from bot.live.house import LiveHouse
from bot.live.transport import After, Caller, Cut, Mood, Piece, Speaker
from bot.settings import load_settings
from media.errors import MediaError
from media.types import Audio, FloatArray, Manner, Phoneme, Speech, Transcript
from tests.bot.conversation.pipeline import ARTICLE

RATE = 16_000
UNHEARD = Transcript("", heard=False, reason="noise")


def speech(seconds: float = 1.0) -> FloatArray:
    """Sound that the quick ear takes for speech."""
    return (0.3 * np.sin(np.arange(int(seconds * RATE)) / 9)).astype(np.float32)


def loud(window: FloatArray) -> float:
    """The quick ear."""
    return 1.0 if float(np.abs(window).mean()) > 0.05 else 0.0


@dataclass
class QuickRecogniser:
    """Hears what is next on its list, the last of it for ever."""

    texts: list[str | Transcript | MediaError] = field(
        default_factory=lambda: ["기초연금이 뭐예요?"]
    )
    heard: list[float] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    version: str = "quick"

    def __post_init__(self) -> None:
        self.gate.set()

    def recognise(self, audio: Audio) -> Transcript:
        self.gate.wait(10)
        self.heard.append(audio.seconds)
        said = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        if isinstance(said, MediaError):
            raise said
        return said if isinstance(said, Transcript) else Transcript(said)

    def warm_up(self) -> None:
        pass


@dataclass
class QuickAnswerer:
    """Answers with an article, whatever is asked, but for what `answers` names."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    human: Human = Human("정부민원안내콜센터", "110")

    def __post_init__(self) -> None:
        self.gate.set()

    def answer(self, question: str, context: Context = Context()) -> Answer:
        self.gate.wait(10)
        self.asked.append(question)
        self.contexts.append(context)
        return self.answers.get(question) or Answer(
            Outcome.ANSWERED,
            "기초연금은 예순다섯 살부터 받아요. 주민센터에 가 보세요. 신분증을 가져가세요.",
            article=ARTICLE,
            score=0.9,
            lines=("예순다섯 살부터", "주민센터", "신분증"),
        )

    def warm_up(self) -> None:
        pass


@dataclass
class QuickVoice:
    """Says every word in a tenth of a second."""

    version: str = "quick"
    manners: list[Manner] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    fault: MediaError | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    def speak(self, text: str, manner: Manner = Manner()) -> Speech:
        words = text.split()
        phonemes = tuple(Phoneme("a", n / 10, (n + 1) / 10, word) for n, word in enumerate(words))
        return Speech(text, Audio(np.full(2400 * len(words), 0.1, np.float32), 24000), phonemes)

    def stream(self, text: str, manner: Manner = Manner()) -> Iterator[Speech]:
        self.gate.wait(10)
        if self.fault is not None:
            raise self.fault
        self.manners.append(manner)
        yield self.speak(text, manner)

    def warm_up(self) -> None:
        pass


class Line:
    """A transport whose other end hears at once, or, with `holding`, only when told."""

    def __init__(self) -> None:
        self.live: LiveConversation | None = None
        self.holding = False
        self.heard: list[str] = []
        self.waiting: list[Piece] = []
        self.moods: list[Mood] = []
        self.captions: list[tuple[Speaker, str]] = []
        self.cleared = 0
        self.cut_seconds = 0.25
        self.after: After | None = None

    def play(self, piece: Piece) -> None:
        if self.holding:
            self.waiting.append(piece)
            return
        self.heard.append(piece.speech.text)
        assert self.live is not None
        self.live.played(piece.mark)

    def let_go(self, pieces: int = 1) -> None:
        """Let the person hear so many pieces."""
        assert self.live is not None
        for piece in self.waiting[:pieces]:
            self.heard.append(piece.speech.text)
            self.live.played(piece.mark)
        del self.waiting[:pieces]

    def clear(self) -> Cut | None:
        self.cleared += 1
        cut = Cut(self.waiting[0].mark, self.cut_seconds) if self.waiting else None
        self.waiting.clear()
        return cut

    def show(self, mood: Mood) -> None:
        self.moods.append(mood)

    def caption(self, speaker: Speaker, text: str) -> None:
        self.captions.append((speaker, text))

    def end(self, after: After) -> None:
        self.after = after


@dataclass
class Room:
    """A conversation with everything around it."""

    house: LiveHouse
    recogniser: QuickRecogniser
    answerer: QuickAnswerer
    voice: QuickVoice
    line: Line
    live: LiveConversation

    def say(self, seconds: float = 1.0, pause: float = 3.0) -> None:
        """Speak, and be quiet after it."""
        self.live.hear(speech(seconds))
        if pause:
            self.live.hear(silence(pause))

    def turns(self) -> list[Turn]:
        """Return the turns with their steps, the oldest first."""
        with self.house.sessions() as session:
            found = list(session.scalars(select(Turn).order_by(Turn.id)))
            for turn in found:
                for name in ("steps", "recording", "speech", "identity", "conversation"):
                    getattr(turn, name)
            return found

    def hang_up(self) -> list[Turn]:
        """Hang up; return the turns."""
        self.live.hang_up("test")
        assert self.live.join(10)
        return self.turns()


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until `condition` holds; return what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


def quick_house(
    opened: sessionmaker[Session],
    files: Path,
    recogniser: QuickRecogniser,
    answerer: QuickAnswerer,
    voice: QuickVoice,
    capacity: int = 4,
) -> LiveHouse:
    """Return a live house without models."""
    engines = Engines(
        limits=cast(Any, None),
        recogniser=recogniser,
        answerer=cast(Any, answerer),
        persona=cast(Any, None),
        voice=voice,
    )
    house = LiveHouse.around(engines, opened, FileStore(str(files)), capacity)
    return replace(house, activity=lambda: loud)


@pytest.fixture
def opened(tmp_path: Path, tables: Path) -> Iterator[sessionmaker[Session]]:
    shutil.copy(tables, tmp_path / "live.db")
    maker = make_sessions(
        load_settings(database={"url": f"sqlite:///{tmp_path}/live.db"}, app={"data_dir": tmp_path})
    )
    yield maker
    maker.kw["bind"].dispose()


@pytest.fixture
def caller() -> Caller:
    return Caller("phone", "+821012345678", "CA" + "1" * 32)


@pytest.fixture
def room(
    opened: sessionmaker[Session], tmp_path: Path, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Room]:
    # Sound comes faster than it would: the end of a question is long ago at once.
    monkeypatch.setattr(engine, "FILL_AFTER", 60.0)
    recogniser, answerer, voice, line = QuickRecogniser(), QuickAnswerer(), QuickVoice(), Line()
    house = quick_house(opened, tmp_path / "files", recogniser, answerer, voice)
    live = LiveConversation(house, caller, line, "무엇이 궁금하세요?")
    line.live = live
    made = Room(house, recogniser, answerer, voice, line, live)
    live.start()
    until(lambda: line.moods[-1:] == [Mood.LISTENING])
    yield made
    live.hang_up("end of test")
    live.join(10)
    house.close()
