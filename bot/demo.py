"""`make demo`: a spoken Korean question becomes demo/reply.mp4."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.ask import STEPS, show
from bot.consult import consult
from bot.conversation.engines import engines
from bot.settings import load_settings
from media.errors import MediaError
from media.speech_file import write_wav

QUESTION = "기초연금은 어떻게 신청하나요?"


@click.command()
@click.argument("question", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--folder", type=click.Path(path_type=Path), default=Path("demo"))
def demo(question: Path | None, folder: Path) -> None:
    """Answer QUESTION, a recording; without one, ask in our own voice first."""
    folder.mkdir(parents=True, exist_ok=True)
    built = engines(load_settings())
    try:
        if question is None:
            question = folder / "question.wav"
            click.echo(f"asking “{QUESTION}” in our own voice …", err=True)
            write_wav(built.voice.speak(QUESTION).audio, question)
        done = consult(
            built,
            question,
            folder / "reply.mp4",
            lambda step: click.echo(f"{STEPS[step]} …", err=True),
        )
    except MediaError as error:
        raise click.ClickException(str(error)) from error
    show(done)
    click.echo("\nNext:")
    click.echo("  make demo QUESTION=your-recording.m4a        your own question")
    click.echo("  make run                                     the service: web and worker")
    click.echo(
        f'  .venv/bin/silverline simulate kakao "{QUESTION}"   then play KakaoTalk against it'
    )


if __name__ == "__main__":
    demo()
