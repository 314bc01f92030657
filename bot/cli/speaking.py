"""`silverline say` and `silverline voice …`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import click

from bot.settings import CONFIG, ROOT, SettingsError, load_settings
from media.errors import MediaError
from media.personas import VOICES, Persona, load_persona, persona_names
from media.speak.voice import Voice
from media.speech_file import write_timings, write_wav
from media.types import Manner

PERSONAS = CONFIG / "personas"
SENTENCES = ROOT / "benchmarks" / "data" / "voice_sentences.tsv"


@click.command()
@click.argument("text")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the WAV goes.")
@click.option("--timings", type=click.Path(path_type=Path), help="Where phoneme timings go (JSON).")
@click.option("--persona", help="Whose voice; default: the setting persona.name.")
@click.option("--rate", type=click.FloatRange(0.5, 2.0), default=1.0, help="1.0 is the usual pace.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def say(
    text: str, out: Path, timings: Path | None, persona: str | None, rate: float, as_json: bool
) -> None:
    """Speak TEXT into a WAV file (24 kHz, mono)."""
    name, voice = _voice(persona)
    began = time.perf_counter()
    try:
        speech = voice.speak(text, Manner(rate=rate))
    except MediaError as error:
        raise click.ClickException(str(error)) from error
    took = time.perf_counter() - began
    write_wav(speech.audio, out)
    if timings:
        write_timings(speech, timings)
    result = {
        "out": str(out),
        "persona": name,
        "voice": voice.version,
        "seconds": round(speech.audio.seconds, 3),
        "phonemes": len(speech.phonemes),
        "took": round(took, 3),
    }
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        click.echo(f"{out}: {speech.audio.seconds:.1f} s ({name}), made in {took:.1f} s")


@click.group()
def voice() -> None:
    """Measure and compare voices."""


@voice.command()
@click.option("--persona", help="Whose voice; default: the setting persona.name.")
@click.option("--sentences", type=click.Path(exists=True, path_type=Path), default=SENTENCES)
@click.option("--half", type=click.Choice(["held_out", "tuning"]), default="held_out")
@click.option("--limit", type=click.IntRange(1), help="Only so many sentences, evenly taken.")
@click.option(
    "--only",
    type=click.Choice(["speed", "hearing"]),
    help="Only the figures that need a quiet machine, or only those that do not.",
)
@click.option(
    "--heard",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what was heard in this file (JSON lines); what it holds is not said again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def bench(
    persona: str | None,
    sentences: Path,
    half: str,
    limit: int | None,
    only: str | None,
    heard: Path | None,
    as_json: bool,
) -> None:
    """Measure how well a voice is understood (by whisper-base), its speed and its first sound."""
    from media.speak import bench as measure

    name, chosen = _voice(persona)
    texts = measure.sentences(sentences, half)
    texts = texts[:: max(1, len(texts) // limit)][:limit] if limit else texts
    result: dict[str, object] = {"persona": name, "voice": chosen.version}
    if only != "hearing":
        result |= _speed(chosen, texts)
    if only != "speed":
        with click.progressbar(length=len(texts), label="listening", hidden=as_json) as bar:
            result |= {"half": half, **_hearing(chosen, texts, heard, lambda: bar.update(1))}
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        for key, value in result.items():
            click.echo(f"{key:28s} {value}")


def _speed(chosen: Voice, texts: list[str]) -> dict[str, object]:
    """Return the figures that need a quiet machine."""
    from media.speak import bench as measure

    chosen.warm_up()
    first, length = min(measure.first_sound(chosen) for _ in range(3))
    timed = measure.speed(chosen, texts[:8])
    return {
        "first_sound_seconds": round(first, 3),
        "first_stretch_seconds": round(length, 2),
        "real_time_factor": round(timed.ours, 3),
        "published_real_time_factor": round(timed.published, 3),
        "times_faster": round(timed.published / timed.ours, 2),
    }


def _hearing(
    chosen: Voice, texts: list[str], kept: Path | None, step: Callable[[], None]
) -> dict[str, object]:
    """Return how well `texts` are understood; `step` is called after each."""
    from media.hear.whisper import WhisperRecogniser
    from media.speak import bench as measure
    from media.speak.judge import error_rate

    heard = []
    for one in measure.listen(chosen, WhisperRecogniser(), texts, kept):
        heard.append(one)
        step()
    wide, narrow = (
        error_rate([h.wide_score for h in heard]),
        error_rate([h.narrow_score for h in heard]),
    )
    return {
        "sentences": len(texts),
        "syllables_a_second": round(
            sum(h.syllables for h in heard) / sum(h.seconds for h in heard), 2
        ),
        "cer": [round(value, 4) for value in wide],
        "cer_telephone": [round(value, 4) for value in narrow],
    }


@voice.command()
@click.argument("text")
@click.option("--out", type=click.Path(path_type=Path), default=Path("voices"), help="Folder.")
def compare(text: str, out: Path) -> None:
    """Write TEXT as said by every persona and every installed engine, a WAV file each."""
    out.mkdir(parents=True, exist_ok=True)
    for name, persona in _everyone().items():
        try:
            speech = persona.voice.speak(text)
        except MediaError as error:
            click.echo(f"{name:20s} not here: {error.cause}")
            continue
        path = out / f"{name}.wav"
        write_wav(speech.audio, path)
        click.echo(f"{name:20s} {path}  {speech.audio.seconds:.1f} s")


def _everyone() -> dict[str, Persona]:
    """Return every persona by name, and every engine with its default voice."""
    found = {name: load_persona(PERSONAS, name) for name in persona_names(PERSONAS)}
    for engine in VOICES:
        name = f"engine-{engine}"
        found[name] = Persona(name, engine, {"engine": engine}, {})
    return found


def _voice(persona: str | None) -> tuple[str, Voice]:
    try:
        name = persona or load_settings().persona.name
        return name, load_persona(PERSONAS, name).voice
    except (MediaError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
