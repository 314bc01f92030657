"""`silverline persona …`: counsellors, and photos that become counsellors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bot.settings import CONFIG, SettingsError, load_settings
from media.errors import MediaError
from media.personas import Persona, load_persona, persona_names, voice_table

PERSONAS = CONFIG / "personas"


@click.group()
def persona() -> None:
    """Add and show counsellors."""


@persona.command()
@click.argument("name")
@click.argument("photo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--voice",
    default="sunny",
    show_default=True,
    help="A persona whose voice it shares, or an engine: kokoro:style=korean_man.",
)
@click.option("--consent", required=True, help="Who agreed to be shown, and when.")
@click.option("--title", default="", help="What callers see; default: the name.")
@click.option("--preview", type=click.Path(path_type=Path), help="Folder; default: in the data.")
@click.option("--replace", is_flag=True, help="Replace a persona of that name.")
def add(
    name: str,
    photo: Path,
    voice: str,
    consent: str,
    title: str,
    preview: Path | None,
    replace: bool,
) -> None:
    """Make the counsellor NAME from PHOTO, a photo of one person who looks into the camera."""
    from media.persona_add import add_persona

    try:
        shown = preview or load_settings().app.data_dir / "previews"
        table = voice_table(PERSONAS, voice)
        added = add_persona(PERSONAS, name, photo, table, consent, shown, title, replace)
    except (MediaError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{added.file}: use it with --persona {name}, or set persona.name.")
    click.echo(f"Look at it first: {added.sheet} and {added.clip}")


@persona.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def list_(as_json: bool) -> None:
    """List the counsellors."""
    rows = [_row(_loaded(name)) for name in persona_names(PERSONAS)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        voice, face = row["voice"]["engine"], row["face"]["engine"]
        click.echo(f"{row['name']:16s} {voice:10s} {face:12s} {row['title']}")


@persona.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show the counsellor NAME: voice, face and consent."""
    row = _row(_loaded(name))
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False, indent=1))
        return
    click.echo(f"{row['name']}: {row['title']}")
    for part in ("voice", "face", "consent"):
        for key, value in row[part].items():
            click.echo(f"{part}.{key:14s} {value}")


def _loaded(name: str) -> Persona:
    try:
        return load_persona(PERSONAS, name)
    except MediaError as error:
        raise click.ClickException(str(error)) from error


def _row(one: Persona) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "voice": {"engine": ""} | one.voice_table,
        "face": {"engine": ""} | one.face_table,
        "consent": {key: str(value) for key, value in one.consent.items()},
    }
