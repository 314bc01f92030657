"""The telephone line in recorded mode: heard, consented, answered, sent, as Twilio plays it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from bot.channels import phone_calls as calls
from bot.channels import phone_prompts
from bot.channels.phone import HEARD, Phone, euckr, message_of, size
from bot.channels.phone_prompts import Line, digest_of, find, prepare, text_of
from bot.channels.phone_webhook import blueprint
from bot.channels.short_links import code_of, key_of
from bot.conversation import schema
from bot.conversation.calls import Call, Consent, Prompt, RecordingConsent
from bot.conversation.casework import Handover
from bot.conversation.database import engine
from bot.conversation.delivery import DeliveryError, FileRef, Reply
from bot.conversation.models import (
    Identity,
    InboundEvent,
    MediaFile,
    Person,
    State,
    Turn,
)
from bot.conversation.turn import advance
from bot.knowledge.types import Answer, Outcome
from bot.simulate.phone import CALLER, FakePhone, Heard, PhoneCall, answers
from bot.worker import preparing
from media.errors import MediaError
from media.hold import MELODY
from tests.bot.channels.conftest import ACCOUNT, House
from tests.bot.conversation.pipeline import ARTICLE
from tests.bot.servers import postgres_database

SMS = "+82215880000"
PROMPTS = len(Line) + len(MELODY)


@pytest.fixture
def options() -> dict[str, Any]:
    return {"twilio": {"phone_enabled": True, "sms_from": SMS}}


@pytest.fixture
def line(house: House) -> FakePhone:
    return house.twilio


@contextmanager
def working(house: House) -> Iterator[None]:
    """Move turns in the background, as a worker would."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.05):
            house.work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def call(house: House, line: FakePhone, *moves: Path | str, **options: Any) -> PhoneCall:
    """Return a call that was played to its end while a worker worked."""
    played = PhoneCall(line, house.url, moves, **options)
    with working(house):
        played.play()
    house.work()
    return played


def said(timeline: list[Heard]) -> list[str]:
    return [entry.detail["text"] for entry in timeline if entry.event == "say"]


def broken(line: FakePhone) -> list[str]:
    """Return the broken rules, but for time: a test's machine may be busy."""
    return [rule for rule in line.book.broken if " took " not in rule]


def consents(house: House) -> list[RecordingConsent]:
    with house.held.sessions() as session:
        return list(session.scalars(select(RecordingConsent)))


def text(house: House, which: Line) -> str:
    return text_of(house.settings, which)


def test_a_question_is_answered_in_the_call_and_sent_after_it(
    house: House, line: FakePhone, recording: Path
) -> None:
    played = call(house, line, recording)
    assert broken(line) == []
    spoken = said(played.timeline)
    assert spoken[:3] == [text(house, part) for part in (Line.NOTICE, Line.ASK, Line.WAIT)]
    assert text(house, Line.MORE) in spoken
    assert len(list(answers(played.timeline))) == 1

    (turn,) = house.turns()
    assert turn.state is State.DELIVERED
    assert turn.recording is not None and turn.video is not None
    (consent,) = consents(house)
    assert (consent.answer, consent.means) == (Consent.AGREED, "stayed")
    (sent,) = line.sent
    assert sent.fields["To"] == CALLER
    body = sent.fields["Body"]
    assert "예순다섯 살부터" in body and "전화 국민연금공단 1355" in body
    link = re.findall(r"https?://\S+", body)[0]
    page = requests.get(link, timeout=10)
    assert page.ok and "<video" in page.text
    assert line.recordings == {}, "Twilio keeps nothing"


def test_the_first_sentence_says_what_the_law_asks() -> None:
    first = Line.NOTICE.value.partition(".")[0]
    for word in ("인공지능", "녹음", "원하지 않으시면", "눌러"):
        assert word in first


