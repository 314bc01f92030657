"""KakaoTalk's skill: answered in time, replied to once, within the documented limits."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import update

from bot.channels import kakao, kakao_clock, kakao_skill
from bot.channels.kakao import Kakao
from bot.channels.kakao_held import HELD, held
from bot.channels.kakao_webhook import EMPTY, NO_PICTURES, NOT_YET, NOTHING, WAIT
from bot.conversation import handover
from bot.conversation.accounts import Account, Role
from bot.conversation.casework import Handover
from bot.conversation.columns import now
from bot.conversation.delivery import DeliveryError
from bot.conversation.handover import ACKNOWLEDGED, HERE
from bot.conversation.models import InboundEvent, Sending, State, Turn
from bot.simulate.kakao import Called
from bot.simulate.skill_rules import faults
from tests.bot.channels.conftest import House
from tests.bot.conversation.pipeline import ARTICLE

WHO = "person-1"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second that a callback waits for its acknowledgement is not spent in tests."""
    monkeypatch.setattr(kakao, "FIRST_SECOND", 0.0)


def ask(
    house: House, question: Path | str, *, callback: bool = True, who: str = WHO, **options: Any
) -> dict[str, Any]:
    body, promise = house.kakao.payload(question, who, callback)
    answer, _ = house.kakao.post(body, house.url, promise, **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert faults(found, acknowledgement=callback) == []
    return found


def check(house: House) -> dict[str, Any]:
    """Press 답변 확인, some time after the last time."""
    with house.held.sessions() as session:
        session.execute(
            update(InboundEvent)
            .where(InboundEvent.kind == "check")
            .values(key=InboundEvent.key + "-earlier")
        )
        session.commit()
    return ask(house, kakao_skill.CHECK, callback=False)


def texts(response: dict[str, Any]) -> list[str]:
    outputs = response["template"]["outputs"]
    return [output["simpleText"]["text"] for output in outputs if "simpleText" in output]


def cards(response: dict[str, Any]) -> list[dict[str, Any]]:
    outputs = response["template"]["outputs"]
    return [value for output in outputs for name, value in output.items() if "Card" in name]


def called(house: House) -> Called:
    found: Called = house.kakao.arrived.get(timeout=30)
    return found


def test_a_question_is_acknowledged_and_answered_once(house: House) -> None:
    assert ask(house, "기초연금이 뭐예요") == {
        "version": "2.0",
        "useCallback": True,
        "data": {"text": WAIT},
    }
    (turn,) = house.work()
    assert turn.state is State.DELIVERED
    response = called(house).response
    assert texts(response) == [ARTICLE.answer]
    (card,) = cards(response)
    assert card["title"] == "기초연금"
    assert "문의: 국민연금공단 1355" in card["description"]
    assert "출처: 보건복지부 (2026.11.01 확인)" in card["description"]
    assert card["thumbnail"]["imageUrl"].endswith("/poster.jpg")
    watch, dial = card["buttons"]
    assert requests.get(watch["webLinkUrl"], timeout=20).ok
    assert dial == {"action": "phone", "label": "☎ 1355", "phoneNumber": "1355"}
    labels = [reply["label"] for reply in response["template"]["quickReplies"]]
    assert labels == ["다시", "천천히", "상담원"]
    house.work()
    assert house.kakao.arrived.empty()
    assert house.kakao.book.broken == []
    assert turn.deliveries[0].state is Sending.SENT
    assert turn.reply_to == {}


def test_a_recording_is_fetched_and_answered(house: House, recording: Path) -> None:
    ask(house, recording)
    (turn,) = house.work()
    assert turn.recording is not None
    assert turn.state is State.DELIVERED


def test_twenty_replays_at_once_begin_one_turn(house: House) -> None:
    body, promise = house.kakao.payload("기초연금이 뭐예요", WHO)
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(house.kakao.post(body, house.url, promise)[0].json())
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert all(answer == answers[0] for answer in answers)
    assert len(house.work()) == 1
    called(house)
    assert house.kakao.arrived.empty()


def test_the_same_words_within_seconds_are_the_same_request(house: House) -> None:
    for _ in range(3):
        ask(house, "기초연금이 뭐예요", callback=False)
    assert len(house.turns()) == 1
    ask(house, "기초연금이 뭐예요", callback=False, who="another")
    assert len(house.turns()) == 2


def test_words_are_the_same_across_the_edge_of_a_window() -> None:
    asked = kakao_skill.Asked(WHO, "bot", "말", "")
    assert kakao_skill.keys(asked, 109.9)[0] == kakao_skill.keys(asked, 110.1)[1]
    assert not set(kakao_skill.keys(asked, 100)) & set(kakao_skill.keys(asked, 125))


@pytest.mark.parametrize("header", ["", "forged", "heade", "header2"])
def test_a_forged_header_begins_nothing(house: House, header: str) -> None:
    body, promise = house.kakao.payload("기초연금이 뭐예요", WHO)
    answer, _ = house.kakao.post(body, house.url, promise, header=header)
    assert answer.status_code == 403
    assert house.turns() == []


@pytest.mark.parametrize("options", [{"kakao": {"header_value": ""}}])
def test_without_a_configured_header_nobody_is_let_in(house: House) -> None:
    body, promise = house.kakao.payload("기초연금이 뭐예요", WHO)
    assert house.kakao.post(body, house.url, promise, header="")[0].status_code == 403


def post(house: House, body: Any) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Silverline-Key": "header", "Content-Type": "application/json"}
    return requests.post(f"{house.url}/kakao/skill", data=data, headers=headers, timeout=20)


def test_another_bot_is_refused_and_its_development_channel_is_not(house: House) -> None:
    body, _ = house.kakao.payload("안녕하세요", WHO)
    assert post(house, body | {"bot": {"id": "bot2"}}).status_code == 403
    assert post(house, body | {"bot": {"id": "bot1!"}}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        {},
        {"userRequest": 1},
        {"userRequest": {"user": {"id": ""}}},
        {"userRequest": {"user": {"id": "x" * 500}}},
        {"userRequest": {"user": {"id": "a"}, "utterance": ["x"]}},
        b"[" * 100_000,
    ],
)
def test_what_is_no_skill_request_is_refused(house: House, body: Any) -> None:
    assert post(house, body).status_code == 400
    assert house.turns() == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/callback",
        "http://10.0.0.1/callback",
        "https://kakao.com.evil.example/",
        "file:///etc/passwd",
    ],
)
def test_a_callback_elsewhere_is_refused(house: House, url: str) -> None:
    body, _ = house.kakao.payload("안녕하세요", WHO)
    body["userRequest"]["callbackUrl"] = url
    assert post(house, body).status_code == 400
    assert house.turns() == []


