"""The telephone live: streams as Twilio plays them, in real time, on quick engines."""

from __future__ import annotations

import base64
import json
import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from simple_websocket import Client, ConnectionError
from sqlalchemy import select
from werkzeug.serving import make_server

from bot.channels import live_seats
from bot.channels.phone_live import stream_url
from bot.channels.phone_prompts import Line, text_of
from bot.channels.phone_stream import AHEAD, Doubler, Format, FormatError, Pacer, read
from bot.conversation.calls import Call
from bot.conversation.models import Turn
from bot.knowledge.types import Answer, Outcome
from bot.live import engine
from bot.live.hearing import silence
from bot.live.house import LiveHouse
from bot.live.lines import Line as Words
from bot.live.speaking import BETWEEN
from bot.live.transport import Piece
from bot.live_app import create_live_app
from bot.simulate.caller import write_sound
from bot.simulate.phone import FakePhone, Heard, Live, PhoneCall
from media.errors import MediaError
from media.types import Audio, Speech
from tests.bot.channels.conftest import ACCOUNT, House, free_port
from tests.bot.channels.test_phone import broken, said, working
from tests.bot.live.conftest import (
    QuickAnswerer,
    QuickRecogniser,
    QuickVoice,
    quick_house,
    speech,
    until,
)

LONG = Answer(Outcome.ANSWERED, " ".join(["하나 둘 셋 넷 다섯 여섯 일곱 여덟."] * 6), score=0.9)


@pytest.fixture
def options() -> dict[str, Any]:
    port = free_port()
    return {
        "twilio": {"phone_enabled": True, "sms_from": "+82215880000"},
        "live": {
            "enabled": True,
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "capacity": 1,
        },
    }


@dataclass
class Exchange:
    """The service with its live process, and callers to it."""

    house: House
    live_house: LiveHouse
    url: str
    recogniser: QuickRecogniser
    answerer: QuickAnswerer
    voice: QuickVoice
    played: list[PhoneCall] = field(default_factory=list)

    @property
    def line(self) -> FakePhone:
        return self.house.twilio

    def call(self, *moves: Path | str, **options: Any) -> PhoneCall:
        """Return a call that was played to its end while a worker worked."""
        loss = options.pop("loss", 0.0)
        call = PhoneCall(self.line, self.house.url, moves, live=Live(self.url, loss), **options)
        with working(self.house):
            call.play()
        until(lambda: self.live_house.seats.taken == 0)
        self.house.work()
        return call

    def call_row(self, sid: str) -> Call:
        with self.house.held.sessions() as session:
            return session.scalars(select(Call).where(Call.sid == sid)).one()


