"""The page and what lies behind it, over HTTP: links, offers, recordings, the summary."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from sqlalchemy import select

from bot.calls.offers import Offer
from bot.calls.records import WORDING, NobodyError, Records
from bot.channels.call import MOST_OFFER_BYTES, VideoCalls, address_of
from bot.channels.registry import channels
from bot.check import _call_server
from bot.conversation.asked import COPY, HOLD, KEEP, VIDEO, held_until
from bot.conversation.calls import Call, CallPicture, Consent, RecordingConsent
from bot.conversation.delivery import DeliveryError
from bot.conversation.inbox import InboundMessage, receive
from bot.conversation.models import Identity, InboundEvent, Person, State, Turn
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from media.face.live_choice import VISEMES, Shown
from tests.bot.calls.caller import Caller
from tests.bot.calls.service import Service
from tests.bot.channels.conftest import ChannelSteps


def post(url: str, data: Any, **headers: str) -> requests.Response:
    return requests.post(url, data=data, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def sdp() -> str:
    async def make() -> str:
        caller = Caller(np.zeros(0, np.float32))
        text = await caller.offer()
        await caller.hang_up()
        return text

    return asyncio.run(make())


def body(sdp: str, **more: Any) -> bytes:
    return json.dumps({"type": "offer", "sdp": sdp} | more).encode()


def test_the_page_asks_for_microphone_and_nothing_else(service: Service) -> None:
    answer = requests.get(service.link, timeout=20)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Permissions-Policy"].startswith("camera=(self), microphone=(self)")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "AI 상담사예요. 실제 사람이 아니에요." in answer.text
    assert "글로 남아요." in answer.text
    assert answer.text.index("실제 사람이 아니에요") < answer.text.index("상담 시작하기")
    assert not re.search(r"<input[^>]*checked", answer.text)
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    assert " onclick" not in answer.text


def test_scripts_speak_what_old_browsers_know(service: Service) -> None:
    static = Path(__file__).resolve().parents[3] / "bot/static"
    for name in ("call.js", "call_ways.js", "call_recorder.js"):
        script = (static / name).read_text(encoding="utf-8")
        for newer in ("?.", "??", "replaceAll", ".at(-", "import ", "async *", "#private"):
            assert newer not in script, f"{name} uses {newer}"
        # Spreading objects came with ES2018.
        assert not re.search(r"\{\s*\.\.\.", script)


@pytest.mark.parametrize("rest", ["", "/ice", "/done"])
def test_links_of_others_lead_nowhere(service: Service, rest: str) -> None:
    url = service.link
    assert requests.get(url[:-2] + "xx" + rest, timeout=20).status_code == 404
    watch = service.held.links.watch("abc").rpartition("/")[2]
    base = service.held.links.public_url
    assert requests.get(f"{base}/call/{watch}{rest}", timeout=20).status_code == 404
    nobody = service.held.links.call(999, 1)
    assert requests.get(nobody + rest, timeout=20).status_code == 404


def test_an_expired_link_says_what_to_do(service: Service) -> None:
    expired = service.held.links.call(service.person, 0)
    answer = requests.get(expired, timeout=20)
    assert answer.status_code == 410
    assert "기간이 지났어요" in answer.text
    assert post(expired + "/offer", b"{}").status_code == 410
    assert post(expired + "/recording", b"x").status_code == 410


def test_ice_servers_without_settings_are_none(service: Service) -> None:
    assert requests.get(service.link + "/ice", timeout=20).json() == []


def test_malformed_offers_get_400(service: Service) -> None:
    for text in (b"", b"{", body("v=0\r\n"), b"x" * (MOST_OFFER_BYTES + 1)):
        answer = post(service.link + "/offer", text)
        assert answer.status_code == 400
        assert "error" in answer.json()
    assert not service.exchange.calls


def test_the_call_server_asks_for_the_link_itself(service: Service, sdp: str) -> None:
    server = service.settings.call.servers[-1]
    assert post(f"{server}/call/forged/offer", body(sdp)).status_code == 404
    expired = service.held.links.call(service.person, 0).rpartition("/")[2]
    assert post(f"{server}/call/{expired}/offer", body(sdp)).status_code == 410
    nobody = service.held.links.call(999, 1).rpartition("/")[2]
    assert post(f"{server}/call/{nobody}/offer", body(sdp)).status_code == 404
    large = post(f"{server}/call/forged/offer", b"x" * (4 * MOST_OFFER_BYTES))
    assert large.status_code in (404, 413)
    assert requests.get(f"{server}/healthz", timeout=20).json() == {"status": "ok"}


def test_an_offer_gets_an_answer_with_candidates(service: Service, sdp: str) -> None:
    answer = post(service.link + "/offer", body(sdp, record=True))
    assert answer.status_code == 200
    told = answer.json()
    assert told["type"] == "answer"
    assert "a=candidate:" in told["sdp"]
    assert {"VP8", "H264"} <= set(re.findall(r"rtpmap:\d+ (\w+)/90000", told["sdp"]))
    assert "opus" in told["sdp"]
    with service.held.sessions() as session:
        call = session.scalars(select(Call).where(Call.sid == told["call"])).one()
        consent = session.scalars(
            select(RecordingConsent).where(RecordingConsent.call_id == call.id)
        ).one()
        assert call.mode == "video"
        assert consent.answer is Consent.AGREED
        assert consent.wording == WORDING
        assert consent.person_id == service.person
    ready = requests.get(f"{service.settings.call.servers[-1]}/readyz", timeout=20)
    told = ready.json()
    face = told.pop("face")
    assert told == {"ready": True, "calls": 1, "free": 3, "draining": False}
    assert face["engine"] == "drawn"
    service.on_loop(_end_all(service))


async def _end_all(service: Service) -> None:
    await service.exchange.drain(0)
    service.exchange.draining = False


def test_check_tells_of_places_and_face(service: Service) -> None:
    server = service.settings.call.servers[-1]
    finding = _call_server(server)
    assert finding.ok
    assert "4 places free, face by drawn" in finding.detail
    before = service.exchange.shown
    service.exchange.shown = Shown(VISEMES, "Wav2Lip is too slow", 0.44, 2.0, "cpu")
    try:
        assert "0.4 x real time where 2.0 are needed" in _call_server(server).detail
    finally:
        service.exchange.shown = before
    assert not _call_server("http://127.0.0.1:1").ok
    assert not _call_server(service.held.links.public_url).ok


def test_a_draining_server_is_not_ready(service: Service, sdp: str) -> None:
    service.exchange.draining = True
    try:
        ready = requests.get(f"{service.settings.call.servers[-1]}/readyz", timeout=20)
        assert ready.status_code == 503
        assert post(service.link + "/offer", body(sdp)).status_code == 503
    finally:
        service.exchange.draining = False


def test_a_full_server_is_not_ready(service: Service, sdp: str) -> None:
    service.exchange._coming = service.settings.call.most_calls
    try:
        ready = requests.get(f"{service.settings.call.servers[-1]}/readyz", timeout=20)
        assert ready.status_code == 503
        assert ready.json()["free"] == 0
        assert post(service.link + "/offer", body(sdp)).status_code == 503
    finally:
        service.exchange._coming = 0


def test_too_many_offers_get_429(service: Service, sdp: str) -> None:
    tries = service.exchange._tries
    key = str(service.person)
    before = tries[key]
    tries[key] = type(before)([time.monotonic()] * 2, maxlen=2)
    try:
        assert post(service.link + "/offer", body(sdp)).status_code == 429
    finally:
        tries[key] = before


def turn_of(service: Service, url: str) -> Turn:
    key = service.held.links.read("watch", url.rpartition("/")[2])
    with service.held.sessions() as session:
        return session.scalars(select(Turn).where(Turn.key == key)).one()


def parts_of(service: Service) -> Parts:
    return Parts(
        sessions=service.held.sessions,
        steps=ChannelSteps(),
        channels=channels(service.settings),
        files=service.held.files,
        human_name="콜센터",
        human_number="110",
        retry_seconds=0.0,
    )


@pytest.mark.parametrize("kept", [True, False])
def test_a_recording_is_answered_on_the_watch_page(service: Service, kept: bool) -> None:
    url = service.link + "/recording" + ("?record=1" if kept else "")
    answer = post(url, b"OggS sound" * 40_000, **{"Content-Type": "audio/webm;codecs=opus"})
    assert answer.status_code == 200
    turn = turn_of(service, answer.json()["url"])
    upload = turn.reply_to[COPY]
    assert turn.reply_to.get(KEEP) == (None if kept else "no")
    assert turn.media_type == "audio/webm"
    advance(parts_of(service), turn.id)
    turn = turn_of(service, answer.json()["url"])
    assert turn.state is State.DELIVERED
    assert (turn.recording_id is not None) == kept
    with pytest.raises(FileNotFoundError):
        service.held.files.size(upload)
    page = requests.get(service.held.links.public_url + answer.json()["url"], timeout=20)
    assert page.status_code == 200
    more = re.search(r'href="(/call/[^"]+)">얼굴 보며 더 물어보기', page.text)
    assert more is not None
    assert requests.get(service.held.links.public_url + more[1], timeout=20).status_code == 200


def test_what_is_no_recording_is_refused(service: Service) -> None:
    url = service.link + "/recording"
    assert post(url, b"x", **{"Content-Type": "text/html"}).status_code == 415
    assert post(url, b"", **{"Content-Type": "audio/webm"}).status_code == 415
    large = b"x" * (service.settings.limits.max_bytes + 1)
    try:
        assert post(url, large, **{"Content-Type": "audio/webm"}).status_code == 413
    except requests.ConnectionError:
        # The server may hang up on whoever sends so much.
        return


def test_a_missing_upload_is_a_permanent_error(service: Service, tmp_path: Path) -> None:
    channel = VideoCalls(service.settings)
    with pytest.raises(DeliveryError, match="gone") as caught:
        channel.fetch("store:" + "A" * 22 + ".webm", tmp_path / "x")
    assert caught.value.permanent
    channel.forget("A" * 22 + ".webm")
    channel.forget("no key")


def asked(service: Service, key: str, number: int, article: str, state: State) -> int:
    """Store a turn of the call as the live engine does."""
    message = InboundMessage(
        channel="call",
        key=f"{key}:q:{number}",
        sender=address_of(service.person),
        kind="text",
        text="기초연금은 어떻게 신청해요?",
        reply_to={"call": key, HOLD: "2030-01-01T00:00:00+00:00"},
    )
    with service.held.sessions() as session:
        turn = session.get_one(Turn, receive(session, message).turn_id)
        turn.state, turn.outcome, turn.article_id = state, "answered", article
        turn.answer, turn.lines = "주민센터에서 신청하세요.", ["주민센터에서", "신청하세요."]
        turn.source_name, turn.contact_number = "복지로", "129"
        turn.retry_at = held_until(turn)
        session.commit()
        return turn.id


def test_after_the_call_videos_are_made_and_the_summary_links_to_them(service: Service) -> None:
    records = Records(service.held.sessions, service.held.files)
    caller = records.begin(str(service.person), "k" * 32, Offer("", False, True))
    assert not caller.keep
    assert caller.address == address_of(service.person)
    frame = np.full((48, 64, 3), 200, np.uint8)
    records.picture("k" * 32, frame)
    records.picture("unknown", frame)
    turns = [asked(service, "k" * 32, n, f"a{n % 4}", State.ANSWERED) for n in range(5)]
    records.end("k" * 32, "hung up")
    records.end("unknown", "hung up")
    with service.held.sessions() as session:
        rows = [session.get_one(Turn, number) for number in turns]
        assert [row.reply_to.get(VIDEO) for row in rows] == ["no", "no", None, None, None]
        assert all(HOLD not in row.reply_to and row.retry_at is None for row in rows)
        call = session.scalars(select(Call).where(Call.sid == "k" * 32)).one()
        assert call.status == "hung up"
        assert call.ended_at is not None
        picture = session.scalars(select(CallPicture).where(CallPicture.call_id == call.id)).one()
        assert service.held.files.open(picture.file.key).read(2) == b"\xff\xd8"
    page = requests.get(f"{service.link}/done?call={'k' * 32}", timeout=20)
    assert page.text.count("이 답변 다시 보기") == 5
    assert "주민센터에서" in page.text
    assert "복지로" in page.text
    assert 'href="tel:129"' in page.text


def test_the_summary_of_somebody_else_is_not_shown(service: Service) -> None:
    with service.held.sessions() as session:
        other = Person()
        session.add(other)
        session.commit()
        link = service.held.links.call(other.id, 1)
    page = requests.get(f"{link}/done?call={'k' * 32}", timeout=20)
    assert page.status_code == 200
    assert "이 답변 다시 보기" not in page.text


def test_one_identity_for_all_calls_of_a_person(service: Service) -> None:
    records = Records(service.held.sessions, service.held.files)
    records.begin(str(service.person), "m" * 32, Offer("", True, False))
    records.begin(str(service.person), "n" * 32, Offer("", True, False))
    with service.held.sessions() as session:
        found = session.scalars(select(Identity).where(Identity.channel == "call")).all()
        assert [one.person_id for one in found] == [service.person]
    with pytest.raises(NobodyError):
        records.begin("999", "o" * 32, Offer("", True, False))


def test_events_hold_no_words(service: Service) -> None:
    with service.held.sessions() as session:
        events = session.scalars(select(InboundEvent).where(InboundEvent.channel == "call")).all()
        assert events
        assert all("기초연금" not in json.dumps(event.payload) for event in events)