def test_a_declined_recording_is_answered_and_never_stored(
    house: House, line: FakePhone, recording: Path
) -> None:
    played = call(house, line, recording, decline=True)
    assert broken(line) == []
    assert text(house, Line.NOT_KEPT) in said(played.timeline)
    assert len(list(answers(played.timeline))) == 1
    (turn,) = house.turns()
    assert turn.outcome == "answered" and turn.recording is None
    assert "listen" in [step.step for step in turn.steps]
    with house.held.sessions() as session:
        assert not session.scalars(select(MediaFile).where(MediaFile.kind == "recording")).all()
    (consent,) = consents(house)
    assert (consent.answer, consent.means) == (Consent.REFUSED, "key")
    assert consent.wording
    assert line.recordings == {} and len(line.deleted) == 1


def test_keys_repeat_slow_down_and_send_by_text(
    house: House, line: FakePhone, recording: Path
) -> None:
    played = call(house, line, recording, "1", "2", "9")
    assert broken(line) == []
    plays = [e for e in played.timeline if e.event == "play"]
    assert len(plays) == 3
    assert [turn.text for turn in house.turns()] == ["기초연금이 뭐예요", "천천히 다시 말해 주세요"]
    assert text(house, Line.BY_TEXT) in said(played.timeline)
    assert len(line.sent) == 1, "one message for one article"


def test_a_key_chooses_where_a_choice_was_offered(
    house: House, line: FakePhone, recording: Path
) -> None:
    house.steps.answer = Answer(Outcome.CLARIFIED, "하나 또는 둘?", choices=("a", "b"))
    call(house, line, recording, "2")
    assert [turn.text for turn in house.turns()] == ["기초연금이 뭐예요", "2번"]
    assert line.sent == []


def test_a_key_before_the_answer_is_there_goes_on_waiting(
    house: House, line: FakePhone, recording: Path
) -> None:
    played = PhoneCall(line, house.url, [])
    name = line.record(recording)
    played.post("/twilio/voice/asked?n=2&q=", {"RecordingUrl": f"https://x/{name}"})
    played.post("/twilio/voice/recording", {"RecordingSid": name})
    for digit in "12":
        told = played.post(f"/twilio/voice/key?n={digit}&q={name}", {"Digits": digit})
        assert "/twilio/voice/wait" in told.text
    assert len(house.turns()) == 1


def test_a_human_is_named_where_none_can_be_connected(house: House, line: FakePhone) -> None:
    played = call(house, line, "0")
    assert text(house, Line.NO_HUMAN) in said(played.timeline)
    assert broken(line) == []
    with house.held.sessions() as session:
        wish = session.query(Handover).one()
        assert (wish.stage, wish.turn.outcome) == ("waiting", "handed_over")
        assert wish.turn.state is State.DELIVERED and wish.turn.deliveries == []


class TestWithAHuman:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"twilio": {"phone_enabled": True, "human_number": "+82215881234", "sms_from": ""}}

    def test_a_key_connects(self, house: House, line: FakePhone) -> None:
        played = call(house, line, "0")
        assert [e.detail["number"] for e in played.timeline if e.event == "dial"] == [
            "+82215881234"
        ]

    def test_a_word_connects(self, house: House, line: FakePhone, recording: Path) -> None:
        house.steps.answer = Answer(Outcome.HANDED_OVER, "연결해 드릴게요.", act="human")
        played = call(house, line, recording)
        assert "dial" in [entry.event for entry in played.timeline]
        assert line.sent == []

    @pytest.mark.parametrize("state", ["no-answer", "busy", "failed", "canceled", ""])
    def test_a_human_who_does_not_answer_is_no_end(
        self, house: House, line: FakePhone, state: str
    ) -> None:
        played = PhoneCall(line, house.url, [])
        answer = played.post("/twilio/voice/dialled?n=3", {"DialCallStatus": state})
        assert "<Record" in answer.text and text(house, Line.NO_HUMAN) in answer.text
        with house.held.sessions() as session:
            assert session.query(Handover).one().stage == "waiting", "they are called back"

    @pytest.mark.parametrize("state", ["completed", "answered"])
    def test_after_a_talk_with_a_human_the_call_is_over(
        self, house: House, line: FakePhone, state: str
    ) -> None:
        played = PhoneCall(line, house.url, [])
        answer = played.post("/twilio/voice/dialled?n=3", {"DialCallStatus": state})
        assert "<Hangup" in answer.text and "<Record" not in answer.text
        with house.held.sessions() as session:
            assert session.query(Handover).all() == []

    def test_no_message_is_sent_without_a_sender(
        self, house: House, line: FakePhone, recording: Path
    ) -> None:
        played = call(house, line, recording, "9")
        assert text(house, Line.NO_TEXT) in said(played.timeline)
        assert house.turns()[0].deliveries[0].vendor_id == HEARD