@pytest.fixture
def exchange(house: House, tmp_path: Path) -> Iterator[Exchange]:
    recogniser, answerer, voice = QuickRecogniser(), QuickAnswerer(), QuickVoice()
    held, settings = house.held, house.settings
    live_house = quick_house(
        held.sessions, tmp_path / "files", recogniser, answerer, voice, settings.live.capacity
    )
    app = create_live_app(settings, held, live_house)
    server = make_server("127.0.0.1", settings.live.port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{settings.live.port}"
    yield Exchange(house, live_house, url, recogniser, answerer, voice)
    server.shutdown()
    server.server_close()
    live_house.close()


@pytest.fixture
def question(tmp_path: Path) -> Path:
    """A recording of a second, with the pause after it."""
    return write_sound(np.concatenate([speech(1.0), silence(0.1)]), tmp_path / "question.wav")


def events(call: PhoneCall, event: str) -> list[Heard]:
    return [entry for entry in call.timeline if entry.event == event]


def test_a_live_call_is_answered_and_followed_by_a_message(
    exchange: Exchange, question: Path, tmp_path: Path
) -> None:
    call = exchange.call(question, question)
    assert broken(exchange.line) == []
    assert call.stream is not None and len(call.stream.measured.answers) == 2
    first, second = exchange.house.turns()
    assert (first.text, first.number, second.number) == ("기초연금이 뭐예요?", 1, 2)
    assert {turn.state.value for turn in (first, second)} == {"delivered"}
    assert first.recording is not None and second.video is not None
    assert exchange.call_row(call.sid).mode == "live"
    assert len(exchange.line.sent) == 1, "one message for one article"
    sound = tmp_path / "call.wav"
    call.stream.write(sound)
    with wave.open(str(sound)) as file:
        assert file.getnchannels() == 2 and file.getnframes() > 8000 * 4


def test_an_answer_comes_without_a_hole(exchange: Exchange, question: Path) -> None:
    """In the media's own time, however late a busy machine brings it: every frame, in order."""
    call = exchange.call(question)
    assert call.stream is not None
    form, voice = Format(8000), exchange.voice
    (turn,) = exchange.house.turns()
    said = [part for part in call.stream.received if "/2." in part[0]]
    sentences = [f"{part}." for part in turn.answer.rstrip(".").split(". ")]
    places = [name.partition("/")[2] for name, _ in said]
    # Where the machine stands still for long, this caller believes that it is over and hangs up.
    whole = len(sentences) if turn.heard is None else max(1, len(places))
    assert places == [f"2.{n + 1}" for n in range(whole)], call.timeline
    for number, ((_, frames), sentence) in enumerate(zip(said, sentences, strict=False)):
        spoken = voice.speak(sentence)
        if number:
            gap = np.zeros(round(BETWEEN * 24000), np.float32)
            spoken = Speech(sentence, Audio(np.concatenate([gap, spoken.audio.samples]), 24000))
        assert frames == form.frames(Piece("", spoken)), "not a frame lost, doubled or changed"


def test_whoever_speaks_over_the_answer_is_heard(exchange: Exchange, question: Path) -> None:
    exchange.answerer.answers["기초연금이 뭐예요?"] = LONG
    call = exchange.call(question, f"!{question}")
    assert call.stream is not None
    assert len(call.stream.measured.stops) == 1, "the sound has stopped"
    first, _ = exchange.house.turns()
    assert first.heard is not None and 2 <= len(first.heard.split()) < 48


def test_a_filler_is_not_taken_for_the_answer(
    exchange: Exchange, question: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FILL_AFTER", 0.1)
    exchange.answerer.gate.clear()

    class Patient(PhoneCall):
        def _tell(self, event: str, **detail: Any) -> None:
            super()._tell(event, **detail)
            if event == "filler":
                exchange.answerer.gate.set()

    call = Patient(exchange.line, exchange.house.url, [question], live=Live(exchange.url))
    with working(exchange.house):
        call.play()
    assert call.stream is not None and len(events(call, "filler")) == 1
    (first,), (answer,) = call.stream.measured.firsts, call.stream.measured.answers
    assert first < answer


def test_keys_work_during_speech(exchange: Exchange, question: Path) -> None:
    exchange.answerer.answers["기초연금이 뭐예요?"] = LONG
    call = exchange.call(question, "!2")
    assert broken(exchange.line) == []
    assert [turn.text for turn in exchange.house.turns()][1:] == ["천천히 다시 말해 주세요"]
    assert call.stream is not None and len(call.stream.measured.answers) == 2


def test_a_human_is_dialled(exchange: Exchange) -> None:
    exchange.answerer.answers["사람 연결해 주세요"] = Answer(Outcome.HANDED_OVER, "연결할게요.")
    call = exchange.call("0")
    assert exchange.call_row(call.sid).follows == "human"
    assert text_of(exchange.house.settings, Line.NO_HUMAN) in said(call.timeline)


class TestWithAHuman:
    @pytest.fixture
    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        options["twilio"]["human_number"] = "+82215881234"
        return options

    def test_a_human_is_connected(self, exchange: Exchange) -> None:
        exchange.answerer.answers["사람 연결해 주세요"] = Answer(Outcome.HANDED_OVER, "연결할게요.")
        call = exchange.call("0")
        assert broken(exchange.line) == []
        (dialled,) = events(call, "dial")
        assert dialled.detail["number"] == "+82215881234"
        assert call.timeline[-1].event == "hang-up" and exchange.call_row(call.sid).ended_at
        (turn,) = exchange.house.turns()
        assert turn.outcome == "handed_over" and turn.heard is None

    def test_who_reaches_no_human_is_answered_on(self, exchange: Exchange, question: Path) -> None:
        """The line is recorded then: the stream is over."""
        exchange.answerer.answers["사람 연결해 주세요"] = Answer(Outcome.HANDED_OVER, "연결할게요.")
        call = exchange.call("0", question, dialled="no-answer")
        assert broken(exchange.line) == []
        assert text_of(exchange.house.settings, Line.NO_HUMAN) in said(call.timeline)
        last = exchange.house.turns()[-1]
        assert (last.text, last.outcome) == ("기초연금이 뭐예요", "answered")


def test_the_end_that_is_told_before_the_stream_has_ended(
    exchange: Exchange, question: Path
) -> None:
    """Webhooks come in any order: the turn is stored, let go and sent all the same."""

    class Hasty(PhoneCall):
        def _tell(self, event: str, **detail: Any) -> None:
            super()._tell(event, **detail)
            if event == "answer":
                self.post("/twilio/voice/status", {"CallStatus": "completed"})

    call = Hasty(exchange.line, exchange.house.url, [question], live=Live(exchange.url))
    with working(exchange.house):
        call.play()
    until(lambda: exchange.live_house.seats.taken == 0)
    exchange.house.work()
    (turn,) = exchange.house.turns()
    assert turn.state.value == "delivered" and turn.lease_owner == ""
    assert len(exchange.line.sent) == 1


def test_a_pass_is_good_once_and_not_for_long(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, sid = exchange.house.settings, "CA" + "3" * 32
    token = live_seats.pass_for(settings, sid)
    assert exchange.live_house.seats.promise(sid) and exchange.live_house.seats.take(sid)
    socket = handshake(exchange, token)
    socket.send(start(sid))
    until(lambda: not socket.connected)
    exchange.live_house.seats.leave(sid)
    monkeypatch.setattr(live_seats, "PASS_SECONDS", -1)
    with pytest.raises(ConnectionError):
        handshake(exchange, token)
    assert exchange.house.turns() == []


def test_the_line_that_is_cut_goes_on_recorded(exchange: Exchange, question: Path) -> None:
    exchange.answerer.answers["기초연금이 뭐예요?"] = LONG
    call = exchange.call(question, "!x", question)
    assert broken(exchange.line) == []
    first, second = exchange.house.turns()
    assert first.heard is not None and first.state.value == "delivered"
    assert second.state.value == "delivered"
    assert text_of(exchange.house.settings, Line.BROKEN) in said(call.timeline)


def test_the_vendor_that_comes_before_the_end_is_written_goes_on_recorded(
    exchange: Exchange,
) -> None:
    call = PhoneCall(exchange.line, exchange.house.url, [])
    for step in ("", "/notice"):
        assert call.post(f"/twilio/voice{step}", {}).ok
    answer = call.post("/twilio/voice/streamed", {})
    assert text_of(exchange.house.settings, Line.BROKEN) in answer.text
    assert "<Record" in answer.text


def test_a_broken_model_goes_on_recorded(exchange: Exchange, question: Path) -> None:
    exchange.recogniser.texts = [MediaError("broken", "It is broken.", "Mend it.")]
    call = exchange.call(question, question)
    assert exchange.call_row(call.sid).follows == "recorded"
    assert text_of(exchange.house.settings, Line.BROKEN) in said(call.timeline)
    assert len(exchange.house.turns()) == 1


def test_lost_frames_are_silence(exchange: Exchange, question: Path) -> None:
    call = exchange.call(question, loss=0.1)
    assert call.stream is not None and len(call.stream.measured.answers) == 1
    (turn,) = exchange.house.turns()
    assert turn.recording is not None and 1.0 < (turn.recording.seconds or 0) < 4.0


def test_who_finds_no_seat_is_answered_recorded(exchange: Exchange, recording: Path) -> None:
    assert exchange.live_house.seats.promise("another")
    call = exchange.call(recording)
    assert call.stream is None and text_of(exchange.house.settings, Line.ASK) in said(call.timeline)
    assert len(exchange.house.turns()) == 1
    assert exchange.call_row(call.sid).mode == "recorded"


def test_declining_is_answered_live_and_nothing_kept(exchange: Exchange, question: Path) -> None:
    call = exchange.call(question, decline=True)
    assert text_of(exchange.house.settings, Line.NOT_KEPT) in said(call.timeline)
    (turn,) = exchange.house.turns()
    assert turn.outcome == "answered" and turn.recording is None


def test_without_a_live_process_the_line_is_recorded(house: House, recording: Path) -> None:
    call = PhoneCall(house.twilio, house.url, [recording])
    with working(house):
        call.play()
    house.work()
    assert broken(house.twilio) == [] and len(house.turns()) == 1


def test_no_seat_without_a_pass(exchange: Exchange) -> None:
    url = exchange.url + live_seats.PATH
    for body in ({}, {"pass": "forged"}, {"pass": 7}, []):
        assert requests.post(url, json=body, timeout=5).status_code == 403
    token = live_seats.pass_for(exchange.house.settings, "CA1")
    assert requests.post(url, json={"pass": token}, timeout=5).status_code == 204
    other = live_seats.pass_for(exchange.house.settings, "CA2")
    assert requests.post(url, json={"pass": other}, timeout=5).status_code == 503


def handshake(exchange: Exchange, token: str, signature: str | None = None) -> Client:
    public = stream_url(exchange.house.settings, token)
    signed = exchange.line.signature(public) if signature is None else signature
    return Client(public, headers={"X-Twilio-Signature": signed})


def start(call_sid: str, **changes: Any) -> str:
    told = {
        "streamSid": "MZ1",
        "callSid": call_sid,
        "accountSid": ACCOUNT,
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }
    return json.dumps({"event": "start", "start": told | changes})


def test_a_forged_handshake_and_a_forged_pass_are_refused(exchange: Exchange) -> None:
    token = live_seats.pass_for(exchange.house.settings, "CA1")
    for wrong in ((token, "forged"), (token, ""), ("forged", None)):
        with pytest.raises(ConnectionError):
            handshake(exchange, *wrong)
    assert exchange.live_house.seats.taken == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"callSid": "CA" + "2" * 32},
        {"accountSid": "AC" + "9" * 32},
        {"mediaFormat": {"encoding": "audio/opus", "sampleRate": 48000, "channels": 1}},
        {},
    ],
)
def test_a_stream_that_is_not_ours_begins_nothing(
    exchange: Exchange, changes: dict[str, Any]
) -> None:
    settings, sid = exchange.house.settings, "CA" + "1" * 32
    token = live_seats.pass_for(settings, sid)
    assert exchange.live_house.seats.promise(sid)
    socket = handshake(exchange, token)
    socket.send(start(sid, **changes))
    until(lambda: not socket.connected)
    with exchange.house.held.sessions() as session:
        assert session.scalars(select(Turn)).all() == [] == session.scalars(select(Call)).all()


