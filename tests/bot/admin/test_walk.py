"""A walk through the console in a browser: from a call that went wrong to an answer that is right.

With SILVERLINE_TEST_SCREENSHOTS set to a folder, pictures of the pages are kept there.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select, update

from bot.conversation.accounts import Role
from bot.conversation.casework import Handover
from bot.conversation.models import ENDS, Turn
from bot.conversation.trials import Console
from bot.conversation.turn import advance
from bot.knowledge.answer import Answerer
from bot.knowledge.articles import load_folder
from bot.knowledge.store import ArticleStore
from bot.knowledge.types import Answer, Context
from media.speech_file import write_timings, write_wav
from media.types import Audio, Phoneme, Speech
from tests.bot.admin.conftest import PASSWORD, Office, talk
from tests.bot.conversation.pipeline import QuickSteps, quick_parts
from tests.browser import serving, violations

SAMPLES = Path(__file__).parents[1] / "knowledge" / "articles"
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 860}
ASKED = "경로당에 난방비 나오는 거 어떻게 받어유"


@pytest.fixture
def sections() -> dict[str, Any]:
    """Few articles, so that they are indexed quickly."""
    return {"knowledge": {"folder": SAMPLES}}


class Thinking(QuickSteps):
    """A quick pipeline whose answers come from the articles as they are now."""

    def __init__(self, answerer: Answerer) -> None:
        super().__init__()
        self._answerer = answerer

    def think(self, question: str, context: Context) -> Answer:
        self._answerer.refresh()
        return self._answerer.answer(question, context)


@contextmanager
def working(office: Office, folder: Path) -> Iterator[None]:
    """A worker that moves every turn, while the block runs."""
    articles = load_folder(SAMPLES)
    store = ArticleStore(office.desk.sessions.kw["bind"], articles)
    steps = Thinking(Answerer(store.all(), store=store))
    parts = quick_parts(office.desk.sessions, folder, Console(), steps, retry_seconds=0.0)
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.05):
            with office.desk.sessions() as session:
                ids = session.scalars(select(Turn.id).where(Turn.state.not_in(ENDS))).all()
            for turn_id in ids:
                advance(parts, turn_id)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def spoken(office: Office, folder: Path, number: int) -> None:
    """Give the conversation a recording of two sentences and a spoken answer."""
    files = office.app.extensions["silverline"].files
    sound = Audio((0.2 * np.sin(np.arange(64000) / 20)).astype(np.float32), 16000)
    write_wav(sound, folder / "a.wav")
    text = "난방비는 구청에서 드려요. 먼저 전화해 보세요."
    words = text.split()
    marks = tuple(Phoneme("a", 0.5 * n, 0.5 * n + 0.4, word) for n, word in enumerate(words))
    write_timings(Speech(text, sound, marks), folder / "t.json")
    with office.desk.writing() as session:
        turn = session.scalars(select(Turn).where(Turn.conversation_id == number)).one()
        turn.recording = files.put(folder / "a.wav", "audio/wav").record("recording", 4.0)
        turn.speech = files.put(folder / "a.wav", "audio/wav").record("speech", 4.0)
        turn.timings = files.put(folder / "t.json", "application/json").record("timings")


def log_in(page: Page, office: Office, url: str, role: Role) -> None:
    email = office.account(role)
    page.goto(f"{url}/admin/login")
    page.get_by_label("이메일").fill(email)
    page.get_by_label("비밀번호").fill(PASSWORD)
    page.get_by_label("여섯 자리").fill(office.code(email))
    page.get_by_role("button", name="들어가기").click()
    page.wait_for_url("**/admin/")


def look(page: Page, name: str) -> None:
    """Find no barrier on the page, wide and on a telephone; keep pictures where they are asked."""
    folder = os.environ.get("SILVERLINE_TEST_SCREENSHOTS")
    for kind, size in (("phone", PHONE), ("wide", WIDE)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert violations(page) == [], f"{name} {kind}"
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} {kind} is {overflow} px too wide"
        if folder:
            page.screenshot(path=f"{folder}/console-{name}-{kind}.png", full_page=kind == "phone")


def test_from_a_wrong_answer_to_a_right_one(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    words = [
        {"text": word, "start": 0.2 + 0.4 * n, "end": 0.5 + 0.4 * n, "confidence": conf}
        for n, (word, conf) in enumerate(
            [("경로당에", 0.95), ("난반비", 0.31), ("나오는", 0.9), ("거.", 0.7), ("어떻게", 0.97)]
            + [("받어유", 0.6)]
        )
    ]
    talk(office, "틀니는 얼마예요?", outcome="refused", article_id="", channel="whatsapp")
    number = talk(
        office,
        "경로당에 난반비 나오는 거. 어떻게 받어유",
        channel="phone",
        address="+82212345678",
        words=words,
        confidence=0.74,
        article_id="basic-pension",
        article_title="기초연금",
        score=0.46,
        candidates=[{"id": "basic-pension", "title": "기초연금", "score": 0.46}],
        seconds=6.2,
        at=office.clock.moment,
    )
    spoken(office, tmp_path, number)
    office.clock.pass_by(minutes=5)
    context = browser.new_context(viewport=WIDE, locale="ko-KR", accept_downloads=True)  # type: ignore[arg-type]
    page = context.new_page()
    with serving(office.app) as url, working(office, tmp_path):
        log_in(page, office, url, Role.OWNER)
        look(page, "list")

        # Find the call by a part of a word said in it, and listen from a sentence.
        page.get_by_label("말한 내용이나 답변에서 찾기").fill("난반")
        page.get_by_role("button", name="찾기").click()
        page.locator("a.row").click()
        assert page.get_by_role("heading", name=f"상담 {number}").is_visible()
        page.locator("[data-player=recording-1]").nth(1).click()
        heard = page.locator("#recording-1")
        for _ in range(300):
            if heard.evaluate("player => player.currentTime") > 1.3:
                break
            page.wait_for_timeout(100)
        assert heard.evaluate("player => player.currentTime") > 1.3
        heard.evaluate("player => player.pause()")
        look(page, "conversation")

        # Correct what was heard, and say what would be right.
        page.locator("details.reveal summary", has_text="살펴보기").click()
        page.get_by_label("틀려요").check()
        page.get_by_label("실제로 한 말").fill(ASKED)
        page.get_by_label("덧붙일 말").fill("안내문이 없어요")
        page.get_by_role("button", name="남기기", exact=True).click()
        assert page.get_by_text("안내문이 없어요").is_visible()

        # Write the article that was missing, from the question.
        page.locator("details.reveal summary", has_text="살펴보기").click()
        page.get_by_role("link", name="새 안내문 쓰기").click()
        for name, value in {
            "id": "senior-centre-heating",
            "title": "경로당 난방비 지원",
            "questions": f"경로당 난방비는 어떻게 받아요?\n{ASKED}\n경로당 난방비 지원",
            "answer": "경로당 난방비는 구청 어르신과에서 드려요. 회장님이 신청하시면 돼요.",
            "next_step": "구청에 전화해 보세요.",
            "contact_name": "구청 어르신과",
            "contact_number": "120",
            "source_name": "보건복지부",
        }.items():
            page.locator(f"#{name}").fill(value)
        page.get_by_role("button", name="저장하고 이 글로 답하기").click()
        assert page.get_by_text("고칠 곳이 있어요").is_visible()
        look(page, "article-edit")
        page.locator("#source_url").fill("https://www.mohw.go.kr")
        page.get_by_role("button", name="저장하고 이 글로 답하기").click()
        assert page.get_by_role("heading", name="경로당 난방비 지원").is_visible()
        look(page, "article")

        # The next one who asks is answered from it.
        page.get_by_role("link", name="물어보기").click()
        page.get_by_label("어르신이 묻듯이").fill("우리 경로당 난방비 어떻게 받어유?")
        page.get_by_role("button", name="물어보기").click()
        page.get_by_text("회장님이 신청하시면 돼요").wait_for(timeout=30000)
        page.locator("video").wait_for(timeout=30000)
        assert page.get_by_role("link", name="경로당 난방비 지원").is_visible()
        look(page, "try")

        # Take the list out for a reason, and find all of it in the trail.
        page.goto(f"{url}/admin/")
        page.get_by_text("이 목록을 파일로 받기").click()
        page.get_by_label("받는 까닭").fill("월간 점검에 필요해요")
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV로 받기").click()
        assert "경로당" in Path(str(download.value.path())).read_text(encoding="utf-8-sig")
        page.get_by_role("link", name="열람 기록").click()
        told = page.locator("table").inner_text()
        for what in ("played", "reviewed", "article_published", "tried", "월간 점검에 필요해요"):
            assert what in told, what
        look(page, "trail")
        for path, name in {
            "/admin/queue": "queue",
            "/admin/articles": "articles",
            "/admin/lexicon": "lexicon",
            "/admin/password": "password",
        }.items():
            page.goto(url + path)
            look(page, name)
    context.close()


def test_the_dashboard_and_the_inbox(office: Office, browser: Browser, tmp_path: Path) -> None:
    outcomes = ("answered", "answered", "answered", "clarified", "refused", "handed_over")
    for n in range(60):
        talk(
            office,
            ("기초연금은 어디서 신청해요?", "임플란트 지원되나요", "달나라 버스")[n % 3],
            channel=("kakao", "phone", "whatsapp")[n % 3],
            outcome=outcomes[n % 6],
            article_title="기초연금",
            seconds=2.0 + n % 7,
            helpful=(None, True, True, False)[n % 4],
        )
    with office.desk.writing() as session:
        for turn_id in session.scalars(select(Turn.id)).all():
            moment = office.clock.moment - timedelta(days=turn_id % 20, hours=turn_id % 9)
            session.execute(update(Turn).where(Turn.id == turn_id).values(created_at=moment))
        for turn in session.scalars(select(Turn).where(Turn.id.in_((3, 5)))):
            session.add(Handover(turn=turn, conversation_id=turn.conversation_id))
    page = browser.new_page(locale="ko-KR")
    with serving(office.app) as url:
        log_in(page, office, url, Role.OWNER)
        page.goto(f"{url}/admin/dashboard")
        assert page.get_by_role("img", name="시간대별 질문").is_visible()
        look(page, "dashboard")
        page.goto(f"{url}/admin/handovers")
        look(page, "handovers")
        page.locator("a.row").first.click()
        page.get_by_role("button", name="내가 맡기").click()
        page.get_by_label("보낼 말").fill("월요일에 다시 알려 드릴게요.")
        look(page, "handover")
        page.get_by_role("button", name="보내기").click()
        assert page.get_by_text("월요일에 다시 알려 드릴게요.").is_visible()
    page.close()


def test_news_are_told_by_themselves(office: Office, browser: Browser) -> None:
    talk(office, "첫 질문")
    page = browser.new_page(locale="ko-KR")
    with serving(office.app) as url:
        log_in(page, office, url, Role.VIEWER)
        # Or the answer to the page before would be taken for the new page's.
        page.wait_for_load_state("networkidle")
        with page.expect_response("**/admin/pulse"):
            page.reload()
        talk(office, "둘째 질문", at=office.clock.moment + timedelta(minutes=1))
        page.get_by_text("둘째 질문").wait_for(timeout=30000)
    page.close()


def test_everything_works_without_scripts_and_with_the_keyboard(
    office: Office, browser: Browser
) -> None:
    number = talk(office, "기초연금은 어디서 신청해요?", outcome="refused")
    context = browser.new_context(java_script_enabled=False, locale="ko-KR")
    page = context.new_page()
    with serving(office.app) as url:
        log_in(page, office, url, Role.REVIEWER)
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "본문으로 가기"
        page.get_by_label("말한 내용이나 답변에서 찾기").focus()
        page.keyboard.type("초연")
        page.keyboard.press("Enter")
        page.locator("a.row").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/conversations/{number}")
        page.locator("summary", has_text="살펴보기").focus()
        page.keyboard.press("Enter")
        page.get_by_label("맞아요").focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="남기기", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/conversations/{number}#turn-1")
        assert page.get_by_text("살펴본 결과").is_visible()
    context.close()


def test_nothing_that_people_say_runs(office: Office, browser: Browser) -> None:
    bad = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    number = talk(office, bad, answer=bad, article_title=bad, source_url="javascript:alert(1)")
    page = browser.new_page()
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text))
    with serving(office.app) as url:
        log_in(page, office, url, Role.OWNER)
        for path in ("", f"conversations/{number}", "queue", "dashboard", "trail"):
            page.goto(f"{url}/admin/{path}?q={bad}")
            time.sleep(0.1)
            assert page.title() != "owned"
            assert page.locator("img[src=x]").count() == 0
        # And if a mark did get through, the browser would not run it.
        page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', "
            "'<img src=/none onerror=\"document.title=1\">')"
        )
        time.sleep(0.3)
        assert page.title() != "1" and any("Content Security Policy" in one for one in blocked)
    page.close()
