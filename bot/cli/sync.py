"""`silverline sync`: do the sound and the lips of a video go together?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from media.errors import MediaError
from media.sync import measure

WEAK = 0.4
"""Distance by correlation above which the offset was wrong on a third of short recordings."""
_FILE = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("video", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--expert", type=_FILE, help="Checkpoint of another sync expert than ours.")
@click.option("--syncnet", type=_FILE, help="Folder with syncnet_v2.model and sfd_face.pth.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sync(video: Path, expert: Path | None, syncnet: Path | None, as_json: bool) -> None:
    """Measure the offset between the sound and the lips of VIDEO, in frames of 40 ms."""
    try:
        found = measure(video, expert, syncnet)
    except MediaError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    if found.measure == "correlation" and found.distance > WEAK:
        click.echo("The lips hardly follow the sound: the offset below is a guess.")
    late = "the sound is late" if found.offset > 0 else "the sound is early"
    click.echo(f"measure     {found.measure}")
    click.echo(f"offset      {found.offset:+d} frames ({late if found.offset else 'in sync'})")
    click.echo(f"confidence  {found.confidence:.3f}")
    click.echo(f"distance    {found.distance:.3f}")
