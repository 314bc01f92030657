"""Settings: what is wrong is told with its key, its fault and the remedy, and nothing secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import (
    Settings,
    SettingsError,
    fields,
    load_settings,
    masked,
    origins,
    unknown_variables,
    variable,
)


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local settings file of the test's own."""
    path = tmp_path / "local.toml"
    path.write_text("")
    monkeypatch.setenv("SILVERLINE_CONFIG", str(path))
    return path


def fault(**sections: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**sections)
    return str(caught.value)


def test_a_later_source_wins(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local.write_text("[app]\nport = 9001\nthreads = 3\n")
    monkeypatch.setenv("SILVERLINE_APP__PORT", "9002")
    settings = load_settings()
    assert (settings.app.port, settings.app.threads) == (9002, 3)
    found = origins()
    assert found["app.port"] == "SILVERLINE_APP__PORT"
    assert found["app.threads"] == "local.toml"
    assert found["app.environment"] == "default.toml"
    assert found["app.link_hours"] == "default"


def test_a_wrong_value_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_APP__PORT", "99999")
    text = fault()
    assert text.startswith("app.port: ")
    assert "99999" in text and "SILVERLINE_APP__PORT" in text and "docs/settings.md" in text


def test_an_unknown_key_in_a_file_is_told(local: Path) -> None:
    local.write_text("[twilio]\nauth_tokn = 'x'\n")
    text = fault()
    assert "twilio.auth_tokn: there is no such setting" in text
    assert "Did you mean twilio.auth_token?" in text


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SILVERLINE_TWILIO__AUTH_TOKN", "SILVERLINE_TWILIO__AUTH_TOKEN"),
        ("SILVERLINE_TWILO__AUTH_TOKEN", "SILVERLINE_TWILIO__AUTH_TOKEN"),
        ("SILVERLINE_TWILIO_AUTH_TOKEN", "SILVERLINE_TWILIO__AUTH_TOKEN"),
        ("SILVERLINE_XYZ", "docs/settings.md"),
    ],
)
def test_a_misspelt_variable_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    monkeypatch.setenv(name, "secret-word")
    text = fault()
    assert text.startswith(f"{name}: there is no such setting")
    assert hint in text
    assert "secret-word" not in text


def test_variables_that_are_no_settings_are_let_be() -> None:
    names = {
        "SILVERLINE_CONFIG": "",
        "SILVERLINE_CACHE": "",
        "SILVERLINE_TEST_POSTGRES": "",
        "silverline_app__port": "1",
        "SILVERLINE_TWILIO": "{}",
        "SILVERLINE_TWILIO__SHARED_KEYS__webhooks_1": "x",
        "PATH": "",
    }
    assert unknown_variables(names) == []


def test_shared_keys_are_set_by_their_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_TWILIO__SHARED_KEYS__webhooks_1", "word")
    keys = load_settings().twilio.shared_keys
    assert keys == {"webhooks_1": SecretStr("word")}


def test_production_does_not_start_without_its_secrets() -> None:
    text = fault(
        app={"environment": "production"}, kakao={"enabled": True}, twilio={"enabled": True}
    )
    for key in ("app.secret_key", "kakao.header_value", "twilio.auth_token"):
        assert f"{key}: is missing" in text
        assert variable(key) in text


def test_a_wrong_secret_is_not_shown() -> None:
    text = fault(twilio={"auth_token": ["secret-word"]})
    assert "twilio.auth_token" in text
    assert "secret-word" not in text


def test_a_password_in_an_address_is_not_shown() -> None:
    text = fault(jobs={"broker": "http://me:secret-word@host/"})
    assert "jobs.broker" in text
    assert "secret-word" not in text


def test_a_file_that_is_no_toml_is_told(local: Path) -> None:
    local.write_text("[app\n")
    assert "settings file" in fault()


def test_a_settings_file_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILVERLINE_CONFIG", str(tmp_path / "lokal.toml"))
    assert "lokal.toml" in fault()


def test_shown_values_hide_what_is_secret() -> None:
    assert masked(SecretStr("word")) == "********"
    assert masked(SecretStr("")) == ""
    assert masked("postgresql://me:word@host/name") == "postgresql://me:********@host/name"
    assert masked("redis://:word@host/0") == "redis://:********@host/0"
    assert masked({"a": SecretStr("word")}) == {"a": "********"}
    assert masked((Path("a"), 1)) == ["a", 1]


def test_every_setting_has_a_section_and_a_name() -> None:
    keys = [key for key, _ in fields()]
    assert "app.port" in keys and "twilio.shared_keys" in keys
    assert len(keys) == len(set(keys))
    assert all(key.count(".") == 1 for key in keys)
    assert {key.split(".")[0] for key in keys} == set(Settings.model_fields)
