"""`silverline live`: the process that holds live conversations."""

from __future__ import annotations

import click


@click.command()
@click.option("--prepare", is_flag=True, help="Only speak ahead what will be said, then end.")
def live(prepare: bool) -> None:
    """Hold live conversations: telephone streams and video calls, until stopped."""
    import threading

    from bot.cli.service import explained, settings_or_exit
    from bot.live.ahead import prepare as speak_ahead
    from bot.live.house import LiveHouse
    from bot.live_server import LiveServer

    settings = settings_or_exit()
    if prepare:
        with explained():
            made = speak_ahead(LiveHouse.of(settings), threading.Event())
        click.echo(f"{made} sentences were spoken ahead")
        return
    click.echo(f"live at {settings.live.host}:{settings.live.port}", err=True)
    LiveServer(settings).run()
