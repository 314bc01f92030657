"""Finding and reading conversations, playing them, and taking them out with a reason."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from bot.admin import browse
from bot.admin import names as names_
from bot.admin.article_forms import EMPTY, FAULTS, FIELDS, TAKEN
from bot.admin.article_views import STATES
from bot.admin.blueprint import ERRORS
from bot.admin.browse import find
from bot.admin.filters import Filters
from bot.admin.shown import masked_address
from bot.admin.words import english
from bot.conversation.accounts import Role
from bot.conversation.calls import Call, CallPicture
from bot.conversation.models import MediaFile, State, Turn
from bot.settings import ROOT
from tests.bot.admin.conftest import Office, both, send, talk


def numbers(office: Office, **fields: str) -> list[int]:
    with office.desk.sessions() as session:
        page = find(session, Filters.of(fields))
    return [row.conversation.id for row in page.rows]


def test_any_part_of_a_word_finds_it(office: Office) -> None:
    pension = talk(office, "기초연금은 어디서 신청해요?")
    bus = talk(office, "경로 우대 버스는요", answer="지하철은 100% 무료예요.")
    assert numbers(office, q="초연") == [pension]
    assert numbers(office, q="연금 신청") == [pension]
    assert numbers(office, q="철은 100%") == [bus]
    assert numbers(office, q="%") == [bus]
    assert numbers(office, q="_") == []
    letters = talk(office, "EBS는 어디서 봐요?", answer="9번이에요.")
    assert numbers(office, q="ebs는") == [letters]
    assert numbers(office, q="연금 버스") == []
    assert numbers(office) == [letters, bus, pension]


def test_filters_narrow(office: Office) -> None:
    first = talk(office, "하나", channel="phone", outcome="refused", article_id="")
    urgent = talk(office, "둘", act="emergency", outcome="handed_over")
    failed = talk(office, "셋", outcome="failed", state=State.FAILED, failure="attempts")
    unheard = talk(office, "", outcome="not_heard", unheard="noise")
    assert numbers(office, channel="phone") == [first]
    assert numbers(office, outcome="refused") == [first]
    assert numbers(office, flag="emergency") == [urgent]
    assert numbers(office, flag="failed") == [failed]
    assert numbers(office, flag="unheard") == [unheard]
    assert first not in numbers(office, article="basic-pension")
    assert numbers(office, person="2") == [urgent]
    assert len(numbers(office, person="x", since="never", flag="what")) == 4


def test_a_day_is_a_day_in_korea(office: Office) -> None:
    evening = talk(office, at=office.clock.moment.replace(hour=14, minute=59))
    night = talk(office, at=office.clock.moment.replace(hour=15, minute=0))
    assert numbers(office, until="2026-03-02") == [evening]
    assert numbers(office, since="2026-03-03", until="2026-03-03") == [night]


def test_pages_hold_every_conversation_once(office: Office) -> None:
    made = [
        talk(office, f"질문 {number}", at=office.clock.moment + timedelta(seconds=number // 3))
        for number in range(10)
    ]
    seen, after = [], ""
    with office.desk.sessions() as session:
        for _ in range(4):
            page = find(session, Filters(q="질문"), after, rows=3)
            seen += [row.conversation.id for row in page.rows]
            after = page.after
    assert seen == sorted(made, reverse=True) and after == ""
    for bad in ("x", "_", "2026_", "2026-01-01_x", "9" * 40):
        with office.desk.sessions() as session:
            assert len(find(session, Filters(), bad).rows) == 10


@both
@pytest.mark.parametrize(("first", "few"), [(300, 4000), (1, 4000), (1, 0)])
def test_words_are_found_alike_however_they_are_looked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch, first: int, few: int
) -> None:
    monkeypatch.setattr(browse, "FIRST_STEP", first)
    monkeypatch.setattr(browse, "FEW", few)
    numbers = [
        talk(
            office,
            text=f"{'보청기' if n % 3 else '틀니'} 질문 {n}",
            outcome="refused" if n % 2 else "answered",
            act="emergency" if n in (4, 6) else "",
            at=office.clock.moment + timedelta(minutes=n),
        )
        for n in range(12)
    ]
    wanted = {
        Filters(q="틀니 질문"): [9, 6, 3, 0],
        Filters(q="틀"): [9, 6, 3, 0],
        Filters(q="없는말"): [],
        Filters(q="질문", outcome="refused"): [11, 9, 7, 5, 3, 1],
        Filters(q="청기", outcome="refused"): [11, 7, 5, 1],
        Filters(q="보청", flag="emergency"): [4],
    }
    with office.desk.sessions() as session:
        for filters, expected in wanted.items():
            page = find(session, filters, rows=3)
            found = [row.conversation.id for row in page.rows]
            while page.after:
                page = find(session, filters, page.after, rows=3)
                found += [row.conversation.id for row in page.rows]
            assert found == [numbers[n] for n in expected], filters


def test_the_list_shows_what_was_found_and_records_the_search(office: Office) -> None:
    number = talk(office)
    client = office.log_in()
    page = client.get("/admin/?" + urlencode({"q": "초연", "person": "1"})).text
    assert "기초연금은 어디서" in page and f"/admin/conversations/{number}" in page
    last = office.trail()[-1]
    assert (last.what, last.person_id, last.subject) == ("searched", 1, "q=초연 person=1")
    assert "찾은 상담이 없어요" in client.get("/admin/?q=없는말").text


def test_a_conversation_shows_how_it_went(office: Office) -> None:
    number = talk(
        office,
        words=[
            {"text": "기초연금은", "start": 0.1, "end": 0.6, "confidence": 0.97},
            {"text": "어디서", "start": 0.6, "end": 0.9, "confidence": 0.4},
            {"text": "", "start": 0.9, "end": 1.2, "confidence": 0.7},
        ],
        confidence=0.87,
        score=0.91,
        article_title="기초연금",
        candidates=[
            {"id": "basic-pension", "title": "기초연금", "score": 0.91},
            {"id": "national-pension", "title": "국민연금", "score": 0.44},
        ],
    )
    page = office.log_in().get(f"/admin/conversations/{number}").text
    assert 'class="doubtful"' in page and "40 %" in page and "▮▮" in page and "87 %" in page
    assert "0.91" in page and "국민연금" in page and "0.44" in page
    assert "걸린 시간 1.5초" in page
    widths = [int(width) for width in re.findall(r'<rect x="\d+" y="0" width="(\d+)"', page)]
    assert widths == [167, 500, 333]
    assert "영상 · 보냄" in page
    assert "0101234" not in page and "821012345678" not in page


def test_what_people_said_is_never_markup(office: Office) -> None:
    bad = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    number = talk(office, bad, answer=bad, article_title=bad, outcome='"><script>')
    client = office.log_in(Role.OWNER)
    for path in (f"/admin/conversations/{number}", "/admin/", "/admin/trail"):
        client.get("/admin/?" + urlencode({"q": bad}))
        page = client.get(path).text
        assert "<script>" not in page and "<img src=x" not in page
    assert "<script>" not in client.get("/admin/?" + urlencode({"q": bad})).text


def test_a_failed_step_is_explained_to_operators_only(office: Office) -> None:
    number = talk(office)
    with office.desk.writing() as session:
        turn = session.scalars(select(Turn)).one()
        turn.steps[1].error = "OSError: disk full"
        turn.deliveries[0].last_error = "vendor said no"
    viewer = office.log_in().get(f"/admin/conversations/{number}").text
    operator = office.log_in(Role.OPERATOR).get(f"/admin/conversations/{number}").text
    for text in ("disk full", "vendor said no"):
        assert text not in viewer and text in operator


def test_a_recording_is_played_through_a_link_that_soon_expires(office: Office) -> None:
    talk(office)
    stored = office.app.extensions["silverline"].files.put(b"OggS sound", "audio/ogg")
    with office.desk.writing() as session:
        turn = session.scalars(select(Turn)).one()
        turn.recording = stored.record("recording")
        key = turn.key
    client = office.log_in()
    answer = client.get(f"/admin/play/{key}/recording")
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/media/")
    sound = client.get(answer.headers["Location"])
    assert sound.data == b"OggS sound"
    last = office.trail()[-1]
    assert (last.what, last.person_id, last.subject) == ("played", 1, "turn 1 recording")
    for path in (f"{key}/video", f"{key}/identity", "0/recording"):
        assert client.get(f"/admin/play/{path}").status_code == 404
    assert office.trail()[-1].number == last.number
    assert office.client().get(f"/admin/play/{key}/recording").headers["Location"].endswith("login")


def test_an_address_is_shown_for_a_reason(office: Office) -> None:
    number = talk(office, "질문", address="821012345678")
    client = office.log_in(Role.OPERATOR)
    path = f"/admin/conversations/{number}/address"
    assert send(client, path, why="  a  ").status_code == 400
    assert "821012345678" in send(client, path, why="본인이 다시 걸어 달라고 했어요").text
    last = office.trail()[-1]
    assert (last.what, last.person_id, last.why) == (
        "unmasked",
        1,
        "본인이 다시 걸어 달라고 했어요",
    )
    missing = send(client, "/admin/conversations/99/address", why="a good reason")
    assert missing.status_code == 404


def test_an_export_needs_a_reason_and_holds_what_was_filtered(office: Office) -> None:
    talk(office, "=1+1 기초연금")
    talk(office, "버스")
    client = office.log_in(Role.OPERATOR)
    assert send(client, "/admin/export", q="연금").status_code == 400
    answer = send(client, "/admin/export", q="연금", why="월간 점검에 필요해요")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["question"] for row in rows] == ["'=1+1 기초연금"]
    assert "attachment" in answer.headers["Content-Disposition"]
    last = office.trail()[-1]
    assert (last.what, last.why) == ("exported", "월간 점검에 필요해요")
    assert last.subject == "1 conversations q=연금"


@pytest.mark.parametrize(
    ("address", "shown"), [("821012345678", "••••5678"), ("1234567", "••••"), ("", "••••")]
)
def test_an_address_is_masked(address: str, shown: str) -> None:
    assert masked_address(address) == shown


def test_every_text_has_its_english() -> None:
    used = set()
    for page in (ROOT / "bot/templates/admin").glob("*.html"):
        used |= set(re.findall(r"""\bt\((["'])(.+?)\1""", page.read_text(encoding="utf-8")))
    texts = {text for _, text in used}
    for names in vars(names_).values():
        texts |= (
            set(names.values()) if isinstance(names, dict) and "__name__" not in names else set()
        )
    for names in (FIELDS, FAULTS, STATES):
        texts |= set(names.values())
    texts |= {EMPTY, TAKEN, *(text for error in ERRORS.values() for text in error)}
    assert texts <= set(english())


def test_pages_speak_english_too(office: Office) -> None:
    number = talk(office, "a question", answer="an answer")
    client = office.log_in(Role.OWNER)
    send(client, "/admin/language", language="en")
    for path in (
        "/admin/",
        f"/admin/conversations/{number}",
        "/admin/trail",
        "/admin/queue",
        "/admin/password",
        "/admin/handovers",
        "/admin/articles/new",
        "/admin/try",
    ):
        page = client.get(path).text.replace("한국어", "")
        # What is Korean whatever the language says so.
        page = re.sub(r'<option value="[a-z0-9-]+">[^<]*</option>', "", page)
        assert not re.search("[가-힣]", page), path


def test_pictures_of_a_call_are_linked_and_each_look_is_recorded(
    office: Office,
) -> None:
    number = talk(office, channel="call")
    with office.desk.writing() as session:
        turn = session.query(Turn).filter_by(conversation_id=number).first()
        assert turn is not None
        call = Call(sid="c1", identity_id=turn.identity_id, mode="video")
        session.add(call)
        session.flush()
        began = turn.conversation.started_at
        for minutes in (1, 600):
            file = MediaFile(
                key=f"p{minutes}.jpg",
                kind="picture",
                content_type="image/jpeg",
                bytes=1,
                sha256="0",
            )
            taken = began + timedelta(minutes=minutes)
            session.add(CallPicture(call_id=call.id, file=file, taken_at=taken))
    client = office.log_in()
    page = client.get(f"/admin/conversations/{number}").text
    assert page.count("/admin/pictures/") == 1
    found = re.search(r"/admin/pictures/\d+", page)
    assert found is not None
    seen = client.get(found.group())
    assert seen.status_code == 302
    assert "/media/" in seen.headers["Location"]
    assert client.get("/admin/pictures/999").status_code == 404
    assert office.trail()[-1].subject.startswith("picture ")
