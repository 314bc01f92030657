"""A real browser calls: is answered, interrupts, asks again, hangs up; the page for everybody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.bot.calls.received import PLAYOUT, SPY, VOICE, begin_watching, watched
from tests.bot.calls.scripted import microphone_wav
from tests.bot.calls.service import Service
from tests.browser import chromium, violations

KAKAO = (
    "Mozilla/5.0 (Linux; Android 14; SM-A156 Build/UP1A; wv) AppleWebKit/537.36 "
    "Chrome/120 Mobile Safari/537.36;KAKAOTALK 2410420"
)
LINE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Line/14.0"
NAVER = (
    "Mozilla/5.0 (Linux; Android 13; SM-A536) AppleWebKit/537.36 Chrome/119 Mobile "
    "Safari/537.36 NAVER(inapp; search; 1000; 12.1)"
)
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/124 Mobile Safari/537.36"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 15_6 like Mac OS X) AppleWebKit/605.1.15 "
    "Version/15.6 Mobile/15E148 Safari/604.1"
)
REFUSED = """navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException('no', '%s');
};"""
SMALL = """() => Array.from(document.querySelectorAll('body *')).filter((one) =>
  one.offsetParent !== null && Array.from(one.childNodes).some((node) =>
    node.nodeType === 3 && node.textContent.trim()) &&
  parseFloat(getComputedStyle(one).fontSize) < 20).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium with a camera and a microphone in a quiet room."""
    wav = tmp_path_factory.mktemp("sound") / "microphone.wav"
    microphone_wav(wav, (60.0, 0.1))
    with chromium(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={wav}",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--autoplay-policy=no-user-gesture-required",
    ) as opened:
        yield opened


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a page at phone size; `script` runs before the page's own. Wrong is what it logs."""
    contexts = []

    def new(script: str = "", **options: Any) -> Page:
        sized = {"viewport": {"width": 360, "height": 740}, "locale": "ko-KR"} | options
        context = browser.new_context(**sized)
        contexts.append(context)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        return page

    yield new
    for context in contexts:
        context.close()


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def sees(page: Page) -> bool:
    return bool(page.evaluate("document.getElementById('face').videoWidth > 0"))


def fits(page: Page) -> None:
    """Assert that nothing is small, nothing sticks out, and axe finds nothing."""
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page) == []


def test_a_call_from_tap_to_goodbye(service: Service, opened: Open) -> None:
    page = opened(SPY + VOICE, bypass_csp=True)
    page.goto(service.link)
    page.click("#begin")
    until(lambda: sees(page))
    begin_watching(page)
    conversation = service.conversations[-1]
    until(lambda: "greeting" in conversation.marks)
    page.evaluate("speak(1.0)")
    until(lambda: conversation.answers == 1)
    # She interrupts the answer, which lasts three seconds.
    page.evaluate("speak(1.0)")
    until(lambda: conversation.answers == 2)
    assert [cut.mark for cut in conversation.cuts] == ["answer1"]
    until(lambda: "answer2" in conversation.marks)
    got = watched(page)
    assert "주민센터" in page.inner_text("#said")
    assert "기초연금" in page.inner_text("#asked")
    assert page.inner_text("#mood") == "듣고 있어요"
    offset, likeness = got.offset()
    pictures = service.exchange.calls[0].picture.frames
    newer = page.evaluate(PLAYOUT) / 1000
    page.click("[data-key=again]")
    until(lambda: conversation.keys == ["*"])
    page.click("#bye")
    page.wait_for_url("**/done?call=*")
    until(lambda: not service.exchange.calls)
    assert conversation.gone == ["hung up"]
    assert likeness > 0.4
    if pictures.speaking_late < 0.05 * pictures.speaking:
        # On a machine that is too busy to draw in time the picture comes late, as it must.
        assert abs(offset) <= 0.08 or abs(newer) <= 0.08, f"lips {offset} s, picture {newer} s"