@pytest.mark.parametrize(
    ("media", "spoken"),
    [
        ({"type": "audio", "url": "https://x/a"}, True),
        ({"type": "VIDEO", "url": "https://x/a.mp4"}, True),
        ({"type": "file", "url": "https://x/a.hwp"}, True),
        ({"type": "image", "url": "https://x/a.m4a"}, True),
        ({"url": "https://x/a.m4a?signature=b"}, True),
        ([{"type": "voice", "url": "https://x/a"}], True),
        ('{"type": "audio", "url": "https://x/a"}', True),
        ({"type": "image", "url": "https://x/a.jpg"}, False),
        ("{", False),
        ([], False),
        ({"type": "audio", "url": 5}, False),
        (None, False),
        (5, False),
    ],
)
def test_media_is_read_whatever_its_shape(media: Any, spoken: bool) -> None:
    body = {"userRequest": {"user": {"id": "a"}, "utterance": "말", "params": {"media": media}}}
    assert bool(kakao_skill.parse(json.dumps(body).encode()).media_url) is spoken


def test_a_picture_and_an_empty_utterance_are_answered_at_once(
    house: House, tmp_path: Path
) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"picture")
    assert texts(ask(house, picture, callback=False)) == [NO_PICTURES]
    assert texts(ask(house, "  ", callback=False)) == [EMPTY]
    assert house.turns() == []


@pytest.mark.parametrize("address", ["https://evil.example/a.m4a", "https://169.254.169.254/a.m4a"])
def test_a_hostile_media_address_ends_in_an_apology(
    house: House, recording: Path, address: str
) -> None:
    body, promise = house.kakao.payload(recording, WHO)
    body["userRequest"]["params"]["media"]["url"] = address
    house.kakao.post(body, house.url, promise)
    (turn,) = house.work()
    assert turn.failure == "address_refused"
    response = called(house).response
    assert "죄송" in texts(response)[0]
    assert "textCard" in response["template"]["outputs"][1] or cards(response)