class TestAbroad:
    """Where telephones take media, the message carries the video itself."""

    CALLER = "+14155238886"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"twilio": {"phone_enabled": True, "sms_from": "+14155550100"}}

    def test_the_video_goes_with_the_message(
        self, house: House, line: FakePhone, recording: Path
    ) -> None:
        call(house, line, recording, caller=self.CALLER)
        assert broken(line) == []
        (sent,) = line.sent
        assert sent.media_type == "video/mp4" and len(sent.media) > 1000
        assert "/s/" in sent.fields["Body"], "and its link, for those whose telephone is old"

    @pytest.mark.parametrize("wrong", ["large", "Korea", "none"])
    def test_a_link_goes_where_no_media_can(
        self, house: House, line: FakePhone, wrong: str
    ) -> None:
        video = None if wrong == "none" else FileRef("k", "video/mp4", 6_000_000, 1.0)
        if wrong == "Korea":
            video = FileRef("k", "video/mp4", 1000, 1.0)
        to = CALLER if wrong == "Korea" else self.CALLER
        Phone(house.settings).deliver(reply(address=to, video=video))
        assert "MediaUrl" not in line.sent[0].fields and "/s/" in line.sent[0].fields["Body"]


def test_silence_is_asked_about_and_then_ended(house: House, line: FakePhone) -> None:
    played = call(house, line, "-", "-", "-", "-")
    spoken = said(played.timeline)
    order = [Line.SILENCE, Line.SILENCE_AGAIN, Line.GOODBYE]
    assert [s for s in spoken if s in {text(house, part) for part in order}] == [
        text(house, part) for part in order
    ]
    assert house.turns() == []


def test_goodbye_ends_the_call(house: House, line: FakePhone, recording: Path) -> None:
    house.steps.answer = Answer(Outcome.ANSWERED, "안녕히 계세요.", act="goodbye", end=True)
    played = call(house, line, recording, recording)
    assert [entry.event for entry in played.timeline].count("speak") == 1


def test_hanging_up_while_the_answer_is_sought_loses_nothing(
    house: House, line: FakePhone, recording: Path
) -> None:
    """The action may never come: what was recorded is answered by a message all the same."""
    played = PhoneCall(line, house.url, [])
    played.post("/twilio/voice", {})
    played.post("/twilio/voice/notice?n=1", {})
    name = line.record(recording)
    done = {"RecordingSid": name, "RecordingStatus": "completed", "RecordingDuration": "4"}
    assert played.post("/twilio/voice/recording", done).status_code == 204
    assert house.turns() == []
    played.post("/twilio/voice/status", {"CallStatus": "completed"})
    house.work()
    assert len(line.sent) == 1


def test_a_recording_told_after_the_end_is_answered_too(
    house: House, line: FakePhone, recording: Path
) -> None:
    played = PhoneCall(line, house.url, [])
    played.post("/twilio/voice", {})
    played.post("/twilio/voice/status", {"CallStatus": "completed"})
    name = line.record(recording)
    played.post("/twilio/voice/recording", {"RecordingSid": name})
    (turn,) = house.work()
    assert turn.recording is None, "without an answer to the notice nothing is kept"
    assert len(line.sent) == 1


