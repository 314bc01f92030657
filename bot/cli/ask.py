"""`silverline ask`: the whole way from a recorded question to a reply video, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.consult import Consultation, consult
from bot.conversation.engines import engines
from bot.settings import SettingsError, load_settings
from media.errors import MediaError

STEPS = {
    "transcribe": "hearing the question",
    "answer": "finding the answer",
    "voice": "speaking it",
    "render": "drawing the video",
}


@click.command()
@click.argument("question", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the MP4 goes.")
@click.option("--persona", help="Which counsellor answers; default: the setting persona.name.")
@click.option("--warm", is_flag=True, help="Load the models first, so that steps are timed warm.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def ask(question: Path, out: Path, persona: str | None, warm: bool, as_json: bool) -> None:
    """Answer the spoken QUESTION (any sound or video file) with a lip-synced video."""
    try:
        settings = load_settings(**({"persona": {"name": persona}} if persona else {}))
        built = engines(settings)
        if warm:
            click.echo("loading the models …", err=True)
            built.warm_up()
        done = consult(built, question, out, lambda step: click.echo(f"{STEPS[step]} …", err=True))
    except (MediaError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(done.as_json(), ensure_ascii=False, indent=1))
    else:
        show(done)


def show(done: Consultation) -> None:
    """Print a consultation for a person: heard, answered, from which article, seconds by step."""
    answer, article = done.answer, done.answer.article
    click.echo(f"들은 말   {done.transcript.text or '(말소리 없음)'}")
    click.echo(f"답변     {answer.text}")
    click.echo(f"결과     {answer.outcome.value}")
    if article:
        source = f"{article.source_name}, {article.checked.isoformat()} 확인"
        click.echo(f"근거     {article.title} ({source}) {article.source_url}")
    if answer.contact_number:
        click.echo(f"전화     {answer.contact_name} {answer.contact_number}")
    times = ", ".join(f"{step} {value:.1f}" for step, value in done.seconds.items())
    click.echo(f"걸린 시간 {times} (초); 영상 {done.video.seconds:.1f}초")
    click.echo(f"영상     {done.video.path}")