def test_a_lost_verdict_is_not_a_second_reply(house: House) -> None:
    house.kakao.fail_next = 1
    ask(house, "기초연금이 뭐예요")
    for _ in range(3):
        turns = house.work()
    assert turns[0].state is State.DELIVERED
    called(house)
    assert house.kakao.arrived.empty()
    assert texts(check(house)) == [NOTHING]


def age(house: House, seconds: float) -> None:
    """Make every turn older than it is."""
    with house.held.sessions() as session:
        for turn in session.query(Turn):
            turn.created_at = now() - kakao_clock.timedelta(seconds=seconds)
            turn.reply_to = turn.reply_to | {"asked_at": str(time.time() - seconds)}
        session.commit()


def test_a_late_reply_is_held_for_the_next_utterance(house: House) -> None:
    ask(house, "기초연금이 뭐예요")
    age(house, 55)
    (turn,) = house.work()
    assert turn.state is State.DELIVERED
    assert turn.deliveries[0].vendor_id == HELD
    assert house.kakao.arrived.empty()
    response = check(house)
    assert texts(response) == [ARTICLE.answer]
    assert cards(response)[0]["thumbnail"]["imageUrl"].endswith("/poster.jpg")
    assert house.turns()[0].deliveries[0].state is Sending.DELIVERED
    assert texts(check(house)) == [NOTHING]


def test_a_held_reply_comes_along_with_the_next_answer(house: House) -> None:
    ask(house, "기초연금이 뭐예요")
    age(house, 55)
    house.work()
    ask(house, "노인 일자리가 뭐예요")
    house.work()
    response = called(house).response
    assert [sorted(output) for output in response["template"]["outputs"]] == [
        ["simpleText"],
        ["basicCard"],
        ["basicCard"],
    ]
    assert held(house.held.sessions, WHO) == []


def test_a_refused_callback_is_held(house: House) -> None:
    body, promise = house.kakao.payload("기초연금이 뭐예요", WHO)
    promise.used = True
    house.kakao.post(body, house.url, promise)
    house.work()
    assert len(house.kakao.refused) == 1
    assert texts(check(house)) == [ARTICLE.answer]


@pytest.mark.parametrize("options", [{"kakao": {"callback_hosts": ["127.0.0.1", "bot.invalid"]}}])
def test_a_callback_that_cannot_be_reached_is_tried_again_then_held(house: House) -> None:
    body, _ = house.kakao.payload("기초연금이 뭐예요", WHO)
    body["userRequest"]["callbackUrl"] = "https://bot.invalid/callback/x"
    assert post(house, body).ok
    for _ in range(6):
        turns = house.work()
    assert turns[0].state is State.FAILED
    assert turns[0].deliveries[0].state is Sending.FAILED
    assert texts(check(house)) == [ARTICLE.answer]


def clock(house: House) -> int:
    channel = house.parts.channels["kakao"]
    assert isinstance(channel, Kakao)
    return kakao_clock.keep(channel, house.held.sessions, 45.0)


def test_a_slow_video_follows_its_answer(house: House) -> None:
    """At 45 s the words go out with a page that waits; the video appears there, nothing twice."""
    ask(house, "기초연금이 뭐예요")
    assert clock(house) == 0
    house.steps.faults["render"] = [DeliveryError("slow", False)] * 2
    house.work()
    age(house, 46)
    assert clock(house) == 1
    response = called(house).response
    assert texts(response) == [ARTICLE.answer]
    (card,) = cards(response)
    assert "영상 준비 중" in card["description"]
    assert requests.get(card["thumbnail"]["imageUrl"], timeout=20).headers["Content-Type"] == (
        "image/png"
    )
    page = card["buttons"][0]["webLinkUrl"]
    assert "영상 준비 중이에요" in requests.get(page, timeout=20).text
    for _ in range(3):
        turns = house.work()
    assert turns[0].state is State.DELIVERED
    assert "<video" in requests.get(page, timeout=20).text
    assert house.kakao.arrived.empty()
    assert clock(house) == 0
    assert texts(check(house)) == [NOTHING]


def test_a_slow_answer_is_announced_and_held(house: House) -> None:
    ask(house, "기초연금이 뭐예요")
    age(house, 46)
    assert clock(house) == 1
    response = called(house).response
    assert "답변 확인" in texts(response)[0]
    assert response["template"]["quickReplies"][0]["messageText"] == kakao_skill.CHECK
    assert clock(house) == 1
    (turn,) = house.work()
    assert turn.deliveries[0].vendor_id == HELD
    assert house.kakao.arrived.empty()
    assert texts(check(house)) == [ARTICLE.answer]


