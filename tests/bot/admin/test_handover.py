"""A human takes over: what they write reaches the person once, and the counsellor keeps quiet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.conversation.accounts import Role
from bot.conversation.casework import Handover, Stage
from bot.conversation.database import start_write
from bot.conversation.handover import ACKNOWLEDGED, BACK, HERE, ask
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import State, Turn
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from bot.knowledge.types import Answer, Outcome
from tests.bot.admin.conftest import Office, send, talk
from tests.bot.conversation.pipeline import QuickSteps, Sink, SinkChannel, quick_parts

HUMAN = Answer(Outcome.HANDED_OVER, "사람에게 연결해 드릴게요.", act="human")


@pytest.fixture
def sink() -> object:
    with Sink().running() as running:
        yield running


@pytest.fixture
def parts(office: Office, tmp_path: Path, sink: Sink) -> Parts:
    """A worker on the console's database, with a WhatsApp that counts."""
    channel = SinkChannel(sink.url)
    channel.name = "whatsapp"
    steps = QuickSteps(answer=HUMAN)
    return quick_parts(office.desk.sessions, tmp_path, channel, steps, retry_seconds=0.0)


def hear(office: Office, parts: Parts, text: str, key: str) -> Turn:
    with office.desk.sessions() as session:
        message = InboundMessage("whatsapp", key, "whatsapp:+821012345678", "text", text=text)
        turn_id = receive(session, message).turn_id
    assert turn_id is not None
    advance(parts, turn_id)
    with office.desk.sessions() as session:
        return session.get_one(Turn, turn_id)


def move_all(office: Office, parts: Parts) -> None:
    with office.desk.sessions() as session:
        ids = session.scalars(select(Turn.id).where(Turn.state == State.RENDERED)).all()
    for turn_id in ids:
        advance(parts, turn_id)


def test_a_human_takes_over_writes_and_gives_back(office: Office, parts: Parts, sink: Sink) -> None:
    first = hear(office, parts, "사람 바꿔 주세요", "1")
    assert first.outcome == "handed_over"
    client = office.log_in(Role.REVIEWER)
    inbox = client.get("/admin/handovers").text
    assert "기다리는 분 1명" in inbox and "사람 바꿔 주세요" in inbox
    page = client.get("/admin/handovers/1").text
    assert "AI 상담사는 답하지 않고" in page and "보낼 말" not in page
    assert send(client, "/admin/handovers/1/take").status_code == 302
    page = client.get("/admin/handovers/1").text
    key = re.search(r'name="key" value="([0-9a-f]{32})"', page)
    assert key
    for _ in range(2):
        words = {"text": "월요일에 다시 알려 드릴게요.", "key": key[1]}
        assert send(client, "/admin/handovers/1/say", **words).status_code == 302
    move_all(office, parts)
    texts = [reply["text"] for reply in sink.taken]
    assert texts == [HUMAN.text, HERE, "월요일에 다시 알려 드릴게요."]
    again = hear(office, parts, "고마워요", "2")
    assert (again.outcome, again.answer) == ("with_human", ACKNOWLEDGED)
    assert again.state is State.DELIVERED and again.speech_id is None
    assert "고마워요" in client.get("/admin/handovers/1").text
    closed = send(client, "/admin/handovers/1/close", result="given_back", note="010-1234-5678")
    assert closed.status_code == 302
    move_all(office, parts)
    assert [reply["text"] for reply in sink.taken][-1] == BACK
    last = hear(office, parts, "사람이요", "3")
    assert last.outcome == "handed_over"
    with office.desk.sessions() as session:
        rows = session.scalars(select(Handover).order_by(Handover.id)).all()
        assert [row.stage for row in rows] == [Stage.CLOSED, Stage.WAITING]
        assert "1234-5678" not in rows[0].note
        assert session.scalar(select(func.count()).select_from(Turn)) == 6
    told = [row.what for row in office.trail()]
    for what in ("handovers_viewed", "handover_viewed", "handover_taken", "handover_said"):
        assert what in told


def asked(office: Office, **values: object) -> None:
    talk(office, "사람 바꿔 주세요", outcome="handed_over", act="human", **values)
    with office.desk.sessions() as session:
        start_write(session)
        for turn in session.scalars(select(Turn)):
            ask(session, turn)
            session.flush()
            ask(session, turn)
        session.commit()


def test_one_human_has_it_and_others_do_not(office: Office) -> None:
    asked(office, channel="whatsapp")
    one, other = office.log_in(Role.REVIEWER), office.log_in(Role.OPERATOR)
    key = "0" * 32
    early = send(one, "/admin/handovers/1/say", text="a", key=key)
    assert early.status_code == 409
    send(one, "/admin/handovers/1/take")
    assert send(one, "/admin/handovers/1/take").status_code == 302
    assert send(other, "/admin/handovers/1/take").status_code == 409
    assert send(other, "/admin/handovers/1/say", text="a", key=key).status_code == 409
    assert send(other, "/admin/handovers/1/close", result="dismissed").status_code == 409
    for wrong in ({"text": ""}, {"key": "x"}):
        form = {"text": "a", "key": key} | wrong
        assert send(one, "/admin/handovers/1/say", **form).status_code == 400
    assert send(one, "/admin/handovers/1/close", result="won").status_code == 400
    assert send(one, "/admin/handovers/9/take").status_code == 404


def test_a_caller_is_called_back_for_a_reason(office: Office) -> None:
    asked(office, channel="phone", address="+82212345678")
    client = office.log_in(Role.REVIEWER)
    send(client, "/admin/handovers/1/take")
    page = client.get("/admin/handovers/1").text
    assert "+8221234" not in page and "보낼 말" not in page
    assert send(client, "/admin/handovers/1/call", why="").status_code == 400
    shown = send(client, "/admin/handovers/1/call", why="다시 전화해 달라고 하셨어요").text
    assert "tel:+82212345678" in shown
    row = next(row for row in office.trail() if row.what == "unmasked")
    assert (row.person_id, row.why) == (1, "다시 전화해 달라고 하셨어요")
    form = {"text": "a", "key": "0" * 32}
    assert send(client, "/admin/handovers/1/say", **form).status_code == 400
    send(client, "/admin/handovers/1/close", result="called")
    assert "통화함" in client.get("/admin/handovers").text
    with office.desk.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Turn)) == 1
