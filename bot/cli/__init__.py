"""The command `silverline`: one module a group of commands, each loaded when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import ClassVar

import click
import structlog


class LazyGroup(click.Group):
    """Imports a command's module when it is used, so that `silverline --help` stays quick."""

    where: ClassVar[dict[str, str]] = {
        "ask": "bot.cli.ask",
        "transcribe": "bot.cli.hearing",
        "answer": "bot.cli.knowledge",
        "knowledge": "bot.cli.knowledge",
        "say": "bot.cli.speaking",
        "voice": "bot.cli.speaking",
        "animate": "bot.cli.face",
        "config": "bot.cli.service",
        "check": "bot.cli.service",
        "serve": "bot.cli.service",
        "worker": "bot.cli.service",
        "up": "bot.cli.service",
        "live": "bot.cli.live",
        "db": "bot.cli.database",
        "admin": "bot.cli.admin",
        "audit": "bot.cli.admin",
        "simulate": "bot.cli.simulate",
        "call": "bot.cli.call",
        "call-server": "bot.cli.video_call",
        "call-link": "bot.cli.video_call",
        "prove": "bot.cli.prove",
        "persona": "bot.cli.persona",
        "sync": "bot.cli.sync",
        "train": "bot.cli.train",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in alphabetical order."""
        return sorted(self.where)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command `cmd_name` from its module (attribute `cmd_name`, - as _)."""
        if cmd_name not in self.where:
            return None
        module = importlib.import_module(self.where[cmd_name])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=LazyGroup)
@click.version_option(package_name="silverline")
def main() -> None:
    """실버라인: spoken questions of seniors, answered face to face."""
    if not structlog.is_configured():
        # What a command prints is for programs too; what it logs goes beside it.
        structlog.configure(logger_factory=lambda *names: structlog.PrintLogger(sys.stderr))
