"""`silverline simulate`: vendors that object to what real ones would object to."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
from click.testing import CliRunner
from flask import Response

from bot.channels import kakao
from bot.cli import main
from bot.conversation.delivery import DeliveryError
from bot.simulate import play
from bot.simulate.kakao import FakeKakao
from bot.simulate.play import SimulationError, play_kakao, play_whatsapp
from bot.simulate.skill_rules import faults
from bot.simulate.twilio import FakeTwilio
from tests.bot.channels.conftest import ACCOUNT, VIDEO, House, free_port
from tests.bot.channels.conftest import house as house
from tests.bot.channels.conftest import options as options
from tests.bot.channels.conftest import recording as recording


@pytest.fixture
def working(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The house with a worker of its own; the ports of its vendors are free for others."""
    monkeypatch.setattr(kakao, "FIRST_SECOND", 0.0)
    monkeypatch.setattr(play, "ECHO_SECONDS", 0.2)
    house.twilio.__exit__(None, None, None)
    # The worker's log would get between the lines of the command.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.05):
            house.work()

    thread = threading.Thread(target=work)
    thread.start()
    yield house
    done.set()
    thread.join()
    structlog.reset_defaults()


def quiet(text: str) -> None:
    """Say nothing."""


def test_whatsapp_is_played_to_the_end(working: House, recording: Path) -> None:
    played = play_whatsapp(working.settings, working.url, recording, 20.0, quiet)
    assert played.broken == []
    assert played.ok
    assert played.media_bytes == len(VIDEO)
    assert "/w/" in played.watch_url
    assert played.acknowledged_seconds < 15


def test_kakao_is_played_to_the_end(working: House) -> None:
    played = play_kakao(working.settings, working.url, "기초연금이 뭐예요", 20.0, quiet)
    assert played.broken == []
    assert played.ok
    assert "☎ 1355" in played.buttons and "천천히" in played.buttons


def test_kakao_without_callbacks_asks_until_it_is_answered(
    working: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    working.steps.faults["think"] = [DeliveryError("slow", False)] * 2
    played = play_kakao(
        working.settings, working.url, "기초연금이 뭐예요", 20.0, quiet, callback=False
    )
    assert played.broken == []
    assert played.ok


def test_no_reply_is_a_broken_rule(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "ECHO_SECONDS", 0.0)
    house.twilio.__exit__(None, None, None)
    for ask in (play_whatsapp, play_kakao):
        played = ask(house.settings, house.url, "안녕하세요", 0.2, quiet)
        assert not played.ok
        assert "no reply in 0 s" in played.broken


def test_a_server_of_the_real_vendor_is_not_played(house: House) -> None:
    real = house.settings.model_copy(
        update={
            "twilio": house.settings.twilio.model_copy(update={"api_url": "https://api.twilio.com"})
        }
    )
    with pytest.raises(SimulationError, match="up --simulate"):
        play_whatsapp(real, house.url, "안녕하세요", 1.0, quiet)


def variables(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = house.settings
    values = {
        "APP__PUBLIC_URL": settings.app.public_url,
        "APP__DATA_DIR": str(settings.app.data_dir),
        "DATABASE__URL": settings.database.url,
        "KAKAO__HEADER_VALUE": "header",
        "KAKAO__BOT_ID": "bot1",
        "TWILIO__AUTH_TOKEN": "word",
        "TWILIO__ACCOUNT_SID": ACCOUNT,
        "TWILIO__API_URL": settings.twilio.api_url,
    }
    for name, value in values.items():
        monkeypatch.setenv(f"SILVERLINE_{name}", value)


def test_the_command_shows_the_reply(
    working: House, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables(working, monkeypatch)
    arguments = ["simulate", "whatsapp", str(recording), "--url", working.url]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "every rule of the vendor was kept" in result.output
    assert "기초연금은 예순다섯 살부터 받아요." in result.output
    result = CliRunner().invoke(
        main, ["simulate", "kakao", "기초연금이 뭐예요", "--url", working.url, "--json"]
    )
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert shown["ok"] and shown["channel"] == "kakao"


def test_the_command_fails_with_the_broken_rules(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables(house, monkeypatch)
    house.twilio.__exit__(None, None, None)
    monkeypatch.setenv("SILVERLINE_KAKAO__HEADER_VALUE", "another")
    result = CliRunner().invoke(
        main, ["simulate", "kakao", "가" * 300, "--url", house.url, "--seconds", "0.1"]
    )
    assert result.exit_code == 1
    assert "BROKEN       the skill answered 403" in result.output


def test_a_server_that_is_not_there_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    variables(house, monkeypatch)
    house.twilio.__exit__(None, None, None)
    for channel in ("kakao", "whatsapp"):
        result = CliRunner().invoke(
            main, ["simulate", channel, "말", "--url", f"http://127.0.0.1:{free_port()}"]
        )
        assert result.exit_code == 1
        assert "silverline up --simulate" in result.output


GOOD = {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "말"}}]}}


def output(**component: Any) -> dict[str, Any]:
    return {"version": "2.0", "template": {"outputs": [component]}}


THUMBNAIL = {"imageUrl": "https://x/a.jpg"}


