"""The documentation knows every setting and every command, and nothing that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bot.cli import main
from bot.settings import ROOT, fields, masked

DOCS = ROOT / "docs"
ROW = re.compile(r"^\| `([a-z0-9_]+\.[a-z0-9_]+)` \| `(.*?)` \| (.+) \|$", re.M)


def default_of(value: Any) -> str:
    """Return a setting's default as the documentation writes it."""
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_absolute() else value
    return json.dumps(masked(value), ensure_ascii=False)


def test_every_setting_is_documented_with_its_default() -> None:
    rows = {key: default for key, default, _ in ROW.findall((DOCS / "settings.md").read_text())}
    assert rows == {key: default_of(field.default) for key, field in fields()}


def commands(group: click.Group, path: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            assert command.help, f"{path} {name} says nothing about itself"
            yield f"{path} {name}"


def test_every_command_is_documented() -> None:
    rows = re.findall(r"^\| `(silverline [a-z -]+?)` \|", (DOCS / "commands.md").read_text(), re.M)
    assert sorted(rows) == sorted(commands(main, "silverline"))


def test_documents_link_to_what_is_there() -> None:
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
