"""`silverline simulate phone` and `silverline call`: a call played to the end, and explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.simulate.phone import PhoneCall
from bot.simulate.play import SimulationError
from bot.simulate.play_phone import play_phone
from bot.simulate.twilio import Sent
from tests.bot.channels.conftest import House
from tests.bot.channels.conftest import house as house
from tests.bot.channels.conftest import recording as recording
from tests.bot.test_simulate_cli import quiet
from tests.bot.test_simulate_cli import working as working


@pytest.fixture
def options() -> dict[str, Any]:
    return {"twilio": {"phone_enabled": True, "sms_from": "+82215880000"}}


@pytest.fixture
def configured(working: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """The house, whose settings the commands find."""
    twilio, app = working.settings.twilio, working.settings.app
    local = tmp_path / "local.toml"
    local.write_text(
        f'[app]\npublic_url = "{app.public_url}"\nsecret_key = "key"\ndata_dir = "{tmp_path}"\n'
        f'[database]\nurl = "{working.settings.database.url}"\n'
        f'[twilio]\nenabled = true\nphone_enabled = true\nsms_from = "+82215880000"\n'
        f'account_sid = "{twilio.account_sid}"\nauth_token = "word"\napi_url = "{twilio.api_url}"\n'
    )
    monkeypatch.setenv("SILVERLINE_CONFIG", str(local))
    return working


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, list(words))
    return done.exit_code, done.output


def test_a_call_is_played_judged_and_explained(
    configured: House, recording: Path, tmp_path: Path
) -> None:
    told = tmp_path / "timeline.json"
    url = ["--url", configured.url, "--seconds", "10", "--timeline", str(told)]
    code, output = run("simulate", "phone", str(recording), "1", *url)
    played = json.loads(told.read_text(encoding="utf-8"))
    late = [rule for rule in played["broken"] if " took " in rule]
    assert played["broken"] == late, "nothing but a busy machine"
    assert code == (1 if late else 0)
    assert played["questions"] == len(played["answer_seconds"]) == 1
    assert played["left_with_vendor"] == 0
    assert "message" in output and "/s/" in output
    events = [entry["event"] for entry in played["timeline"]]
    assert "speak" in events and "key" in events and events[-1] == "hang-up"

    code, output = run("call", played["sid"])
    assert code == 0
    for word in ("incoming", "consent", "agreed", "hear", "기초연금이 뭐예요", "voice", "ended"):
        assert word in output
    code, output = run("call", played["sid"], "--json")
    moments = json.loads(output)
    assert [m["at"] for m in moments] == sorted(m["at"] for m in moments)


def test_a_call_that_is_not_there(configured: House) -> None:
    code, output = run("call", "CA1")
    assert code == 1 and "There is no call 'CA1'" in output


def test_a_move_that_is_nothing(configured: House) -> None:
    code, output = run("simulate", "phone", "nowhere.wav")
    assert code == 2 and "neither a recording, a key" in output


def test_no_server_and_no_line(working: House, recording: Path) -> None:
    with pytest.raises(SimulationError, match="No server answers"):
        play_phone(working.settings, "http://127.0.0.1:9", [recording], 1.0, quiet)
    twilio = working.settings.twilio.model_copy(update={"phone_enabled": False})
    off = working.settings.model_copy(update={"twilio": twilio})
    with pytest.raises(SimulationError, match="line is off"):
        play_phone(off, working.url, [recording], 1.0, quiet)


@pytest.mark.parametrize(
    ("twiml", "objection"),
    [
        ("<Fax/>", "TwiML holds Fax"),
        ("<Play>http://127.0.0.1:1/media/x</Play>", "is not a public address"),
        ("<Record finishOnKey='#' action='{url}/x'/>", "does not end a recording"),
    ],
)
def test_the_vendor_objects(house: House, twiml: str, objection: str) -> None:
    class Deaf(PhoneCall):
        def _hear(self, verb: ElementTree.Element) -> None:
            self._path(verb.text or "")

    call = Deaf(house.twilio, house.url, ["1"])
    script = ElementTree.fromstring(f"<Response>{twiml.format(url=house.url)}</Response>")
    call._follow(script)
    assert any(objection in rule for rule in house.twilio.book.broken)


@pytest.mark.parametrize(
    ("fields", "objection"),
    [
        ({"To": "+8210", "Body": "👍"}, "EUC-KR cannot write"),
        ({"To": "+8210", "Body": "가", "MediaUrl": "https://x/y.mp4"}, "carries no media"),
        ({"To": "+8210"}, "there is no text"),
    ],
)
def test_a_message_that_no_telephone_shows(
    house: House, fields: dict[str, str], objection: str
) -> None:
    assert objection in house.twilio._fault(Sent("MM1", fields))
