"""After a video call its summary goes to where the person is reached, once, and leads to all."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import select

from bot.calls.offers import Offer
from bot.calls.records import Records
from bot.calls.summary import ways_of
from bot.channels.call import address_of
from bot.conversation.asked import HOLD, held_until
from bot.conversation.columns import now
from bot.conversation.database import start_write
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import Identity, Person, Sending, State, Turn
from bot.conversation.record import SUMMARY, context_now
from bot.settings import load_settings
from tests.bot.channels.conftest import House

NUMBER, LANDLINE = "+821012345678", "+82215881234"
KEY = "c" * 32


@pytest.fixture
def options() -> dict[str, Any]:
    return {
        "twilio": {"phone_enabled": True, "sms_from": "+82215880000"},
        "call": {"enabled": True},
    }


def person_at(house: House, *addresses: tuple[str, str]) -> int:
    with house.held.sessions() as session:
        person = Person(identities=[Identity(channel=c, address=a) for c, a in addresses])
        session.add(person)
        session.commit()
        return person.id


def records(house: House) -> Records:
    return Records(house.held.sessions, house.held.files, ways_of(house.settings))


def talked(house: House, person: int, *outcomes: str, key: str = KEY) -> Records:
    """Let a call of `person` with a turn for each of `outcomes` take place, and end."""
    kept = records(house)
    kept.begin(str(person), key, Offer("", False, False))
    for number, outcome in enumerate(outcomes):
        message = InboundMessage(
            "call",
            f"{key}:q:{number}",
            address_of(person),
            "text",
            text=f"질문 {number}",
            reply_to={"call": key, HOLD: "2030-01-01T00:00:00+00:00"},
        )
        with house.held.sessions() as session:
            made = receive(session, message).turn_id
            start_write(session)
            turn = session.get_one(Turn, made)
            turn.state, turn.outcome, turn.article_id = State.VOICED, outcome, f"a{number}"
            turn.answer, turn.lines = f"답 {number}이에요.", [f"답 {number}", "둘째 줄"]
            turn.article_title, turn.contact_number = f"제목 {number}", "129"
            turn.retry_at = held_until(turn)
            session.commit()
    kept.end(key, "hung up")
    return kept


def summary_of(house: House) -> Turn:
    (found,) = [turn for turn in house.turns() if turn.outcome == SUMMARY]
    return found


def test_a_text_message_with_a_link_to_all_answers(house: House) -> None:
    person = person_at(house, ("phone", NUMBER))
    kept = talked(house, person, "answered", "refused", *["answered"] * 3)
    kept.end(KEY, "hung up")
    house.work()
    house.work()
    (message,) = house.twilio.sent
    body = message.fields["Body"]
    assert message.fields["To"] == NUMBER
    assert body.startswith("[실버라인] 영상 상담 정리예요.\n제목 2: 답 2 (129)\n")
    assert "제목 0" not in body
    assert "질문 1" not in body
    assert "AI가 만든 답변이에요." in body
    link = re.search(r"모두 보기: (\S+)", body)
    assert link is not None
    page = requests.get(link[1], timeout=20)
    assert page.status_code == 200
    assert page.text.count("이 답변 다시 보기") == 5
    again = re.search(r'href="(/call/[^"]+)"', page.text)
    assert again is not None
    assert requests.get(house.url + again[1], timeout=20).status_code == 200
    turn = summary_of(house)
    assert turn.state is State.DELIVERED
    (delivery,) = turn.deliveries
    assert delivery.state in (Sending.SENT, Sending.DELIVERED)


def test_a_failing_vendor_gets_it_once_more(house: House) -> None:
    talked(house, person_at(house, ("phone", NUMBER)), "answered")
    house.twilio.fail_next = 1
    house.work()
    house.work()
    house.work()
    assert len([m for m in house.twilio.sent if "정리" in m.fields["Body"]]) == 1
    assert summary_of(house).state is State.DELIVERED


def test_a_messenger_that_was_just_used_comes_first(house: House) -> None:
    person = person_at(house, ("phone", NUMBER), ("whatsapp", f"whatsapp:{NUMBER}"))
    asked = InboundMessage("whatsapp", "SM1", f"whatsapp:{NUMBER}", "text", text="안녕하세요")
    with house.held.sessions() as session:
        number = receive(session, asked).turn_id
        start_write(session)
        turn = session.get_one(Turn, number)
        turn.state = State.DELIVERED
        session.commit()
    talked(house, person, "answered")
    house.work()
    (message,) = house.twilio.sent
    assert message.fields["To"] == f"whatsapp:{NUMBER}"
    assert "모두 보기: " in message.fields["Body"]
    assert "제목 0: 답 0 (129)" in message.fields["Body"]
    with house.held.sessions() as session:
        start_write(session)
        session.get_one(Turn, turn.id).created_at = now() - timedelta(hours=25)
        session.commit()
    talked(house, person, "answered", key="d" * 32)
    house.work()
    assert house.twilio.sent[-1].fields["To"] == NUMBER


def test_kakao_has_it_with_the_next_word(house: House) -> None:
    person = person_at(house, ("kakao", "user1"), ("phone", LANDLINE))
    talked(house, person, "answered")
    house.work()
    assert house.twilio.sent == []
    turn = summary_of(house)
    assert turn.identity.channel == "kakao"
    assert [delivery.vendor_id for delivery in turn.deliveries] == ["held"]


def test_the_page_says_so_before(house: House) -> None:
    link = house.held.links.call(person_at(house, ("phone", NUMBER)), 1)
    assert "끝나면 문자나 카카오톡으로 정리해 드려요." in requests.get(link, timeout=20).text


def test_nothing_is_sent_where_nothing_was_answered_or_nobody_is_reached(house: House) -> None:
    talked(house, person_at(house, ("phone", NUMBER)), "refused", "not_heard")
    talked(house, person_at(house, ("phone", LANDLINE)), "answered", key="d" * 32)
    talked(house, person_at(house), "answered", key="e" * 32)
    house.work()
    assert house.twilio.sent == []
    assert not [turn for turn in house.turns() if turn.outcome == SUMMARY]


def test_a_summary_is_no_context_and_no_family_news(house: House) -> None:
    person = person_at(house, ("phone", NUMBER))
    talked(house, person, "answered")
    house.work()
    with house.held.sessions() as session:
        context = context_now(session, "phone", NUMBER)
        assert context.last_answer == "답 0이에요."
        assert session.scalars(select(Turn).where(Turn.outcome == SUMMARY)).one().reply_to == {}


def test_it_can_be_switched_off() -> None:
    twilio = {
        "enabled": True, "phone_enabled": True, "sms_from": "+8215880000",
        "whatsapp_from": "whatsapp:+8215880000",
    }  # fmt: skip
    on = load_settings(twilio=twilio, kakao={"enabled": True})
    assert ways_of(on) == ("phone", "whatsapp", "kakao")
    off = load_settings(twilio=twilio, kakao={"enabled": True}, call={"summary": False})
    assert ways_of(off) == ()
    assert ways_of(load_settings(kakao={"enabled": False})) == ()
