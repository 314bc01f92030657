"""`silverline config`, `check`, `serve`, `worker`, `up`: the service on this machine."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from types import FrameType

import click

from bot import tracing
from bot.log import set_up
from bot.settings import (
    CONFIG,
    CONFIG_VARIABLE,
    Settings,
    SettingsError,
    fields,
    load_settings,
    masked,
    origins,
)

QUEUES = ("speech", "video")
CONNECTIONS = 300
IDLE_SECONDS = 60


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print key, value and origin as JSON.")
def config(as_json: bool) -> None:
    """Show the settings in force, secrets hidden, and where each value comes from."""
    settings, sources = settings_or_exit(), origins()
    rows = []
    for key, _ in fields():
        section, name = key.split(".")
        value = masked(getattr(getattr(settings, section), name))
        rows.append({"key": key, "value": value, "origin": sources[key]})
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    width = max(len(str(row["key"])) for row in rows)
    for row in rows:
        shown = json.dumps(row["value"], ensure_ascii=False)
        click.echo(f"{row['key']:<{width}}  {shown}  ({row['origin']})")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--offline", is_flag=True, help="Do not ask vendors and the public address.")
def check(as_json: bool, offline: bool) -> None:
    """Say what is configured, reachable and missing; status 1 where something is amiss."""
    from bot.check import findings

    found = findings(settings_or_exit(), online=not offline)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
    else:
        for one in found:
            mark = click.style("ok ", "green") if one.ok else click.style("NO ", "red")
            click.echo(f"{mark} {one.part}: {one.detail}")
            if not one.ok:
                click.echo(f"    → {one.remedy}")
    if not all(one.ok for one in found):
        raise SystemExit(1)


@click.command()
@click.option("--host", help="Address to listen on; default: the setting app.host.")
@click.option("--port", type=int, help="Port to listen on; default: the setting app.port.")
def serve(host: str | None, port: int | None) -> None:
    """Answer webhooks and serve media and watch pages until stopped."""
    from waitress import create_server

    from bot.app import create_app
    from bot.channels.kakao import Kakao
    from bot.channels.kakao_clock import ticking
    from bot.channels.services import Services

    settings = settings_or_exit()
    set_up(settings.log)
    with explained():
        tracing.set_up(settings.metrics, "silverline-web")
        held = Services.of(settings)
    try:
        server = create_server(
            create_app(settings, held),
            host=host or settings.app.host,
            port=settings.app.port if port is None else port,
            threads=settings.app.threads,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            max_request_body_size=_largest_body(settings),
            ident=None,
        )
    except OSError as error:
        raise click.ClickException(
            f"{settings.app.host}:{settings.app.port} cannot be listened on ({error.strerror}). "
            "Stop what uses it, or set SILVERLINE_APP__PORT."
        ) from error
    click.echo(f"listening on http://{server.effective_host}:{server.effective_port}", err=True)
    with ExitStack() as stack:
        if settings.kakao.enabled:
            channel = Kakao(settings, held.links, held.sessions)
            stack.enter_context(ticking(channel, held.sessions, settings.kakao.callback_seconds))
        # The server finishes the requests in hand when it is interrupted.
        signal.signal(signal.SIGTERM, _interrupt)
        server.run()


def _largest_body(settings: Settings) -> int:
    """Return what the server reads at most; the application refuses less for all but uploads."""
    limits = settings.limits
    return limits.max_bytes if settings.call.enabled else limits.request_bytes


@click.command()
@click.option(
    "--queue",
    "queues",
    type=click.Choice(QUEUES),
    multiple=True,
    default=QUEUES,
    show_default=True,
    help="Work for this queue only; may be given more than once.",
)
def worker(queues: tuple[str, ...]) -> None:
    """Move turns from question to reply until stopped; the step in hand is finished first."""
    from bot.worker import make_parts, run_worker

    settings = settings_or_exit()
    set_up(settings.log)
    with explained():
        parts = make_parts(settings, queues)
        _warm_up(settings, queues)
    raise SystemExit(run_worker(settings, queues, parts))


def _warm_up(settings: Settings, queues: tuple[str, ...]) -> None:
    """Load the models before the first job, so that nobody waits for them."""
    from bot.conversation.engines import engines

    built = engines(settings)
    if "speech" in queues:
        built.warm_up()
    else:
        built.persona.face.warm_up()


@click.command()
@click.option("--simulate", is_flag=True, help="Use config/simulate.toml: no vendor is needed.")
def up(simulate: bool) -> None:
    """Run everything on one machine: tables brought up to date, web and worker."""
    from bot.conversation import schema
    from bot.conversation.database import engine
    from bot.supervise import own, supervise

    if simulate:
        os.environ.setdefault(CONFIG_VARIABLE, str(CONFIG / "simulate.toml"))
    settings = settings_or_exit()
    set_up(settings.log)
    with explained():
        schema.upgrade(engine(settings.database.url))
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    where = f"http://{settings.app.host}:{settings.app.port}"
    click.echo(f"Silverline starts at {where} (public: {settings.app.public_url}). Ctrl-C stops.")
    names = [name for name in ("kakao", "twilio") if getattr(settings, name).enabled]
    click.echo(f"channels: {', '.join(names) or 'none yet; see docs/channels.md'}")
    commands = {"web": own("serve"), "worker": own("worker")}
    if settings.call.enabled:
        commands["calls"] = own("call-server")
    if settings.live.enabled:
        commands["live"] = own("live")
    status = supervise(commands, stop, lambda text: click.echo(text, err=True))
    raise SystemExit(status)


def settings_or_exit() -> Settings:
    """Return the settings in force; a click error where they are wrong."""
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def explained() -> Iterator[None]:
    """Tell what keeps the service from starting, and what to do, instead of a traceback."""
    from sqlalchemy.exc import SQLAlchemyError

    from bot.conversation.database import DatabaseError
    from bot.conversation.files import FileStoreError
    from media.errors import MediaError

    try:
        yield
    except (DatabaseError, FileStoreError, MediaError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise click.ClickException(
            f"The database does not work: {cause}. Is it running, and is database.url right?"
        ) from error


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