def test_the_page_keeps_its_policy_and_fits_a_small_phone(service: Service, opened: Open) -> None:
    page = opened()
    wrong: list[str] = []
    page.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(service.link)
    fits(page)
    assert page.evaluate("document.activeElement === document.body")
    page.click("#begin")
    until(lambda: sees(page))
    until(lambda: page.inner_text("#said"))
    fits(page)
    page.set_viewport_size({"width": 740, "height": 360})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("[data-key=human]")
    page.wait_for_url("**/done?call=*")
    page.set_viewport_size({"width": 360, "height": 740})
    fits(page)
    assert wrong == []


def test_the_camera_is_off_unless_both_agree(service: Service, opened: Open) -> None:
    page = opened()
    page.goto(service.link)
    page.check("#pictures")
    page.check("#record")
    page.click("#begin")
    until(lambda: sees(page))
    assert page.is_visible("#mine")
    conversation = service.conversations[-1]
    assert conversation.caller.keep
    page.click("#bye")
    page.wait_for_url("**/done?call=*")
    other = opened()
    other.goto(service.link)
    other.click("#begin")
    until(lambda: sees(other))
    assert not other.is_visible("#mine")
    assert not service.conversations[-1].caller.keep
    other.click("#bye")
    other.wait_for_url("**/done?call=*")


@pytest.mark.parametrize(
    ("error", "agent", "seen", "hidden"),
    [
        ("NotAllowedError", ANDROID, "help-android", "help-apple"),
        ("NotAllowedError", IPHONE, "help-apple", "help-android"),
        ("NotReadableError", ANDROID, "help-text", "help-android"),
        ("NotFoundError", ANDROID, "help-text", "help-apple"),
    ],
)
def test_a_refused_microphone_is_explained(
    service: Service, opened: Open, error: str, agent: str, seen: str, hidden: str
) -> None:
    page = opened(REFUSED % error, user_agent=agent)
    page.goto(service.link)
    page.click("#begin")
    page.wait_for_selector("#help", state="visible")
    assert page.is_visible(f"#{seen}")
    assert not page.is_visible(f"#{hidden}")
    assert page.evaluate("document.activeElement.id") == "help-title"
    fits(page)
    page.click("#help-recorder")
    assert page.is_visible("#rec")
    fits(page)


@pytest.mark.parametrize(
    ("agent", "way"),
    [
        (KAKAO, "kakaotalk://web/openExternal?url=http"),
        (LINE, "openExternalBrowser=1"),
        (NAVER, "intent://127.0.0.1"),
    ],
)
def test_a_browser_inside_an_app_is_left(
    service: Service, opened: Open, agent: str, way: str
) -> None:
    page = opened(user_agent=agent)
    link = service.link + ("?openExternalBrowser=1" if agent == LINE else "")
    page.goto(link)
    page.wait_for_selector("#escape", state="visible")
    assert way in (page.get_attribute("#escape-link", "href") or "")
    fits(page)
    if agent != KAKAO:
        # KakaoTalk opens the address itself; this browser knows no such scheme and is stuck.
        page.click("#stay")
        assert page.is_visible("#begin")


def test_without_webrtc_the_recorder_is_there(
    service: Service, opened: Open, tmp_path: Path
) -> None:
    page = opened("delete window.RTCPeerConnection; delete window.MediaRecorder;")
    page.goto(service.link)
    page.wait_for_selector("#recorder", state="visible")
    assert not page.is_visible("#rec")
    fits(page)
    sound = tmp_path / "question.m4a"
    sound.write_bytes(b"\0\0\0\x18ftypM4A " * 50)
    page.set_input_files("#file", sound)
    page.wait_for_url("**/w/*")


def test_the_recorder_records(service: Service, opened: Open) -> None:
    page = opened()
    page.goto(service.link)
    page.click("#to-recorder")
    page.click("#rec")
    until(lambda: page.inner_text("#rec") == "다 말했어요")
    time.sleep(0.5)
    page.click("#rec")
    page.wait_for_url("**/w/*")


def test_a_full_house_offers_the_recorder(service: Service, opened: Open) -> None:
    page = opened()
    page.goto(service.link)
    service.exchange.draining = True
    try:
        page.click("#begin")
        page.wait_for_selector("#trouble", state="visible")
    finally:
        service.exchange.draining = False
    assert "상담이 많아요" in page.inner_text("#trouble-title")
    fits(page)
    page.click("#trouble-recorder")
    assert page.is_visible("#rec")
