"""Watch pages and media files: for those who hold the link, as long as it lives."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests
from imageio_ffmpeg import get_ffmpeg_exe
from playwright.sync_api import Browser

from bot.channels.links import Links
from bot.conversation.delivery import DeliveryError
from bot.conversation.models import Turn
from bot.knowledge.types import Answer, Outcome
from tests.bot.channels.conftest import POSTER, VIDEO, House
from tests.bot.conversation.pipeline import ARTICLE


@pytest.fixture
def turn(house: House) -> Turn:
    """A delivered turn with its video."""
    body, promise = house.kakao.payload("기초연금이 <b>뭐예요", "person-1")
    promise.used = True
    house.kakao.post(body, house.url, promise)
    with house.held.sessions() as session:
        for row in session.query(Turn):
            row.reply_to = {}
        session.commit()
    return house.work()[0]


@pytest.fixture
def video(house: House, turn: Turn) -> str:
    """The address of its video."""
    assert turn.video is not None
    return house.held.links.media(turn.video.key, "answer.mp4")


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=20)


def test_a_video_is_sent_whole_with_what_players_need(video: str) -> None:
    answer = get(video)
    assert answer.status_code == 200
    assert answer.content == VIDEO
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(len(VIDEO))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"] == 'inline; filename="answer.mp4"'
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["ETag"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_head_says_the_same_and_sends_nothing(video: str) -> None:
    head, whole = requests.head(video, timeout=20), get(video)
    assert head.content == b""
    for name in ("Content-Type", "Content-Length", "ETag", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, len(VIDEO) - 1),
        ("bytes=-50", len(VIDEO) - 50, len(VIDEO) - 1),
        (f"bytes=10-{len(VIDEO) * 2}", 10, len(VIDEO) - 1),
        (f"bytes=-{len(VIDEO) * 2}", 0, len(VIDEO) - 1),
    ],
)
def test_a_part_is_sent_as_asked(video: str, asked: str, first: int, last: int) -> None:
    answer = get(video, Range=asked)
    assert answer.status_code == 206
    assert answer.content == VIDEO[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(VIDEO)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize(
    "asked", [f"bytes={len(VIDEO)}-", "bytes=9-5", "bytes=x-y", "bytes=-", "lines=1-2"]
)
def test_a_part_that_is_not_there_is_refused(video: str, asked: str) -> None:
    answer = get(video, Range=asked)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(VIDEO)}"


def test_several_parts_at_once_give_the_whole(video: str) -> None:
    assert get(video, Range="bytes=0-1,5-6").content == VIDEO


def test_a_part_of_another_version_gives_the_whole(video: str) -> None:
    etag = get(video).headers["ETag"]
    assert get(video, Range="bytes=0-1", **{"If-Range": etag}).status_code == 206
    assert get(video, Range="bytes=0-1", **{"If-Range": '"other"'}).content == VIDEO


def test_a_changed_link_opens_nothing(video: str) -> None:
    head, name = video.rsplit("/", 1)
    for changed in (head[:-3] + "abc", head + "a", head.rpartition(".")[0]):
        assert get(f"{changed}/{name}").status_code == 404


def test_a_link_to_a_missing_file_opens_nothing(house: House, turn: Turn, video: str) -> None:
    links = house.held.links
    for key in ("nothing", "../../etc/passwd", "a" * 22 + ".mp4"):
        assert get(links.media(key, "answer.mp4")).status_code == 404
    assert turn.video is not None
    house.held.files.delete(turn.video.key)
    assert get(video).status_code == 404


def old(house: House) -> Links:
    links = house.held.links
    return Links(links.public_url, links.key, -1)


def test_an_old_link_says_what_to_do(house: House, turn: Turn) -> None:
    assert turn.video is not None
    for url in (old(house).watch(turn.key), old(house).media(turn.video.key, "answer.mp4")):
        answer = get(url)
        assert answer.status_code == 410
        assert "한 번 더 물어보시면" in answer.text
        assert 'href="tel:110"' in answer.text


def test_the_page_shows_the_answer_and_dials(house: House, turn: Turn) -> None:
    answer = get(house.held.links.watch(turn.key))
    page = answer.text
    assert answer.status_code == 200
    for line in turn.lines:
        assert f"<li>{line}</li>" in page
    assert "<video" in page and "poster=" in page and "영상 보기" in page
    assert 'href="tel:1355"' in page
    assert ARTICLE.source_name in page and "2026년 11월 1일" in page
    assert "AI 생성 영상" in page
    assert "기초연금이 &lt;b&gt;뭐예요" in page
    assert "http-equiv" not in page
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "style=" not in page and "onclick" not in page


def test_everything_on_the_page_is_there(house: House, turn: Turn) -> None:
    page = get(house.held.links.watch(turn.key)).text
    for name in ("src", "poster"):
        path = page.split(f' {name}="/media')[1].split('"')[0]
        assert get(f"{house.url}/media{path}").content in (VIDEO, POSTER)
    for name in ("watch.css", "watch.js", "mark.svg", "waiting.png"):
        assert get(f"{house.url}/static/{name}").ok


def test_a_page_waits_for_its_video(house: House) -> None:
    house.steps.faults["render"] = [DeliveryError("slow", False)]
    body, promise = house.kakao.payload("기초연금이 뭐예요", "person-1")
    house.kakao.post(body, house.url, promise)
    turn = house.turns()[0]
    url = house.held.links.watch(turn.key)
    early = get(url).text
    assert "영상 준비 중" in early and "<li>" not in early
    house.work()
    page = get(url).text
    assert "영상 준비 중" in page and f"<li>{ARTICLE.answer}" not in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert get(f"{url}/state").json() == {"state": "waiting"}
    house.work()
    assert get(f"{url}/state").json() == {"state": "ready"}
    assert "<video" in get(url).text


def test_a_page_without_a_video_keeps_the_words(house: House) -> None:
    house.steps.answer = Answer(Outcome.REFUSED, "그건 제가 잘 몰라요.")
    house.steps.faults["render"] = [DeliveryError("broken", True)]
    body, promise = house.kakao.payload("주식 추천", "person-1")
    house.kakao.post(body, house.url, promise)
    (turn,) = house.work()
    url = house.held.links.watch(turn.key)
    assert get(f"{url}/state").json() == {"state": "none"}
    page = get(url).text
    assert "<li>그건 제가 잘 몰라요.</li>" in page
    assert "<video" not in page and "준비 중" not in page and "tel:" not in page


def test_the_person_says_whether_it_helped(house: House, turn: Turn) -> None:
    page = house.held.links.watch(turn.key)
    assert "도움이 되었나요" in get(page).text
    for said, kept in (("yes", True), ("no", False)):
        answer = requests.post(f"{page}/rating", data={"helpful": said}, timeout=20)
        assert "알려 주셔서 고맙습니다" in answer.text
        assert house.turns()[0].helpful is kept
    for wrong in ({"helpful": "maybe"}, {}):
        assert requests.post(f"{page}/rating", data=wrong, timeout=20).status_code == 400
    assert requests.post(f"{page}x/rating", data={"helpful": "yes"}, timeout=20).status_code == 404


def test_a_page_of_nobody_is_not_there(house: House, turn: Turn) -> None:
    for url in (f"{house.url}/w/x", f"{house.url}/w/x/state", house.held.links.watch("other")):
        assert get(url).status_code == 404
    assert get(f"{old(house).watch(turn.key)}/state").status_code == 410


def test_the_page_is_usable_on_a_small_phone(house: House, turn: Turn, browser: Browser) -> None:
    view = {"width": 360, "height": 740}
    page = browser.new_page(viewport=view)
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(house.held.links.watch(turn.key))
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        """[...document.querySelectorAll('main *, header *')]
        .filter(e => e.textContent.trim() && parseFloat(getComputedStyle(e).fontSize) < 20)
        .map(e => e.outerHTML)"""
    )
    assert small == []
    for selector in ("#play", ".dial"):
        box = page.locator(selector).bounding_box()
        assert box["height"] >= 64 and box["width"] >= 200
    assert page.locator("#play").is_visible()
    assert [fault for fault in faults if "Content Security" in fault] == []
    assert not page.locator("#pause").is_visible()

    plain = browser.new_context(viewport=view, java_script_enabled=False).new_page()
    plain.goto(house.held.links.watch(turn.key))
    assert plain.locator("video[controls]").is_visible()
    assert not plain.locator("#play").is_visible()


def test_one_button_plays_stops_and_goes_on(
    house: House, turn: Turn, browser: Browser, tmp_path: Path
) -> None:
    real = tmp_path / "real.webm"
    subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:d=3"]
        + ["-c:v", "libvpx", str(real)],
        check=True,
    )
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.route(
        "**/answer.mp4",
        lambda route: route.fulfill(body=real.read_bytes(), content_type="video/webm"),
    )
    page.goto(house.held.links.watch(turn.key))
    play, pause = page.locator("#play"), page.locator("#pause")
    play.click()
    pause.click()
    page.get_by_text("이어 보기").click()
    page.get_by_text("다시 보기").wait_for(timeout=30_000)
    assert not pause.is_visible()
    assert page.locator("video[controls]").count() == 0


def test_the_page_has_no_barriers(house: House, turn: Turn, browser: Browser) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page(viewport={"width": 360, "height": 740})
    for url in (house.held.links.watch(turn.key), old(house).watch(turn.key)):
        page.goto(url)
        assert axe.run(page).response["violations"] == []


def test_a_waiting_page_shows_its_video_by_itself(house: House, browser: Browser) -> None:
    house.steps.faults["render"] = [DeliveryError("slow", False)]
    body, promise = house.kakao.payload("기초연금이 뭐예요", "person-1")
    house.kakao.post(body, house.url, promise)
    house.work()
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(house.held.links.watch(house.turns()[0].key))
    assert page.locator("#waiting").is_visible()
    house.work()
    page.locator("#play").wait_for(timeout=15_000)


def test_where_calls_are_off_the_page_offers_none(house: House, turn: Turn) -> None:
    assert "얼굴 보며" not in get(house.held.links.watch(turn.key)).text
