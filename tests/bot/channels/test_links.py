"""Links open one thing, for a while, and nothing else."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from bot.channels.links import LinkBrokenError, LinkExpiredError, Links
from bot.keys import signing_key
from bot.settings import App, Settings, SettingsError

LINKS = Links("https://sunny.example/base", "a key", 72)


def token(url: str) -> str:
    return url.split("/")[5]


def test_a_media_link_opens_its_file() -> None:
    url = LINKS.media("abc.mp4", "answer.mp4")
    assert url.startswith("https://sunny.example/base/media/")
    assert url.endswith("/answer.mp4")
    assert LINKS.read("media", token(url)) == "abc.mp4"


def test_a_link_is_good_for_one_purpose() -> None:
    with pytest.raises(LinkBrokenError):
        LINKS.read("watch", token(LINKS.media("abc.mp4", "answer.mp4")))


@pytest.mark.parametrize("change", ["", "x", "é", "a.b", "W10", "🙂", "." * 10])
def test_a_token_that_was_not_signed_opens_nothing(change: str) -> None:
    with pytest.raises(LinkBrokenError):
        LINKS.read("watch", change)


def test_every_changed_letter_breaks_a_token() -> None:
    good = token(LINKS.watch("turn"))
    for place in range(len(good) - 1):
        other = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        with pytest.raises(LinkBrokenError):
            LINKS.read("watch", other)


def test_another_key_opens_nothing() -> None:
    other = Links(LINKS.public_url, "another key", 72)
    with pytest.raises(LinkBrokenError):
        other.read("watch", token(LINKS.watch("turn")))


def test_a_link_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    url = LINKS.watch("turn")
    monkeypatch.setattr("bot.channels.links.time.time", lambda: 10**10)
    with pytest.raises(LinkExpiredError):
        LINKS.read("watch", token(url))
    assert LINKS.watched(url) == "turn"


@pytest.mark.parametrize(
    "url", ["https://x/", "https://x/w/forged", "https://x/media/a/b", "w", "https://x/w/W10.a"]
)
def test_only_a_watch_link_leads_to_a_turn(url: str) -> None:
    assert LINKS.watched(url) is None


def test_the_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    settings = Settings(app=App(data_dir=tmp_path / "var"))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(signing_key(settings))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) > 40
    made = list((tmp_path / "var").iterdir())
    assert [path.name for path in made] == ["secret_key"]
    assert stat.S_IMODE(made[0].stat().st_mode) == 0o600


def test_a_key_that_is_set_is_used(tmp_path: Path) -> None:
    settings = Settings(app=App(secret_key="mine", data_dir=tmp_path / "var"))
    assert signing_key(settings) == "mine"
    assert not (tmp_path / "var").exists()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(SettingsError, match="SILVERLINE_APP__SECRET_KEY"):
        signing_key(Settings(app=App(data_dir=tmp_path / "var")))
