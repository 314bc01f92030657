from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from bot.broker import folder_options
from bot.jobs import QUEUES, VIDEO, celery_app, enqueue
from bot.settings import Settings, load_settings


def folder_settings(folder: Path) -> Settings:
    return load_settings(app={"data_dir": folder})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def connection(folder: Path) -> Iterator[Connection]:
    with Connection("folder://localhost", transport_options=folder_options(folder)) as made:
        yield made


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        yield server.getsockname()[1]


def test_a_job_is_a_file_on_its_queue(tmp_path: Path, folder: Path) -> None:
    settings = folder_settings(tmp_path)
    assert enqueue(settings, 7) and enqueue(settings, 8, VIDEO)
    names = sorted(path.name for path in folder.iterdir())
    assert [name.split(".", 1)[1] for name in names] == ["speech.msg", "video.msg"]
    message = json.loads((folder / names[0]).read_text())
    assert message["headers"]["task"] == "silverline.advance"
    assert message["headers"]["argsrepr"] == "[7]"


def test_one_application_for_one_broker(tmp_path: Path) -> None:
    settings = folder_settings(tmp_path)
    assert celery_app(settings) is celery_app(folder_settings(tmp_path))
    assert [queue.name for queue in celery_app(settings).conf.task_queues] == list(QUEUES)
    assert celery_app(settings).conf.task_acks_late


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://g:g@127.0.0.1:1//"])
def test_a_broker_that_is_away_loses_no_turn_and_raises_nothing(url: str) -> None:
    assert not enqueue(load_settings(jobs={"broker": url}), 7)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_does_not_answer_is_not_waited_for(silent: int, scheme: str) -> None:
    settings = load_settings(jobs={"broker": f"{scheme}://127.0.0.1:{silent}"})
    assert not enqueue(settings, 7)


def test_a_folder_that_cannot_be_written_raises_nothing(tmp_path: Path) -> None:
    settings = folder_settings(tmp_path)
    assert enqueue(settings, 7)
    for path in (tmp_path / "broker").iterdir():
        path.unlink()
    (tmp_path / "broker").rmdir()
    assert not enqueue(settings, 8)


def test_messages_come_in_order_and_once(connection: Connection, folder: Path) -> None:
    queue = connection.SimpleQueue("speech")
    for number in range(20):
        queue.put({"n": number})
    assert queue.qsize() == 20
    got = [queue.get(timeout=5).payload["n"] for _ in range(20)]
    assert got == list(range(20))
    with pytest.raises(queue.Empty):
        queue.get_nowait()
    assert list(folder.iterdir()) == []
    queue.close()


def test_readers_and_writers_at_once_share_every_message(folder: Path) -> None:
    taken: list[int] = []
    done = threading.Event()

    def connect() -> Connection:
        return Connection("folder://localhost", transport_options=folder_options(folder))

    def write(base: int) -> None:
        with connect() as connection:
            queue = connection.SimpleQueue("speech")
            for number in range(50):
                queue.put(base + number)

    def read() -> None:
        with connect() as connection:
            queue = connection.SimpleQueue("speech")
            while not done.is_set() or queue.qsize():
                try:
                    message = queue.get_nowait()
                except queue.Empty:
                    continue
                message.ack()
                taken.append(message.payload)

    readers = [threading.Thread(target=read) for _ in range(3)]
    writers = [threading.Thread(target=write, args=(base,)) for base in (0, 100, 200)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert sorted(taken) == [base + n for base in (0, 100, 200) for n in range(50)]


def test_queues_do_not_mix_and_can_be_emptied(connection: Connection, folder: Path) -> None:
    speech, video = connection.SimpleQueue("speech"), connection.SimpleQueue("video")
    speech.put(1)
    video.put(2)
    assert video.get(timeout=5).payload == 2
    assert speech.clear() == 1
    assert list(folder.iterdir()) == []
    channel = connection.channel()
    channel.queue_declare("speech")
    speech.put(3)
    channel.queue_delete("speech")
    assert list(folder.iterdir()) == []