def test_what_is_no_message_changes_nothing() -> None:
    for message in (None, b"binary", "no json", "[1]", '"text"'):
        assert read(message) == {}


def test_formats() -> None:
    def named(encoding: str, rate: object, channels: object = 1) -> dict[str, Any]:
        return {"mediaFormat": {"encoding": encoding, "sampleRate": rate, "channels": channels}}

    assert Format.of(named("audio/x-mulaw", 8000)).frame == 160
    wide = Format.of(named("audio/x-mulaw", "16000"))
    piece = Piece("1.1", Speech("가", Audio(np.zeros(24000 + 7, np.float32), 24000)))
    assert {len(frame) for frame in wide.frames(piece)} == {320}
    for wrong in (named("audio/x-mulaw", 44100), named("x", 8000), named("x", "?"), {}):
        with pytest.raises(FormatError):
            Format.of(wrong)


def test_doubling_has_no_seams() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(1600) / 8000).astype(np.float32)
    double = Doubler()
    doubled = np.concatenate([double(part) for part in np.split(tone, 10)])
    wanted = np.sin(2 * np.pi * 440 * (np.arange(3200) - 23) / 16000)
    assert np.abs(doubled[100:] - wanted[100:]).max() < 0.01


class Wire:
    """Takes what a pacer sends, and when."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.pacer = Pacer(lambda message: self.sent.append((time.monotonic(), message)))
        self.thread = threading.Thread(target=self.pacer.run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.pacer.stop()
        self.thread.join(5)

    def events(self) -> list[str]:
        return [message["event"] for _, message in self.sent]


def test_frames_are_paced_and_marked() -> None:
    wire = Wire()
    wire.pacer.add("1.1", [bytes(160)] * 50)
    until(lambda: "mark" in wire.events())
    times = [at for at, message in wire.sent if message["event"] == "media"]
    assert len(times) == 50 and times[-1] - times[0] > 0.55, "1 s, less what is sent ahead"
    name = wire.sent[-1][1]["mark"]["name"]
    assert wire.pacer.came_back(name) == "1.1" and wire.pacer.came_back("9/1.1") is None
    assert base64.b64decode(wire.sent[0][1]["media"]["payload"]) == bytes(160)
    wire.close()


def test_a_sender_that_wakes_late_leaves_no_hole() -> None:
    """At a clock of its own: frames come before they are due, though it sleeps up to 0.3 s."""
    moment = 100.0
    came: list[float] = []

    def send(message: dict[str, Any]) -> None:
        if message["event"] == "media":
            came.append(moment)

    pacer = Pacer(send, clock=lambda: moment)
    for mark in ("1.1", "1.2", "1.3"):
        pacer.add(mark, [bytes(160)] * 50)
    late = (0.0, 0.02, 0.3, 0.0, 0.13, 0.28, 0.05)
    for turn in range(1000):
        wait = pacer.step()
        if wait is None:
            break
        moment += wait + late[turn % len(late)]
    heard = came[0]
    for arrived in came[1:]:
        heard += 0.02
        assert arrived <= heard + 1e-6, "the ear had nothing to play"
    assert len(came) == 150
    ahead = [100.0 + 0.02 * n - at for n, at in enumerate(came)]
    assert max(ahead) <= AHEAD + 0.02, "what is not sent yet need not be cleared"


def test_what_is_cleared_is_not_heard() -> None:
    wire = Wire()
    assert wire.pacer.clear() is None
    wire.pacer.add("1.1", [bytes(160)] * 100)
    wire.pacer.add("1.2", [bytes(160)] * 100)
    until(lambda: wire.events().count("media") > 25)
    cut = wire.pacer.clear()
    assert cut is not None and cut.mark == "1.1" and 0.05 < cut.seconds < 1.0
    count = len(wire.sent)
    time.sleep(0.1)
    assert len(wire.sent) == count and wire.events()[-1] == "clear"
    assert wire.pacer.came_back("1/1.1") is None, "a mark of what was dropped"
    wire.close()


def test_the_caller_is_asked_before_silence_ends_it(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SILENCE_AFTER", 0.3)
    call = exchange.call("-")
    assert exchange.call_row(call.sid).follows == "goodbye"
    assert exchange.house.turns() == []
    assert Words.GOODBYE.startswith("궁금한")
