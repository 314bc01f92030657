"""Reviews become a test set that grows, and say what a changed article does."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bot.admin.measure import Laboratory, cases, write_cases
from bot.admin.review import queue, reasons
from bot.cli import main
from bot.conversation.accounts import Account, Role
from bot.conversation.casework import Case
from bot.conversation.models import Turn
from bot.knowledge.answer import Answerer
from bot.knowledge.articles import load_folder
from bot.knowledge.evaluate import Case as Asked
from bot.knowledge.evaluate import read_cases
from tests.bot.admin.conftest import Office, send, talk

SAMPLES = Path(__file__).parents[1] / "knowledge" / "articles"


def key_of(office: Office, number: int) -> str:
    with office.desk.sessions() as session:
        return session.scalars(select(Turn.key).where(Turn.conversation_id == number)).one()


def judged(office: Office, asked: str, verdict: str, article: str = "", **values: str) -> None:
    number = talk(office, asked, **values)
    client = office.log_in(Role.EDITOR, email=f"{number}@office.example")
    path = f"/admin/turns/{key_of(office, number)}/review"
    answer = send(client, path, verdict=verdict, article=article, text=asked)
    assert answer.status_code == 302, answer.text


def test_judgements_are_a_test_set(office: Office, tmp_path: Path) -> None:
    judged(office, "하나", "right")
    judged(office, "둘", "right", outcome="refused", article_id="")
    judged(office, "셋", "wrong", "dementia-center 치매안심센터")
    judged(office, "넷", "wrong")
    judged(office, "다섯", "should_refuse")
    judged(office, "여섯", "unclear")
    judged(office, "일곱", "right", outcome="handed_over", act="emergency")
    judged(office, "하나!", "should_refuse")
    with office.desk.sessions() as session:
        made = cases(session)
        assert len(cases(session, most=2)) == 2
    assert {case.question: case.expected for case in made} == {
        "하나!": (),
        "다섯": (),
        "셋": ("dementia-center",),
        "둘": (),
    }
    assert write_cases(made, tmp_path / "cases.csv") == 4
    assert read_cases(tmp_path / "cases.csv") == made


def test_commands_export_and_measure_them(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(office, "우주여행 표는 얼마예요", "should_refuse")
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", f"sqlite:///{tmp_path}/test.db")
    monkeypatch.setenv("SILVERLINE_APP__DATA_DIR", str(tmp_path))
    out = tmp_path / "cases.csv"
    told = CliRunner().invoke(main, ["knowledge", "cases", str(out)])
    assert told.exit_code == 0 and "1 questions" in told.output
    assert "우주여행" in out.read_text()
    none = CliRunner().invoke(main, ["knowledge", "eval"])
    assert none.exit_code == 2 and "--reviewed" in none.output
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", f"sqlite:///{tmp_path}/empty.db")
    told = CliRunner().invoke(main, ["knowledge", "cases", str(out)])
    assert told.exit_code == 1 and "db upgrade" in told.output


def test_the_right_article_must_be_one(office: Office) -> None:
    number = talk(office)
    client = office.log_in(Role.EDITOR)
    path = f"/admin/turns/{key_of(office, number)}"
    assert send(client, f"{path}/review", verdict="wrong", article="none").status_code == 400
    assert send(client, f"{path}/wording", article="none", text="달").status_code == 400


def test_a_question_is_added_to_an_articles_wordings(office: Office) -> None:
    number = talk(office, "연금 타려면 어디 가유")
    client = office.log_in(Role.EDITOR)
    known = office.desk.articles.entries()[0].article
    path = f"/admin/turns/{key_of(office, number)}/wording"
    fields = {
        "article": f"{known.id} {known.title}",
        "text": "연금 타려면 어디 가유, 010-1234-5678",
    }
    assert send(client, path, **fields).status_code == 302
    entry = office.desk.articles.entry(known.id)
    assert entry is not None and entry.article.questions[-1].startswith("연금 타려면 어디 가유")
    assert "1234-5678" not in entry.article.questions[-1]
    assert send(client, path, **fields).status_code == 400


def test_a_change_is_measured_before_and_after(office: Office) -> None:
    articles = load_folder(SAMPLES)
    first, second = articles[:2]
    with office.desk.writing() as session:
        made = cases(session)
    assert made == []
    laboratory = Laboratory(lambda: Answerer(articles))
    asked = [Asked(first.questions[0], (first.id,))]
    found = laboratory.compare([second], articles, asked)
    assert (found.cases, found.before, found.after) == (1, 0, 1)
    assert found.changed[0].after == first.id and found.changed[0].right_after


def test_the_page_shows_what_a_change_did(office: Office) -> None:
    client = office.log_in(Role.EDITOR)
    known = office.desk.articles.entries()[0].article
    page = send(client, f"/admin/articles/{known.id}/measure").text
    assert "달라진 답이 없어요" in page
    assert office.trail()[-1].what == "article_measured"


def test_a_turn_is_given_to_somebody_talked_about_and_closed(office: Office) -> None:
    number = talk(office, "기초 염금", outcome="refused")
    client = office.log_in(Role.REVIEWER)
    with office.desk.sessions() as session:
        account = session.scalars(select(Account)).one()
    path = f"/admin/turns/{key_of(office, number)}"
    assert send(client, f"{path}/assign", account=str(account.id)).status_code == 302
    assert send(client, f"{path}/assign", account="99").status_code == 400
    assert "내가 맡은 질문" in client.get("/admin/queue").text
    send(client, f"{path}/remark", text="<b>전화해 볼게요</b> 010-1234-5678")
    assert send(client, f"{path}/remark", text=" ").status_code == 400
    page = client.get(f"/admin/conversations/{number}").text
    assert "&lt;b&gt;전화해 볼게요" in page and "1234-5678" not in page and "볼 것" in page
    send(client, f"{path}/resolve")
    page = client.get("/admin/queue").text
    assert "내가 맡은 질문" not in page and "기초 염금" not in page
    assert "마침" in client.get(f"/admin/conversations/{number}").text
    send(client, f"{path}/assign", account="")
    with office.desk.sessions() as session:
        case = session.scalars(select(Case)).one()
    assert case.assignee_id is None and case.resolved_at is None


def test_what_was_asked_again_or_did_not_help_is_in_the_queue(office: Office) -> None:
    number = talk(office, "기초연금이 뭐예요", score=0.9)
    bad = talk(office, "버스", score=0.9, helpful=False)
    with office.desk.writing() as session:
        first = session.scalars(select(Turn).where(Turn.conversation_id == number)).one()
        session.add(
            Turn(
                conversation_id=number,
                identity_id=first.identity_id,
                number=2,
                kind="text",
                text="기초연금이 뭐예요",
                outcome="answered",
                state="delivered",
                score=0.9,
            )
        )
    with office.desk.sessions() as session:
        found = {(turn.conversation_id, reasons(turn)[0]) for turn in queue(session)[0]}
    assert found == {(number, "asked_again"), (bad, "bad_rating")}