def button(**changes: Any) -> dict[str, Any]:
    return {"action": "webLink", "label": "보기", "webLinkUrl": "https://x"} | changes


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ([], "not an object"),
        ({}, "version"),
        ({"version": "2.0"}, "template"),
        ({"version": "2.0", "template": {"outputs": []}}, "one to three"),
        ({"version": "2.0", "template": {"outputs": [GOOD] * 4}}, "one to three"),
        (output(simpleText={"text": "가" * 1001}), "exceeds 1000"),
        (output(simpleText={"text": ""}), "not a text"),
        (output(simpleText={}), "missing"),
        (output(video={}), "no component"),
        (output(a={}, b={}), "one component"),
        (output(basicCard={"title": "가" * 51, "thumbnail": THUMBNAIL}), "exceeds 50"),
        (output(basicCard={"description": "가" * 231, "thumbnail": THUMBNAIL}), "exceeds 230"),
        (output(basicCard={"title": "가"}), "thumbnail"),
        (output(basicCard={"thumbnail": {"imageUrl": "a.jpg"}}), "imageUrl"),
        (output(basicCard={"thumbnail": THUMBNAIL | {"altText": "가" * 51}}), "altText"),
        (output(basicCard={"thumbnail": THUMBNAIL | {"link": {}}}), "link.web"),
        (output(basicCard={"thumbnail": THUMBNAIL, "buttons": [button()] * 4}), "too many"),
        (output(textCard={"title": "가" * 40, "description": "가" * 390}), "400"),
        (output(textCard={"buttons": [button(label="가" * 15)]}), "exceeds 14"),
        (output(textCard={"buttons": [button(action="call")]}), "unknown"),
        (output(textCard={"buttons": [button(webLinkUrl="x")]}), "webLinkUrl"),
        (output(textCard={"buttons": [{"action": "phone", "label": "가"}]}), "phoneNumber"),
        (output(textCard={"buttons": ["가"]}), "not an object"),
        (GOOD | {"template": GOOD["template"] | {"quickReplies": [button()] * 11}}, "ten"),
        (GOOD | {"template": GOOD["template"] | {"quickReplies": [{}]}}, "label is missing"),
    ],
)
def test_kakao_objects(response: Any, fault: str) -> None:
    assert any(fault in found for found in faults(response))


def test_kakao_takes_what_is_right() -> None:
    assert faults(GOOD) == []
    assert faults({"version": "2.0", "useCallback": True}, acknowledgement=True) == []
    assert faults({"version": "2.0", "useCallback": True, "data": 1}, acknowledgement=True)
    assert faults(output(simpleImage={})) == []


def test_a_callback_is_taken_once_in_time_and_after_its_promise() -> None:
    with FakeKakao("X-Key", "word") as vendor:
        body, promise = vendor.payload("말", "person")
        url = body["userRequest"]["callbackUrl"]

        def call() -> dict[str, Any]:
            found: dict[str, Any] = requests.post(url, json=GOOD, timeout=20).json()
            return found

        assert call()["status"] == "FAIL"
        assert vendor.book.broken == ["the callback came before its promise"]
        promise.promised = promise.asked
        assert call()["status"] == "SUCCESS"
        assert "Invalid callback token" in call()["message"]
        body, promise = vendor.payload("말", "person")
        url = body["userRequest"]["callbackUrl"]
        promise.asked -= 61
        assert call()["status"] == "FAIL"
        assert requests.get(f"{vendor.url}/dna/x/a.ogg", timeout=20).status_code == 403


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"To": "+8210"}, "To is no"),
        ({"From": "+8210"}, "From is no"),
        ({"Body": ""}, "neither"),
        ({"MediaUrl": "{url}/answer.mp4", "Body": "가" * 1025}, "1024"),
        ({"MediaUrl": "{url}/a-name-of-more-than-20-letters.mp4"}, "too long"),
        ({"MediaUrl": "{url}/missing.mp4"}, "404"),
        ({"MediaUrl": "{url}/text.mp4"}, "type"),
        ({"MediaUrl": "{url}/large.mp4"}, "16 MB"),
        ({"MediaUrl": "{url}/fake.mp4"}, "no MP4"),
    ],
)
def test_twilio_objects(changes: dict[str, str], fault: str) -> None:
    with FakeTwilio(ACCOUNT, "word", "") as vendor:
        made = {"text": ("text/plain", b"x"), "fake": ("video/mp4", b"x")}
        made["large"] = ("video/mp4", VIDEO + bytes(17_000_000))
        for name, (kind, content) in made.items():
            vendor.app.add_url_rule(
                f"/{name}.mp4",
                name,
                lambda kind=kind, content=content: Response(content, content_type=kind),
            )
        fields = {"To": "whatsapp:+8210", "From": "whatsapp:+8215", "Body": "말"}
        fields |= {name: value.format(url=vendor.url) for name, value in changes.items()}
        url = f"{vendor.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        answer = requests.post(url, data=fields, auth=(ACCOUNT, "word"), timeout=10)
        assert answer.status_code == 400
        assert fault in answer.json()["message"]
        assert requests.post(url, data=fields, auth=(ACCOUNT, "x"), timeout=20).status_code == 401