def test_the_clock_runs_in_the_background(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kakao_clock, "LOOK_SECONDS", 0.01)
    channel = house.parts.channels["kakao"]
    assert isinstance(channel, Kakao)
    ask(house, "기초연금이 뭐예요")
    age(house, 46)
    with kakao_clock.ticking(channel, house.held.sessions, 45.0):
        assert "답변 확인" in texts(called(house).response)[0]


@pytest.mark.parametrize("options", [{"kakao": {"callback_hosts": ["127.0.0.1", "bot.invalid"]}}])
def test_the_clock_goes_on_where_a_callback_fails(house: House) -> None:
    body, _ = house.kakao.payload("기초연금이 뭐예요", WHO)
    body["userRequest"]["callbackUrl"] = "https://bot.invalid/callback/x"
    post(house, body)
    age(house, 46)
    assert clock(house) == 1


@pytest.mark.parametrize("options", [{"kakao": {"answer_seconds": 4.5}}])
def test_without_a_callback_a_quick_answer_is_given_at_once(house: House) -> None:
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.02):
            house.work()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        response = ask(house, "기초연금이 뭐예요", callback=False)
    finally:
        done.set()
        worker.join()
    assert texts(response) == [ARTICLE.answer]
    house.work()
    assert texts(check(house)) == [NOTHING]


def test_without_a_callback_a_slow_answer_is_asked_for(house: House) -> None:
    response = ask(house, "기초연금이 뭐예요", callback=False)
    assert texts(response) == [NOT_YET]
    assert response["template"]["quickReplies"][0]["label"] == "답변 확인"
    assert texts(check(house)) == [NOT_YET]
    house.work()
    body, promise = house.kakao.payload(kakao_skill.CHECK, WHO, callback=False)
    first = house.kakao.post(body, house.url, promise)[0].json()
    assert house.kakao.post(body, house.url, promise)[0].json() != {}
    assert texts(check(house)) in ([NOTHING], [ARTICLE.answer])
    assert first["version"] == "2.0"


def test_a_held_answer_comes_before_that_of_a_new_question(house: House) -> None:
    ask(house, "기초연금이 뭐예요", callback=False)
    house.work()
    response = ask(house, "노인 일자리가 뭐예요", callback=False)
    assert texts(response) == [ARTICLE.answer, NOT_YET]
    house.work()
    assert texts(check(house)) == [ARTICLE.answer]


def test_two_held_answers_are_served_one_after_the_other(house: House) -> None:
    ask(house, "기초연금이 뭐예요")
    ask(house, "노인 일자리가 뭐예요")
    age(house, 55)
    house.work()
    response = check(house)
    assert response["template"]["quickReplies"][0]["label"] == "답변 확인"
    assert texts(check(house)) == [ARTICLE.answer]
    assert texts(check(house)) == [NOTHING]


def test_many_who_wait_do_not_block_an_acknowledgement(house: House) -> None:
    """Without callbacks a request holds a thread while it waits; the web keeps some free."""
    threads = [
        threading.Thread(target=ask, args=(house, f"질문 {n}"), kwargs={"callback": False})
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    ask(house, "기초연금이 뭐예요", who="another")
    for thread in threads:
        thread.join()
    assert len(house.turns()) == 13


def test_a_humans_words_come_with_the_next_utterance(house: House) -> None:
    ask(house, "사람 바꿔 주세요")
    house.work()
    called(house)
    with house.held.sessions() as session:
        account = Account(email="a@b", role=Role.REVIEWER, password_hash="", totp_secret="")
        session.add(account)
        row = Handover(turn=session.query(Turn).one(), conversation_id=1)
        session.add(row)
        session.flush()
        assert handover.take(session, row, account)
        handover.say(session, row, "내일 다시 알려 드릴게요.")
        session.commit()
    house.work()
    ask(house, "네")
    house.work()
    assert texts(called(house).response) == [ACKNOWLEDGED, f"상담원이에요. {HERE}"]
    assert texts(check(house)) == ["상담원이에요. 내일 다시 알려 드릴게요."]
    assert texts(check(house)) == [NOTHING]
