"""`silverline animate`."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import click

from bot.settings import CONFIG, Settings, SettingsError, load_settings
from media.captions import captions
from media.decode import Limits, decode
from media.errors import MediaError
from media.personas import load_persona
from media.speech_file import read_speech, read_wav
from media.types import Audio, Speech
from media.video import encode

PERSONAS = CONFIG / "personas"


@click.command()
@click.argument("speech", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the MP4 goes.")
@click.option(
    "--timings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Phoneme timings from `silverline say`; without them the sound moves the mouth.",
)
@click.option("--text", help="The words, for the captions; default: those in the timings.")
@click.option("--persona", help="Whose face; default: the setting persona.name.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def animate(
    speech: Path,
    out: Path,
    timings: Path | None,
    text: str | None,
    persona: str | None,
    as_json: bool,
) -> None:
    """Make a video of the counsellor saying SPEECH, a WAV file or any other recording."""
    try:
        settings = load_settings()
        name = persona or settings.persona.name
        spoken = _speech(settings, speech, timings, text)
        face = load_persona(PERSONAS, name).face
        face.warm_up()
        began = time.perf_counter()
        video = encode(
            face.speaking(spoken),
            spoken.audio,
            out,
            size=face.size,
            captions=captions(spoken) if spoken.text else (),
            title=spoken.text[:80],
        )
        took = time.perf_counter() - began
    except (MediaError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    result = {
        "out": str(out),
        "persona": name,
        "face": face.version,
        "driven_by": "phonemes" if spoken.phonemes else "sound",
        "seconds": round(video.seconds, 3),
        "took": round(took, 3),
    }
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        click.echo(f"{out}: {video.seconds:.1f} s ({name}), made in {took:.1f} s")


def _speech(settings: Settings, path: Path, timings: Path | None, text: str | None) -> Speech:
    """Return the speech to show, with phonemes where there are timings."""
    if timings:
        speech = read_speech(path, timings)
        return speech if text is None else replace(speech, text=text)
    return Speech(text or "", _sound(settings, path))


def _sound(settings: Settings, path: Path) -> Audio:
    """Return the sound of `path`: a WAV as it is, anything else decoded within the limits."""
    try:
        return read_wav(path)
    except MediaError:
        limits = settings.limits
        allowed = Limits(
            limits.max_bytes, limits.max_seconds, limits.max_pixels, limits.decode_seconds
        )
        return decode(path, allowed)
