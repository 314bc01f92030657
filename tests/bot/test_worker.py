from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from celery.exceptions import Reject
from celery.worker import state as worker_state
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from bot.conversation import schema
from bot.conversation.database import sessions as make_sessions
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import Delivery, Sending, State, Turn, TurnStep
from bot.jobs import ADVANCE, celery_app
from bot.settings import Settings, load_settings
from bot.worker import make_parts, register, run_worker, sweeping
from tests.bot.conversation.pipeline import Sink, SinkChannel, quick_parts
from tests.bot.servers import RABBITMQ, REDIS, need
from tests.bot.workers import PATIENCE, kill, wait_until, worker

POINTS = ["fetch", "hear", "think", "voice", "render", "before-send", "after-send"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        database={"url": f"sqlite:///{tmp_path}/test.db"},
        app={"data_dir": tmp_path},
        jobs={"sweep_seconds": 1, "stuck_seconds": 60},
    )


@pytest.fixture
def sessions(settings: Settings) -> sessionmaker[Session]:
    maker = make_sessions(settings)
    schema.upgrade(maker.kw["bind"])
    return maker


def ask(sessions: sessionmaker[Session], key: str = "k") -> int:
    with sessions() as session:
        message = InboundMessage("sink", key, "u1", "recording", media_url="https://v.example/a")
        turn_id = receive(session, message).turn_id
    assert turn_id is not None
    return turn_id


def state(sessions: sessionmaker[Session], turn_id: int) -> State:
    with sessions() as session:
        return session.get_one(Turn, turn_id).state


def test_a_worker_killed_at_each_step_leaves_exactly_one_reply(
    settings: Settings, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with Sink().running() as sink:
        turn_id = ask(sessions)
        for point in POINTS:
            (tmp_path / f"hold-{point}").touch()
        for point in POINTS:
            with worker(settings, tmp_path, sink.url) as process:
                wait_until((tmp_path / f"at-{point}").exists, f"a worker at {point}")
                kill(process)
            (tmp_path / f"hold-{point}").unlink()
        with worker(settings, tmp_path, sink.url) as process:
            wait_until(lambda: state(sessions, turn_id) is State.DELIVERED, "the delivery")
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
        assert len(sink.taken) == 1
    with sessions() as session:
        [delivery] = session.scalars(select(Delivery))
    assert (delivery.state, delivery.vendor_id) == (Sending.SENT, "m1")


@pytest.fixture(params=["filesystem", "redis", "rabbitmq"])
def any_broker(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Settings]:
    """Settings on each broker, its queues empty before and after."""
    url = "filesystem"
    if request.param == "redis":
        url = REDIS
        need(url, "Redis", "TEST_REDIS")
    elif request.param == "rabbitmq":
        url = RABBITMQ
        need(url, "RabbitMQ", "TEST_RABBITMQ")
    found = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"broker": url})})
    drain(found)
    yield found
    drain(found)


def drain(settings: Settings) -> None:
    """Empty the queues."""
    with celery_app(settings).connection_for_write() as connection:
        for queue in celery_app(settings).conf.task_queues:
            bound = queue(connection.default_channel)
            bound.declare()
            bound.purge()


def test_speech_and_video_workers_share_a_turn_on_any_broker(
    any_broker: Settings, tmp_path: Path
) -> None:
    maker = make_sessions(any_broker)
    schema.upgrade(maker.kw["bind"])
    hold = tmp_path / "hold-render"
    hold.touch()
    with Sink().running() as sink, worker(any_broker, tmp_path, sink.url, "speech") as speech:
        turns = [ask(maker, f"k{n}") for n in range(3)]
        with worker(any_broker, tmp_path, sink.url, "video") as doomed:
            wait_until((tmp_path / "at-render").exists, "a worker at the rendering")
            kill(doomed)
        hold.unlink()
        with worker(any_broker, tmp_path, sink.url, "video") as video:
            for turn in turns:
                wait_until(lambda turn=turn: state(maker, turn) is State.DELIVERED, "a delivery")
        assert len(sink.taken) == 3
    with maker() as session:
        for step in session.scalars(select(TurnStep)):
            pid = int(step.worker.split(":")[1])
            assert pid == (video.pid if step.step == "render" else speech.pid), step.step


def test_a_worker_that_is_told_to_stop_finishes_its_step_and_passes_the_turn_on(
    settings: Settings, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    hold = tmp_path / "hold-voice"
    hold.touch()
    with Sink().running() as sink, worker(settings, tmp_path, sink.url) as process:
        turn_id = ask(sessions)
        wait_until((tmp_path / "at-voice").exists, "a worker at the voice")
        process.send_signal(signal.SIGTERM)
        log = tmp_path / "worker.log"
        wait_until(lambda: b"Warm shutdown" in log.read_bytes(), "the worker to stop")
        hold.unlink()
        assert process.wait(timeout=PATIENCE) == 0
    with sessions() as session:
        turn = session.get_one(Turn, turn_id)
    assert (turn.state, turn.lease_owner) == (State.VOICED, "")
    assert list((tmp_path / "broker").glob("*.video.msg"))


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Give this process its signal handlers back, and forget that a worker was stopped in it."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    worker_state.should_stop = None


def test_a_worker_in_this_process_works_until_it_is_told_to_stop(
    settings: Settings, sessions: sessionmaker[Session], tmp_path: Path, own_signals: None
) -> None:
    with Sink().running() as sink:
        parts = quick_parts(sessions, tmp_path, SinkChannel(sink.url))
        turn_id = ask(sessions)

        def stop() -> None:
            wait_until(lambda: state(sessions, turn_id) is State.DELIVERED, "the delivery")
            os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=stop)
        thread.start()
        assert run_worker(settings, parts=parts) == 0
        thread.join()
        assert len(sink.taken) == 1
    assert parts.stopping.is_set()


def test_a_worker_that_stops_takes_no_job(settings: Settings, tmp_path: Path) -> None:
    app = Celery("test", broker="memory://", set_as_current=False)
    parts = quick_parts(make_sessions(settings), tmp_path, SinkChannel("http://127.0.0.1:1"))
    parts.stopping.set()
    register(app, parts)
    with pytest.raises(Reject):
        app.tasks[ADVANCE](1)


def test_a_sweep_outlives_a_database_without_tables(settings: Settings, tmp_path: Path) -> None:
    parts = quick_parts(make_sessions(settings), tmp_path, SinkChannel("http://127.0.0.1:1"))
    with sweeping(settings, parts):
        pass
    with parts.sessions() as session, pytest.raises(OperationalError):
        session.get(Turn, 1)


def test_parts_are_built_from_the_settings(settings: Settings) -> None:
    parts = make_parts(settings, ["speech"])
    assert parts.queues == ("speech",) and parts.channels == {}
    assert (parts.attempts, parts.lease_seconds) == (5, 60)
    assert parts.human_number == settings.knowledge.human_number
