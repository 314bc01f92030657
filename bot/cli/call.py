"""`silverline call`: what happened in a telephone call, to the millisecond."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.command()
@click.argument("sid", metavar="CALL_SID")
@click.option("--json", "as_json", is_flag=True, help="Print the moments as JSON.")
def call(sid: str, as_json: bool) -> None:
    """Show the timeline of a telephone call: told by Twilio, heard, thought, said, sent."""
    from bot.conversation.database import DatabaseError, sessions
    from bot.conversation.timeline import timeline
    from bot.settings import SettingsError, load_settings

    try:
        with sessions(load_settings())() as session:
            moments = timeline(session, sid)
    except (SettingsError, DatabaseError) as error:
        raise click.ClickException(str(error)) from error
    if moments is None:
        raise click.ClickException(f"There is no call {sid!r}. Twilio's console shows the SIDs.")
    if as_json:
        click.echo(json.dumps([asdict(m) for m in moments], ensure_ascii=False, indent=1))
        return
    for moment in moments:
        took = "" if moment.seconds is None else f"{moment.seconds:.3f}"
        turn = "" if moment.turn is None else f"#{moment.turn}"
        row = f"{moment.at:9.3f}  {took:>8}  {turn:<3} {moment.what:<12} {moment.detail}"
        click.echo(row.rstrip())
