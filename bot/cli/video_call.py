"""`silverline call-server` and `call-link`: video calls, and the links that lead to them."""

from __future__ import annotations

import asyncio
import json
import os

import click


@click.command(name="call-server")
@click.option("--host", help="Address to listen on; default: the setting call.host.")
@click.option("--port", type=int, help="Port to listen on; default: the setting call.port.")
def call_server(host: str | None, port: int | None) -> None:
    """Answer video calls until stopped; SIGTERM takes no more and lets those in hand end."""
    from bot.calls.house import run
    from bot.conversation.database import DatabaseError
    from bot.conversation.files import FileStoreError
    from bot.log import set_up
    from bot.settings import SettingsError, load_settings
    from media.errors import MediaError

    try:
        settings = load_settings()
        set_up(settings.log)
        given = {"host": host, "port": port}
        call = settings.call.model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
        asyncio.run(
            run(
                settings.model_copy(update={"call": call}),
                lambda where: click.echo(f"video calls at {where}", err=True),
            )
        )
    except (SettingsError, DatabaseError, FileStoreError, MediaError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        raise click.ClickException(
            f"{call.host}:{call.port} cannot be listened on ({cause}). "
            "Stop what uses it, or set SILVERLINE_CALL__PORT."
        ) from error


@click.command(name="call-link")
@click.argument("person", type=int, required=False)
@click.option("--phone", help="The person with this number (E.164), made where it is new.")
@click.option(
    "--hours", type=click.IntRange(1), help="How long it lives; default: call.link_hours."
)
@click.option("--send", is_flag=True, help="Send it as a text message, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def call_link(
    person: int | None, phone: str | None, hours: int | None, send: bool, as_json: bool
) -> None:
    """Print the link with which PERSON (a number of the console) calls face to face."""
    from bot.channels.call_invite import InviteError, Inviter
    from bot.conversation.database import DatabaseError
    from bot.conversation.delivery import DeliveryError
    from bot.settings import SettingsError, load_settings

    if (person is None) == (phone is None):
        raise click.UsageError("Give either PERSON or --phone.")
    try:
        inviter = Inviter(load_settings())
        who = inviter.person(phone) if phone is not None else inviter.known(person or 0)
        link = inviter.link(who, hours)
        sent = inviter.send(who, link) if send else ""
    except (SettingsError, DatabaseError, InviteError, DeliveryError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"person": who, "url": link, "message": sent}))
        return
    click.echo(link)
    if sent:
        click.echo(f"sent as {sent}", err=True)
