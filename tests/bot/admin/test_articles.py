"""Articles in the console: found, changed, published, taken back, due; how words are said."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.admin.article_forms import changes, empty, wrong
from bot.conversation.accounts import Role
from bot.conversation.casework import Pronunciation
from bot.conversation.lexicon import Lexicon
from bot.conversation.models import Turn
from tests.bot.admin.conftest import Office, send, talk

NEW = {
    "id": "moon-bus",
    "title": "달나라 버스",
    "questions": "달에는 어떻게 가요?\n달나라 버스 있어요?",
    "answer": "달나라 버스는 아직 없어요.",
    "next_step": "다산콜센터에 물어보세요.",
    "documents": "",
    "keywords": "",
    "contact_name": "다산콜센터",
    "contact_number": "120",
    "source_name": "서울시",
    "source_url": "https://www.seoul.go.kr",
    "checked": "2026-03-01",
    "topic": "교통",
    "note": "새로 물으셔서",
}


def made(office: Office, **fields: str) -> FlaskClient:
    client = office.log_in(Role.EDITOR)
    answer = send(client, "/admin/articles/new", **(NEW | fields))
    assert answer.status_code == 302, answer.text
    return client


def test_an_article_is_written_found_and_shown(office: Office) -> None:
    client = made(office)
    entry = office.desk.articles.entry("moon-bus")
    assert (
        entry is not None and entry.answers and entry.article.questions[1] == "달나라 버스 있어요?"
    )
    page = client.get("/admin/articles?q=달나라").text
    assert "달나라 버스" in page and "기초연금" not in page
    page = client.get("/admin/articles/moon-bus").text
    assert "새로 물으셔서" in page and "editor@office.example" in page and "120" in page
    row = office.trail()[-1]
    assert (row.what, row.subject) == ("article_published", "article moon-bus version 1")
    viewer = office.log_in()
    assert "고치기" not in viewer.get("/admin/articles/moon-bus").text


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("id", "달", "영어 소문자"),
        ("id", "", "비어 있어요"),
        ("title", " ", "비어 있어요"),
        ("questions", "\n", "하나 이상"),
        ("answer", "가요. 나요. 다요. 라요.", "세 문장까지"),
        ("contact_number", "백이십", "숫자와 -로"),
        ("source_url", "seoul.go.kr", "https://"),
    ],
)
def test_what_is_wrong_is_told_in_plain_words(
    office: Office, field: str, value: str, told: str
) -> None:
    client = office.log_in(Role.EDITOR)
    answer = send(client, "/admin/articles/new", **(NEW | {field: value}))
    assert answer.status_code == 422 and told in answer.text
    assert f'aria-describedby="fault-{field}"' in answer.text
    assert office.desk.articles.entry("moon-bus") is None


def test_a_taken_id_is_refused(office: Office) -> None:
    client = made(office)
    answer = send(client, "/admin/articles/new", **NEW)
    assert answer.status_code == 422 and "이미 있는 번호" in answer.text


def test_a_change_is_published_and_taken_back(office: Office) -> None:
    client = made(office)
    path = "/admin/articles/moon-bus"
    page = client.get(f"{path}/edit").text
    assert 'name="after" value="1"' in page and "달나라 버스는 아직 없어요." in page
    changed = NEW | {"answer": "내년에 생겨요.", "note": "바뀌었어요", "after": "1"}
    assert send(client, f"{path}/edit", **changed).status_code == 302
    assert office.desk.articles.get("moon-bus").answer == "내년에 생겨요."  # type: ignore[union-attr]
    stale = send(client, f"{path}/edit", **changed)
    assert stale.status_code == 409 and "그사이에" in stale.text
    page = client.get(path).text
    assert "<del" in page and "달나라 버스는 아직 없어요." in page
    assert send(client, f"{path}/publish", number="1").status_code == 302
    assert office.desk.articles.get("moon-bus").answer == NEW["answer"]  # type: ignore[union-attr]
    assert [v.number for v in office.desk.articles.versions("moon-bus")] == [3, 2, 1]
    assert send(client, f"{path}/publish", number="9").status_code == 404
    assert send(client, f"{path}/publish").status_code == 400
    send(client, f"{path}/withdraw")
    assert "쓰지 않음" in client.get(path).text


def test_a_draft_waits_until_it_is_published(office: Office) -> None:
    client = made(office)
    path = "/admin/articles/moon-bus"
    draft = NEW | {"answer": "초안이에요.", "then": "draft", "after": "1"}
    send(client, f"{path}/edit", **draft)
    entry = office.desk.articles.entry("moon-bus")
    assert entry is not None and entry.article.answer == NEW["answer"] and entry.latest == 2
    assert "초안" in client.get("/admin/articles?state=draft").text
    send(client, f"{path}/publish", number="2")
    assert office.desk.articles.get("moon-bus").answer == "초안이에요."  # type: ignore[union-attr]


def test_a_review_date_comes_due(office: Office) -> None:
    client = made(office)
    send(client, "/admin/articles/moon-bus/review", review_on="2026-03-05")
    assert "다시 볼 때</b>" not in client.get("/admin/articles/moon-bus").text
    office.clock.pass_by(days=4)
    client = office.log_in(Role.EDITOR, email="b@office.example")
    page = client.get("/admin/articles").text
    first = page.index('<a class="row"')
    assert "moon-bus" in page[first : first + 200] and "다시 볼 때</b>" in page


def test_the_list_says_how_imports_stand(office: Office) -> None:
    store = office.desk.articles
    known = store.entries()[0].article
    store.merge("gov24", [replace(known, id="gov24-1", origin="gov24", title="가져온 글")])
    store.merge("gov24", [])
    page = office.log_in().get("/admin/articles?state=vanished").text
    assert "가져온 글" in page
    line = page[page.index('<th scope="row">gov24</th>') :].partition("</tr>")[0]
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", line)


def test_a_question_without_an_answer_becomes_an_article(office: Office) -> None:
    talk(office, "달에는 어떻게 가요?", outcome="refused", article_id="")
    with office.desk.sessions() as session:
        key = session.scalars(select(Turn.key)).one()
    page = office.log_in(Role.EDITOR).get(f"/admin/articles/new?turn={key}").text
    assert "달에는 어떻게 가요?" in page


def test_an_article_is_heard_and_seen_before_it_answers(office: Office) -> None:
    client = office.log_in(Role.EDITOR)
    answer = send(client, "/admin/try/article", **NEW)
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"]).text
    assert "만들고 있어요" in page and 'http-equiv="refresh"' in page
    with office.desk.sessions() as session:
        turn = session.scalars(select(Turn)).one()
        assert turn.conversation.channel == "console"
    assert (turn.state, turn.outcome) == ("answered", "answered")
    assert turn.answer.startswith(NEW["answer"])
    assert office.desk.articles.entry("moon-bus") is None
    assert "달나라" not in client.get("/admin/").text
    assert send(client, "/admin/try/article", **(NEW | {"answer": ""})).status_code == 400
    assert client.get("/admin/try/none").status_code == 404


def test_a_question_is_tried(office: Office) -> None:
    client = office.log_in(Role.REVIEWER)
    for _ in range(2):
        assert send(client, "/admin/try", question="기초연금이 뭐예요?").status_code == 302
    with office.desk.sessions() as session:
        turns = session.scalars(select(Turn)).all()
    assert [turn.number for turn in turns] == [1, 1] and turns[0].state == "received"
    assert send(client, "/admin/try", question=" ").status_code == 400


def test_words_are_said_as_they_are_written_down(office: Office) -> None:
    client = office.log_in(Role.EDITOR)
    assert send(client, "/admin/lexicon", word="BIS", sounds="버스 안내").status_code == 302
    assert send(client, "/admin/lexicon", word="BIS", sounds="bus").status_code == 422
    assert send(client, "/admin/lexicon", word="", sounds="버스").status_code == 422
    page = client.get("/admin/lexicon").text
    assert "버스 안내" in page and "인끼" in page
    assert Lexicon(office.desk.sessions.kw["bind"]).words() == {"BIS": "버스 안내"}
    heard = send(client, "/admin/lexicon/hear", sentence="BIS를 보세요.")
    assert "만들고 있어요" in client.get(heard.headers["Location"]).text
    assert send(client, "/admin/lexicon/hear", sentence="").status_code == 400
    assert send(client, "/admin/lexicon/remove", word="BIS").status_code == 302
    assert send(client, "/admin/lexicon/remove", word="BIS").status_code == 404
    with office.desk.sessions() as session:
        assert session.scalars(select(Pronunciation)).all() == []
    assert re.search("word_removed", " ".join(row.what for row in office.trail()))


def test_changes_are_told_by_field() -> None:
    old = empty("하나")
    assert [change.field for change in changes(None, old)] == ["questions", "checked"]
    assert changes(old, old) == []
    assert wrong(old)["title"] == "비어 있어요. 적어 주세요."
