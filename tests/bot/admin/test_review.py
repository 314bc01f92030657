"""The queue of what deserves a look, and what reviewers say."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.admin.review import queue, reasons
from bot.conversation.accounts import Role
from bot.conversation.models import State, Turn
from bot.conversation.reviews import Review, Verdict
from tests.bot.admin.conftest import Office, send, talk


def key_of(office: Office, number: int) -> str:
    with office.desk.sessions() as session:
        return session.scalars(select(Turn.key).where(Turn.conversation_id == number)).one()


def waiting(office: Office) -> list[list[str]]:
    with office.desk.sessions() as session:
        return [reasons(turn) for turn in queue(session)[0]]


def test_the_queue_holds_what_deserves_a_look(office: Office) -> None:
    talk(office, score=0.9)
    talk(office, outcome="refused")
    talk(office, outcome="not_heard", unheard="noise")
    talk(office, outcome="failed", failure="attempts", state=State.FAILED)
    talk(office, outcome="handed_over", act="emergency")
    talk(office, score=0.49)
    talk(office, outcome="refused", state=State.VOICED)
    expected = [["low_score"], ["emergency"], ["failed"], ["not_heard"], ["refused"]]
    assert waiting(office) == expected


def test_the_queue_has_pages(office: Office) -> None:
    for _ in range(5):
        talk(office, outcome="refused")
    with office.desk.sessions() as session:
        first, more = queue(session, rows=3)
        rest, end = queue(session, before=first[-1].id, rows=3)
    assert [turn.id for turn in first + rest] == [5, 4, 3, 2, 1]
    assert more and not end


def test_a_review_takes_a_turn_off_the_queue_and_is_shown(office: Office) -> None:
    number = talk(office, "기초 염금", outcome="refused")
    client = office.log_in(Role.REVIEWER)
    assert "기초 염금" in client.get("/admin/queue").text
    fields = {
        "verdict": "wrong",
        "text": "기초연금, 제 번호는 010-1234-5678",
        "comment": "알아들었어야 해요 <b>",
    }
    answer = send(client, f"/admin/turns/{key_of(office, number)}/review", **fields)
    assert answer.headers["Location"] == f"/admin/conversations/{number}#turn-1"
    assert waiting(office) == []
    assert "모두 살펴보았어요" in client.get("/admin/queue").text
    page = client.get(f"/admin/conversations/{number}").text
    assert "틀려요" in page and "reviewer@office.example" in page
    assert "기초연금, 제 번호는" in page and "1234-5678" not in page
    assert "알아들었어야 해요 &lt;b&gt;" in page
    row = next(row for row in office.trail() if row.what == "reviewed")
    assert (row.person_id, row.subject) == (1, "turn 1 wrong")


def test_what_was_heard_right_is_not_stored_again(office: Office) -> None:
    number = talk(office, "기초연금")
    client = office.log_in(Role.REVIEWER)
    path = f"/admin/turns/{key_of(office, number)}/review"
    send(client, path, verdict="right", text="기초연금 ")
    send(client, path, verdict="should_refuse", text="기초연금")
    with office.desk.sessions() as session:
        found = session.scalars(select(Review).order_by(Review.id)).all()
    assert [(row.verdict, row.text) for row in found] == [
        (Verdict.RIGHT, ""),
        (Verdict.SHOULD_REFUSE, ""),
    ]


@pytest.mark.parametrize(("key", "verdict", "status"), [("0", "right", 404), ("0", "fine", 400)])
def test_what_cannot_be_judged(office: Office, key: str, verdict: str, status: int) -> None:
    client = office.log_in(Role.REVIEWER)
    assert send(client, f"/admin/turns/{key}/review", verdict=verdict).status_code == status
