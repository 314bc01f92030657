"""`silverline transcribe`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from bot.settings import Settings, SettingsError, load_settings
from media.decode import Limits, decode
from media.errors import MediaError
from media.hear.whisper import WhisperRecogniser


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print text, words and times as JSON.")
def transcribe(file: Path, as_json: bool) -> None:
    """Write down what is said in FILE, any sound or video recording."""
    try:
        settings = load_settings()
        began = time.perf_counter()
        audio = decode(file, _limits(settings))
        transcript = _recogniser(settings).recognise(audio)
        took = time.perf_counter() - began
    except (MediaError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        result = {
            "text": transcript.text,
            "words": [asdict(word) for word in transcript.words],
            "heard": transcript.heard,
            "reason": transcript.reason,
            "confidence": round(transcript.confidence, 3),
            "seconds": round(audio.seconds, 3),
            "took": round(took, 3),
        }
        click.echo(json.dumps(result, ensure_ascii=False))
    elif transcript.heard:
        click.echo(transcript.text)
    else:
        click.echo(f"(nobody was heard: {transcript.reason})", err=True)


def _limits(settings: Settings) -> Limits:
    limits = settings.limits
    return Limits(limits.max_bytes, limits.max_seconds, limits.max_pixels, limits.decode_seconds)


def _recogniser(settings: Settings) -> WhisperRecogniser:
    hearing = settings.hearing
    return WhisperRecogniser(
        hearing.model,
        hearing.compute_type,
        hearing.device,
        hearing.threads,
        hearing.beam_size,
        words=True,
        short_window=hearing.short_window,
    )
