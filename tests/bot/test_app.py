"""The application as a whole: health, errors that tell nothing, headers, what is not there."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from bot import health
from bot.app import create_app
from bot.conversation import schema
from bot.conversation.database import engine
from bot.log import set_up
from bot.settings import Log, Settings, load_settings

CHANNELS = {
    "kakao": {"enabled": True, "header_value": "header"},
    "twilio": {"enabled": True, "auth_token": "word"},
}


def settings_in(folder: Path, **sections: Any) -> Settings:
    url = f"sqlite:///{folder}/test.db"
    return load_settings(
        database={"url": url},
        files={"url": str(folder / "files")},
        app={"data_dir": folder} | sections.pop("app", {}),
        **sections,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with every channel on and a database with its tables."""
    found = settings_in(tmp_path, **CHANNELS)
    made = engine(found.database.url)
    schema.upgrade(made)
    made.dispose()
    return found


@pytest.fixture
def app(settings: Settings) -> Flask:
    """The application."""
    return create_app(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that sees errors as the outside does."""
    app.testing = False
    return app.test_client()


def test_a_living_process_says_so(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_a_service_that_can_work_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {
        "ready": True,
        "parts": {"database": True, "broker": True, "disk": True},
    }


def test_without_tables_it_is_not_ready(tmp_path: Path) -> None:
    answer = create_app(settings_in(tmp_path)).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and answer.json["parts"]["database"] is False
    assert str(tmp_path) not in answer.text


def test_without_its_broker_it_is_not_ready(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, jobs={"broker": "redis://:word@127.0.0.1:1/0"})
    found = health.broker(settings)
    assert not found.ok
    assert "word" not in found.detail
    assert "jobs.broker" in found.remedy


def test_without_room_it_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 10**18)
    assert not health.disk(tmp_path).ok
    (tmp_path / "file").write_text("")
    found = health.disk(tmp_path / "file" / "var")
    assert not found.ok
    assert "app.data_dir" in found.remedy


@pytest.mark.parametrize(
    "path", ["/", "/admin", "/.env", "/kakao", "/static/../app.py", "/static/%2e%2e/app.py"]
)
def test_what_is_not_there_is_said_plainly(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "이 주소에는 아무것도 없어요" in answer.text
    assert client.get(path, headers={"Accept": "application/json"}).text == "Not Found\n"


def test_a_wrong_method_is_refused(client: FlaskClient) -> None:
    for path in ("/kakao/skill", "/twilio/messages", "/twilio/status"):
        assert client.get(path).status_code == 405


def test_channels_that_are_off_are_not_there(tmp_path: Path) -> None:
    client = create_app(settings_in(tmp_path)).test_client()
    for path in ("/kakao/skill", "/twilio/messages"):
        assert client.post(path).status_code == 404


def test_an_error_tells_nothing(app: Flask, client: FlaskClient) -> None:
    def fall() -> str:
        raise RuntimeError("the secret is 1234")

    app.add_url_rule("/fall", "fall", fall)
    page = client.get("/fall", headers={"Accept": "text/html"})
    assert page.status_code == 500
    assert "잠시 문제가 생겼어요" in page.text
    for text in (page.text, client.post("/fall").text, client.get("/fall").text):
        assert "1234" not in text and "Traceback" not in text and "RuntimeError" not in text


def test_a_database_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    app = create_app(settings_in(tmp_path, **CHANNELS))
    answer = app.test_client().post(
        "/kakao/skill",
        json={"userRequest": {"user": {"id": "a"}, "utterance": "말"}},
        headers={"X-Silverline-Key": "header"},
    )
    assert answer.status_code == 500
    assert answer.text == "Internal Server Error\n"


@pytest.mark.parametrize("path", ["/healthz", "/w/x", "/static/watch.css", "/nothing"])
def test_every_answer_carries_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    expected = "public, max-age=3600" if path.startswith("/static") else "no-store"
    assert headers["Cache-Control"] == expected
    assert "Strict-Transport-Security" not in headers


def test_https_is_kept_to(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, app={"public_url": "https://sunny.example/base"})
    answer = create_app(settings).test_client().get("/w/x", headers={"Accept": "text/html"})
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert 'href="/base/static/watch.css"' in answer.text


def test_a_large_body_is_not_read(client: FlaskClient, settings: Settings) -> None:
    body = b"a=" + bytes(settings.limits.request_bytes)
    for path in ("/twilio/messages", "/kakao/skill"):
        answer = client.post(
            path,
            data=body,
            headers={"X-Silverline-Key": "header"},
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code in (403, 413)
    answer = client.post("/kakao/skill", data=body, headers={"X-Silverline-Key": "header"})
    assert answer.status_code == 413
    assert answer.text == "Request Entity Too Large\n"


def test_the_log_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        set_up(Log(form="json", level="warning"))
        logging.getLogger("library").info("quiet")
        logging.getLogger("library").warning("말 %s", "한 마디")
        line = json.loads(capsys.readouterr().err)
        assert line["event"] == "말 한 마디"
        assert line["level"] == "warning"
        assert line["logger"] == "library"
        set_up(Log(form="console"))
        logging.getLogger("library").warning("plain")
        assert "plain" in capsys.readouterr().err
    finally:
        root.handlers = before
        root.setLevel(level)
        structlog.reset_defaults()
