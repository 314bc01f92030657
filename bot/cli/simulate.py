"""`silverline simulate`: a vendor played against a running server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import requests

from bot.settings import CONFIG, CONFIG_VARIABLE, Settings, SettingsError, load_settings
from bot.simulate.play import Played, SimulationError, play_kakao, play_whatsapp

if TYPE_CHECKING:
    from bot.simulate.play_phone import PlayedCall

Result = TypeVar("Result")


@click.group()
def simulate() -> None:
    """Play a vendor: send FILE_OR_TEXT as it would, judge and show the reply.

    Start the server with `silverline up --simulate` first. The exit status is 1 where a rule of
    the vendor was broken (signature, deadline, size, format) or no reply came.
    """


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what every simulation takes."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option(
            "--seconds", default=180.0, show_default=True, help="How long to wait for the reply."
        ),
        click.option("--url", help="The server; default: the settings app.host and app.port."),
        click.argument("question", metavar="FILE_OR_TEXT"),
    ):
        command = option(command)
    return command


@simulate.command()
@options
@click.option("--no-callback", is_flag=True, help="Play a bot without approved callbacks.")
def kakao(question: str, url: str | None, seconds: float, as_json: bool, no_callback: bool) -> None:
    """Ask through KakaoTalk: a recording or a text."""

    def play(settings: Settings, server: str, asked: Path | str) -> Played:
        return play_kakao(settings, server, asked, seconds, _tell, callback=not no_callback)

    _run(play, question, url, as_json)


@simulate.command()
@options
def whatsapp(question: str, url: str | None, seconds: float, as_json: bool) -> None:
    """Ask through WhatsApp (Twilio Messaging): a recording or a text."""

    def play(settings: Settings, server: str, asked: Path | str) -> Played:
        return play_whatsapp(settings, server, asked, seconds, _tell)

    _run(play, question, url, as_json)


@simulate.command()
@click.argument("moves", nargs=-1, required=True, metavar="AUDIO_OR_KEY...")
@click.option("--url", help="The server; default: the settings app.host and app.port.")
@click.option("--seconds", default=120.0, show_default=True, help="How long to wait for the text.")
@click.option("--live", is_flag=True, help="Play the stream that a live service asks for.")
@click.option("--loss", default=0.0, show_default=True, help="Share of the frames that get lost.")
@click.option("--sound", type=click.Path(path_type=Path), help="Write the call as a stereo WAV.")
@click.option("--decline", is_flag=True, help="Press a key at the recording notice.")
@click.option("--timeline", type=click.Path(path_type=Path), help="Write what happened as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def phone(
    moves: tuple[str, ...],
    url: str | None,
    seconds: float,
    live: bool,
    loss: float,
    sound: Path | None,
    decline: bool,
    timeline: Path | None,
    as_json: bool,
) -> None:
    """Call the telephone line: speak recordings at the beep, press keys, hang up at the end.

    A single digit is pressed at the next chance, `-` says nothing after a beep. Live, `!FILE` and
    `!1` speak and press while the counsellor speaks, and `x` cuts the line.
    """
    from bot.simulate.phone import Live
    from bot.simulate.play_phone import play_phone

    wishes = [_move(move) for move in moves]

    def play(settings: Settings, server: str) -> PlayedCall:
        there = f"http://{settings.live.host}:{settings.live.port}"
        stream = Live(there, loss) if live else None
        return play_phone(settings, server, wishes, seconds, _tell, decline, stream, sound)

    played = _played(play, url)
    if timeline is not None:
        text = json.dumps(played.as_json(), ensure_ascii=False, indent=1)
        timeline.write_text(text + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(played.as_json(), ensure_ascii=False, indent=1))
    else:
        for entry in played.timeline:
            told = "  ".join(f"{key} {value}" for key, value in entry.detail.items())
            click.echo(f"{entry.at:8.2f}  {entry.event:<8} {told}".rstrip())
        rows = [("answered in", f"{value:.2f} s") for value in played.answer_seconds]
        rows += [("stopped in", f"{value:.2f} s") for value in played.stop_seconds]
        rows += [("gap", f"{value:.2f} s") for value in played.gap_seconds]
        rows += [("message", line) for text in played.messages for line in text.splitlines()]
        rows += [("BROKEN", rule) for rule in played.broken]
        rows += [("call", played.sid)]
        for name, value in rows:
            click.echo(f"{name:<13}{value}")
    if not played.ok:
        raise SystemExit(1)


def _move(text: str) -> Path | str:
    bare = text.removeprefix("!")
    if bare in ("-", "x") or (len(bare) == 1 and bare in "0123456789*#"):
        return text
    path = Path(bare)
    if not _is_file(path):
        raise click.BadParameter(f"{text!r} is neither a recording, a key, `-`, nor `x`.")
    return path.resolve() if bare == text else f"!{path.resolve()}"


def _run(
    play: Callable[[Settings, str, Path | str], Played],
    question: str,
    url: str | None,
    as_json: bool,
) -> None:
    path = Path(question)
    asked: Path | str = path.resolve() if _is_file(path) else question
    played = _played(lambda settings, server: play(settings, server, asked), url)
    if as_json:
        click.echo(json.dumps(played.as_json(), ensure_ascii=False, indent=1))
    else:
        _show(played)
    if not played.ok:
        raise SystemExit(1)


def _played(play: Callable[[Settings, str], Result], url: str | None) -> Result:
    """Return what `play` returns with the settings of the simulation, its faults explained."""
    os.environ.setdefault(CONFIG_VARIABLE, str(CONFIG / "simulate.toml"))
    try:
        settings = load_settings()
        server = url or f"http://{settings.app.host}:{settings.app.port}"
        return play(settings, server.rstrip("/"))
    except (SettingsError, SimulationError) as error:
        raise click.ClickException(str(error)) from error
    except requests.RequestException as error:
        raise click.ClickException(
            f"The server stopped answering ({type(error).__name__}). Look at its log."
        ) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _show(played: Played) -> None:
    rows: list[tuple[str, Any]] = [("acknowledged", f"{played.acknowledged_seconds:.2f} s")]
    if played.reply_seconds is not None:
        rows.append(("reply after", f"{played.reply_seconds:.1f} s"))
    rows += [("says", line) for text in played.texts for line in text.splitlines() if line]
    rows += [("button", label) for label in played.buttons]
    if played.media_bytes:
        rows.append(("video", f"{played.media_bytes / 1e6:.2f} MB, MP4"))
    if played.watch_url:
        rows.append(("watch page", played.watch_url))
    rows += [("BROKEN", rule) for rule in played.broken]
    for name, value in rows:
        click.echo(f"{name:<13}{value}")
    click.echo("every rule of the vendor was kept" if played.ok else "the vendor would object")


def _tell(text: str) -> None:
    click.echo(text, err=True)