def test_a_word_that_never_comes_is_not_waited_for(
    house: House, line: FakePhone, recording: Path
) -> None:
    played = PhoneCall(line, house.url, [])
    name = line.record(recording)
    played.post("/twilio/voice/asked?n=2&q=", {"RecordingUrl": f"https://x/{name}"})
    played.post(f"/twilio/voice/wait?n=8&q={name}&polls=5", {})
    assert len(house.turns()) == 1


def test_an_answer_that_is_late_is_apologised_for(house: House, line: FakePhone) -> None:
    played = PhoneCall(line, house.url, [])
    answer = played.post("/twilio/voice/wait?n=9&q=k3&polls=60", {})
    assert text(house, Line.LATE) in answer.text and "<Record" in answer.text
    still = played.post("/twilio/voice/wait?n=9&q=k3&polls=16", {})
    assert text(house, Line.STILL) in still.text and "polls=17" in still.text


def test_a_replay_is_told_the_same_and_begins_nothing(
    house: House, line: FakePhone, recording: Path
) -> None:
    played = PhoneCall(line, house.url, [])
    name = line.record(recording)
    form = {"RecordingUrl": f"https://x/{name}", "RecordingDuration": "3"}
    done = {"RecordingSid": name, "RecordingStatus": "completed"}
    told = {played.post("/twilio/voice/asked?n=2&q=", form).text for _ in range(5)}
    for _ in range(5):
        played.post("/twilio/voice/recording", done)
    assert len(told) == 1
    assert len(house.turns()) == 1


