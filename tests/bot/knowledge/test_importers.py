"""Official data and tables become articles."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from bot.knowledge.importers import bokjiro, gov24, tables
from bot.knowledge.importers.common import SourceError, contact

DAY = date(2026, 6, 12)
FAST = gov24.Limits(per_page=4, per_second=1000, attempts=3, wait=0.01)


class Portal:
    """Behaves as odcloud does: pages, a key, a limit that is sometimes passed."""

    def __init__(self, rows: int):
        self.rows = rows
        self.asked: list[str] = []
        self.busy: set[int] = set()
        self.down_after: int | None = None

    def reply(self, path: str) -> tuple[int, dict[str, object]]:
        url = urlparse(path)
        query = {key: value[0] for key, value in parse_qs(url.query).items()}
        self.asked.append(f"{url.path.rsplit('/', 1)[-1]}-{query['page']}")
        if query.get("serviceKey") != "key":
            return 401, {"code": -401, "msg": "유효하지 않은 인증키 입니다."}
        if len(self.asked) in self.busy:
            return 429, {"code": -429, "msg": "too many"}
        if self.down_after is not None and len(self.asked) > self.down_after:
            return 503, {}
        page, per = int(query["page"]), int(query["perPage"])
        places = range((page - 1) * per, min(page * per, self.rows))
        data = [self.row(url.path.rsplit("/", 1)[-1], i) for i in places]
        return 200, {
            "page": page, "perPage": per, "totalCount": self.rows,
            "currentCount": len(data), "data": data,
        }  # fmt: skip

    def row(self, name: str, i: int) -> dict[str, object]:
        row: dict[str, object] = {"서비스ID": f"SV{i:04}", "서비스명": f"어르신 지원 {i}"}
        if name == "serviceList":
            row |= {
                "서비스목적요약": "어르신의 생활을 돕습니다.", "소관기관명": "보건복지부",
                "서비스분야": "생활안정", "전화문의": "보건복지상담센터/129",
                "상세조회URL": f"https://www.gov.kr/{i}", "지원대상": "65세 이상 어르신",
            }  # fmt: skip
        elif name == "serviceDetail":
            row |= {"구비서류": "신분증\n통장 사본", "지원내용": "한 달에 3만 원 지급",
                    "수정일시": "2026-03-02"}  # fmt: skip
        else:
            row |= {"JA0102": "Y", "JA0110": 65, "JA0111": 120}
        return row


@pytest.fixture
def portal() -> Iterator[tuple[Portal, str]]:
    behaviour = Portal(10)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = behaviour.reply(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield behaviour, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_gov24_pages_and_repeats_when_busy(portal: tuple[Portal, str], tmp_path: Path) -> None:
    behaviour, url = portal
    behaviour.busy = {2, 5}
    said: list[tuple[str, int, int]] = []
    found = gov24.Gov24("key", tmp_path / "p", url, FAST).fetch(lambda *a: said.append(a))
    assert len(found) == 10
    first = found[0]
    assert first.contact_number == "129"
    assert first.documents == ("신분증", "통장 사본")
    assert first.checked == date(2026, 3, 2)
    assert "65세부터 120세까지" in first.body
    assert said[-1] == ("supportConditions", 10, 10)
    assert not (tmp_path / "p").exists()


def test_gov24_resumes_where_it_stopped(portal: tuple[Portal, str], tmp_path: Path) -> None:
    behaviour, url = portal
    behaviour.down_after = 4
    with pytest.raises(SourceError, match="goes on where it stopped"):
        gov24.Gov24("key", tmp_path / "p", url, FAST).fetch()
    behaviour.down_after = None
    before = len(behaviour.asked)
    assert len(gov24.Gov24("key", tmp_path / "p", url, FAST).fetch()) == 10
    assert "serviceList-1" not in behaviour.asked[before:]


def test_gov24_refused_and_missing_keys(portal: tuple[Portal, str], tmp_path: Path) -> None:
    _, url = portal
    with pytest.raises(SourceError, match="refused the key"):
        gov24.Gov24("wrong", tmp_path, url, FAST).fetch()
    with pytest.raises(SourceError, match="needs a key"):
        gov24.Gov24("", tmp_path, url)


def test_bokjiro_service_with_detail() -> None:
    row = {
        "id": "WLF1", "name": "치매검사비 지원", "tags": ["어르신"], "themes": ["건강"],
        "benefit": "치매를 일찍 찾도록 검사비를 지원합니다.", "agency": "노인건강과",
        "contact": "1899-9988", "source_url": "https://www.bokjiro.go.kr/1",
    }  # fmt: skip
    detail = {"WLF1": {"target": "60세 이상", "contacts": [], "forms": [{"name": "신청서.hwp"}]}}
    (found,) = bokjiro.services([row], detail, DAY)
    assert found.answer == "치매를 일찍 찾도록 검사비를 지원해요."
    assert (found.contact_number, found.documents) == ("1899-9988", ("신청서.hwp",))
    assert "60세 이상" in found.body
    assert bokjiro.services([row], {}, DAY, audience="청년") == []


def test_booklet_groups_chunks_by_programme() -> None:
    def chunk(name: str, kind: str, text: str) -> dict[str, object]:
        return {"text": text, "metadata": {"사업명": name, "항목": kind, "중분류": "건강"}}

    chunks = [
        chunk("책자 안내", "슬로건", "슬로건: 함께해요"),
        chunk("틀니 지원", "문의", "문의: 국민건강보험공단(☎1577-1000)"),
        chunk("틀니 지원", "대상", "대상: 65세 이상 건강보험 가입자"),
        chunk("틀니 지원 (자주하는 질문)", "답변", "답변: 7년에 한 번 됩니다."),
    ]
    (found,) = bokjiro.booklet(chunks, DAY)
    assert found.title == "틀니 지원"
    assert (found.contact_name, found.contact_number) == ("국민건강보험공단", "1577-1000")
    assert found.body.startswith("대상:")
    assert bokjiro.is_booklet(chunks) and not bokjiro.is_services(chunks)


def test_real_lists_import(shared: Path) -> None:
    folder = shared / "data" / "knowledge"
    rows = bokjiro.read_json(folder / "bokjiro_services_5012.json")
    found = bokjiro.services(rows, {}, DAY)
    assert len({article.id for article in found}) == len(rows)
    chunks = bokjiro.read_json(folder / "bokjiro_booklet_2024_chunks.json")
    programmes = bokjiro.booklet(chunks, DAY)
    assert len(programmes) > 440
    assert all(article.answer for article in programmes)


def test_tables_with_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes("q1,q2,response\n등본은 어디서,등본 떼기,주민센터에서 떼요.\n".encode("cp949"))
    mapping = tables.parse_map(["question=q1,q2", "answer=response"])
    (found,) = tables.articles(tables.read_rows(path), mapping, "calls")
    assert found.title == "등본은 어디서"
    assert found.questions == ("등본은 어디서", "등본 떼기")
    assert found.answer == "주민센터에서 떼요."
    other = tmp_path / "calls.json"
    other.write_text(
        json.dumps({"data": [{"title": "가", "answer": "나와요.", "keywords": ["a", "b"]}]})
    )
    (article,) = tables.articles(tables.read_rows(other), {}, "calls")
    assert article.keywords == ("a", "b")


def test_tables_say_what_is_wrong(tmp_path: Path) -> None:
    for entry in ("answer", "colour=a", "answer="):
        with pytest.raises(SourceError, match="is not understood"):
            tables.parse_map([entry])
    with pytest.raises(SourceError, match="there is no column x"):
        tables.articles([{"a": "1"}], {"answer": ("x",)}, "t")
    with pytest.raises(SourceError, match="row 1: has no"):
        tables.articles([{"title": "가"}], {}, "t")
    for name, content in (("a.json", b"{"), ("b.json", b"[1]"), ("c.csv", b"\xff\xfe\xfa")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError):
            tables.read_rows(tmp_path / name)
    with pytest.raises(SourceError, match="cannot be read"):
        tables.read_rows(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="cannot be read as JSON"):
        bokjiro.read_json(tmp_path / "none.json")


def test_contacts() -> None:
    assert contact("문의: 국민연금공단(☎1355)").number == "1355"
    assert contact("예산 2024년 3,000만 원").number == ""
    assert contact("함평군보건소 061-320-2438").name == "함평군보건소"