def test_twenty_replays_of_a_call_at_once_begin_one(house: House, line: FakePhone) -> None:
    played = PhoneCall(line, house.url, [])
    told: list[str] = []
    threads = [
        threading.Thread(target=lambda: told.append(played.post("/twilio/voice", {}).text))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 20 and len(set(told)) == 1
    with house.held.sessions() as session:
        assert len(session.scalars(select(Call)).all()) == 1


def addresses() -> list[str]:
    """Return every address of the line."""
    app = Flask("line")
    app.register_blueprint(blueprint)
    return sorted(rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static")


@pytest.mark.parametrize("path", addresses())
def test_a_forged_request_begins_nothing(house: House, line: FakePhone, path: str) -> None:
    form = {
        "CallSid": "CA" + "0" * 32,
        "AccountSid": ACCOUNT,
        "From": CALLER,
        "CallStatus": "completed",
        "RecordingSid": "RE" + "0" * 32,
        "RecordingUrl": "https://x/RE" + "0" * 32,
        "DialCallStatus": "no-answer",
        "Digits": "0",
    }
    for signature in ("forged", ""):
        assert line.post(path, form, house.url, signature=signature).status_code == 403
    house.work()
    with house.held.sessions() as session:
        for kind in (Call, Turn, InboundEvent, Handover, RecordingConsent):
            assert session.scalars(select(kind)).all() == []
    assert line.sent == []


def test_a_whole_call_told_three_times_is_one_call(
    house: House, line: FakePhone, recording: Path
) -> None:
    """Every request again, at once and once more after the end: the first answer, nothing new."""
    played = PhoneCall(line, house.url, [])
    name = line.record(recording)
    done = {"RecordingSid": name, "RecordingStatus": "completed", "RecordingDuration": "4"}
    told = {"RecordingUrl": f"https://x/{name}", "RecordingDuration": "4"}
    requested: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("/notice?n=1", {}),
        ("/recording", done),
        ("/asked?n=2&q=", told),
        (f"/wait?n=3&q={name}&polls=0", {}),
        (f"/key?n=4&q={name}", {"Digits": "2"}),
        (f"/silence?n=5&q={name}&misses=1", {}),
        ("/human?n=6", {}),
        ("/dialled?n=7", {"DialCallStatus": "busy"}),
        ("/status", {"CallStatus": "completed"}),
    ]

    def rows() -> tuple[int, ...]:
        # What became of a message is told beside the call.
        events = select(InboundEvent).where(InboundEvent.key.startswith(played.sid))
        asked = [events, *(select(kind) for kind in (Call, Turn, RecordingConsent, Handover))]
        with house.held.sessions() as session:
            return tuple(len(session.scalars(query).all()) for query in asked)

    first: dict[str, str] = {}
    for path, form in requested:
        url = f"/twilio/voice{path}"
        first[path] = played.post(url, form).text
        house.work()
        # Whoever polls early is told to wait, and the answer as soon as it is there.
        if path.startswith("/wait"):
            first[path] = played.post(url, form).text
        before = rows()
        assert played.post(url, form).text == first[path], path
        assert rows() == before, path
    house.work()
    before, sent = rows(), len(line.sent)
    for path, form in reversed(requested):
        assert played.post(f"/twilio/voice{path}", form).text == first[path], path
    house.work()
    assert rows() == before and len(line.sent) == sent == 1
    assert [turn.text for turn in house.turns()][:2] == [
        "기초연금이 뭐예요",
        "천천히 다시 말해 주세요",
    ]


@pytest.mark.parametrize("sid", ["", "CA1", "CA" + "z" * 32])
def test_a_call_without_a_name_is_refused(house: House, line: FakePhone, sid: str) -> None:
    form = {"CallSid": sid, "AccountSid": ACCOUNT, "From": CALLER}
    assert line.post("/twilio/voice", form, house.url).status_code == 400


def test_a_recording_with_a_strange_name_is_refused(house: House, line: FakePhone) -> None:
    played = PhoneCall(line, house.url, [])
    assert played.post("/twilio/voice/recording", {"RecordingSid": "../x"}).status_code == 400
    form = {"RecordingUrl": "https://evil.example/x"}
    assert played.post("/twilio/voice/asked?n=2", form).status_code == 400


def test_an_answer_without_a_voice_is_read_out(
    house: House, line: FakePhone, recording: Path
) -> None:
    house.steps.faults["voice"] = [RuntimeError("no voice")] * 9
    played = PhoneCall(line, house.url, [])
    name = line.record(recording)
    played.post("/twilio/voice/asked?n=2&q=", {"RecordingUrl": f"https://x/{name}"})
    played.post("/twilio/voice/recording", {"RecordingSid": name})
    (turn,) = house.turns()
    for _ in range(6):
        try:
            advance(house.parts, turn.id)
        except RuntimeError:
            continue
    answer = played.post(f"/twilio/voice/wait?n=8&q={name}&polls=5", {})
    assert ARTICLE.answer in answer.text and "<Say" in answer.text


def test_the_lines_are_spoken_once_and_then_played(
    house: House, line: FakePhone, recording: Path
) -> None:
    assert prepare(house.settings, house.parts) == PROMPTS
    assert prepare(house.settings, house.parts) == 0
    played = call(house, line, recording)
    assert said(played.timeline) == []
    assert broken(line) == []
    with house.held.sessions() as session:
        assert find(session, digest_of(house.settings, Line.ASK)) is not None
        assert len(session.scalars(select(Prompt)).all()) == PROMPTS


def test_whoever_waits_hears_a_melody(house: House, line: FakePhone, recording: Path) -> None:
    prepare(house.settings, house.parts)
    played = PhoneCall(line, house.url, [])
    name = line.record(recording)
    played.post("/twilio/voice/asked?n=2&q=", {"RecordingUrl": f"https://x/{name}"})
    first = played.post(f"/twilio/voice/wait?n=3&q={name}&polls=0", {}).text
    second = played.post(f"/twilio/voice/wait?n=4&q={name}&polls=1", {}).text
    urls = [re.findall(r"http\S+/hold\.wav", text) for text in (first, second)]
    assert [len(found) for found in urls] == [1, 1] and urls[0] != urls[1]
    sound = requests.get(urls[0][0], timeout=10)
    assert sound.ok and sound.headers["Content-Type"] == "audio/wav"
    assert "<Pause" not in first


def test_a_stopping_worker_prepares_no_more(house: House) -> None:
    house.parts.stopping.set()
    assert prepare(house.settings, house.parts) == len(MELODY), "the notes need no voice"
    assert prepare(house.settings, house.parts) == 0


def test_callers_are_known_by_number_and_strangers_apart(house: House, line: FakePhone) -> None:
    with house.held.sessions() as session:
        writer = Identity(person=Person(), channel="whatsapp", address=f"whatsapp:{CALLER}")
        session.add(writer)
        session.commit()
        person = writer.person_id
    for caller in (CALLER, CALLER, "anonymous", "anonymous", "+1"):
        PhoneCall(line, house.url, [], caller=caller).post("/twilio/voice", {})
    with house.held.sessions() as session:
        found = session.scalars(select(Call).order_by(Call.id)).all()
        people = [entry.identity.person_id for entry in found]
    assert people[:2] == [person, person]
    assert len(set(people)) == 4


def test_numbers_that_take_messages() -> None:
    assert calls.takes_messages("+821012345678")
    assert not calls.takes_messages("+8221234567")
    assert calls.takes_messages("+14155238886")
    assert not calls.takes_messages("unknown:CA1")


def reply(**values: Any) -> Reply:
    standard: dict[str, Any] = {
        "key": "k-video",
        "channel": "phone",
        "address": CALLER,
        "reply_to": {},
        "text": ARTICLE.answer,
        "lines": ("만 65세부터 👵", "매달 – 25일", "☎ 1355"),
        "outcome": "answered",
        "contact_name": "국민연금공단",
        "contact_number": "1355",
        "checked": date(2026, 11, 1),
        "watch_path": "/watch/" + "0f" * 16,
    }
    return Reply(**standard | values)


def test_a_message_is_what_a_korean_telephone_can_show() -> None:
    link = "https://sunny.example.com/s/" + "a" * 22
    whole = message_of(reply(), link, "long")
    whole.encode("euc-kr")
    assert "만 65세부터\n매달 - 25일\n1355" in whole and link in whole
    assert "국민연금공단" not in whole, "the number is in the lines already"
    assert size(message_of(reply(lines=("가" * 900, "나" * 900)), link, "long")) <= 2000
    short = message_of(reply(), link, "short")
    assert link in short and size(short) <= 90
    assert message_of(reply(), "https://" + "x" * 90, "short") == "https://" + "x" * 90
    assert euckr("가👍나") == "가나"


def test_codes_stand_for_turns_and_nothing_else(house: House) -> None:
    key = "0f" * 16
    assert key_of(code_of(key)) == key and len(code_of(key)) == 22
    assert key_of("short") is None
    for code in (code_of(key), "x", "!" * 22):
        assert requests.get(f"{house.url}/s/{code}", timeout=10).status_code == 404


def test_a_lost_answer_of_the_vendor_sends_no_second_message(house: House, line: FakePhone) -> None:
    channel = Phone(house.settings)
    line.fail_next = 1
    with pytest.raises(DeliveryError) as raised:
        channel.deliver(reply())
    assert not raised.value.permanent
    assert channel.find(reply()) == line.sent[0].sid
    assert channel.find(reply(watch_path="/watch/" + "1f" * 16)) is None
    assert channel.find(reply(outcome="refused")) is None


def test_a_vendor_that_is_away(house: House) -> None:
    settings = house.settings.model_copy(
        update={
            "twilio": house.settings.twilio.model_copy(update={"api_url": "http://127.0.0.1:9"})
        }
    )
    channel = Phone(settings)
    for ask in (
        lambda: channel.deliver(reply()),
        lambda: channel.find(reply()),
        lambda: channel.forget("RE" + "0" * 32),
    ):
        with pytest.raises(DeliveryError) as raised:
            ask()
        assert not raised.value.permanent


def test_a_recording_that_is_gone_is_forgotten(house: House) -> None:
    Phone(house.settings).forget("RE" + "0" * 32)


def test_what_became_of_a_message_is_kept(house: House, line: FakePhone, recording: Path) -> None:
    call(house, line, recording)
    (message,) = line.sent
    path = urlsplit(message.fields["StatusCallback"])
    assert path.path == "/twilio/voice/message"
    form = {"MessageSid": message.sid, "MessageStatus": "delivered", "AccountSid": ACCOUNT}
    answer = line.post(f"{path.path}?{path.query}", form, house.url)
    assert answer.status_code == 204
    # The vendor's own callbacks are on their way beside ours, and the first one counts.
    deadline = time.monotonic() + 10
    while house.turns()[0].deliveries[0].state != "delivered":
        assert time.monotonic() < deadline, house.turns()[0].deliveries[0].state
        time.sleep(0.05)


def test_only_the_newest_answers_of_a_call_are_worth_a_message() -> None:
    turns = [
        Turn(id=n, outcome=outcome, article_id=article)
        for n, (outcome, article) in enumerate(
            [
                ("answered", "a"),
                ("answered", "b"),
                ("answered", "a"),
                ("answered", "c"),
                ("refused", ""),
                ("answered", "d"),
            ]
        )
    ]
    assert calls._worth_a_message(turns) == {2, 3, 5}


def test_a_worker_prepares_the_lines_beside_its_work(house: House) -> None:
    with preparing(house.settings, house.parts):
        pass
    with house.held.sessions() as session:
        assert 1 <= len(session.scalars(select(Prompt)).all()) <= PROMPTS


def test_a_turn_without_speech_goes_first_but_not_for_ever(
    house: House, line: FakePhone, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_prompts, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(phone_prompts, "PATIENCE", 0.05)
    played = PhoneCall(line, house.url, [])
    name = line.record(recording)
    played.post("/twilio/voice/asked?n=2&q=", {"RecordingUrl": f"https://x/{name}"})
    played.post("/twilio/voice/recording", {"RecordingSid": name})
    assert prepare(house.settings, house.parts) == PROMPTS
    house.parts.stopping.set()
    phone_prompts._let_turns_go_first(house.parts)


def test_a_voice_that_fails_stops_no_worker(house: House) -> None:
    house.steps.faults["voice"] = [MediaError("no_voice", "It is gone.", "Install it.")]
    with preparing(house.settings, house.parts):
        pass
    with house.held.sessions() as session:
        kept = {prompt.digest for prompt in session.scalars(select(Prompt))}
    assert kept == {phone_prompts.hold_digest(place) for place in range(len(MELODY))}


def test_two_workers_keep_a_line_once(house: House) -> None:
    digest = digest_of(house.settings, Line.ASK)
    assert phone_prompts._keep(house.parts, digest, "가")
    assert not phone_prompts._keep(house.parts, digest, "가")


class TestOnPostgreSQL:
    @pytest.fixture
    def options(self) -> Iterator[dict[str, Any]]:
        with postgres_database() as url:
            made = engine(url)
            schema.upgrade(made)
            made.dispose()
            twilio = {"phone_enabled": True, "sms_from": SMS}
            yield {"twilio": twilio, "database": {"url": url}}

    def test_a_call_goes_all_the_way(self, house: House, line: FakePhone, recording: Path) -> None:
        played = call(house, line, recording, "2", decline=True)
        assert broken(line) == []
        assert len(list(answers(played.timeline))) == 1
        assert [turn.state for turn in house.turns()] == [State.DELIVERED] * 2
        assert len(line.sent) == 1 and line.recordings == {}
