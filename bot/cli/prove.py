"""`silverline prove`: our networks compute the published functions."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.cli.faults import told
from bot.settings import ROOT
from media.prove import Proof
from media.prove import prove as proofs


@click.command()
@click.argument(
    "folder", type=click.Path(path_type=Path), default=ROOT.parent / "shared" / "reference"
)
@click.option("--tag", default="", help="Text appended to the name of every input.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def prove(folder: Path, tag: str, as_json: bool) -> None:
    """Recompute the reference vectors of FOLDER and print each relative error."""
    results = []
    with told():
        for proof in proofs(folder, tag):
            results.append(proof)
            if not as_json:
                mark = "ok  " if proof.holds else "FAIL"
                click.echo(f"{mark} {proof.name:34} {proof.error:.2e}  (bar {proof.bar:.0e})")
    if as_json:
        click.echo(json.dumps([_row(proof) for proof in results], indent=1))
    if not results or not all(proof.holds for proof in results):
        raise SystemExit(1)


def _row(proof: Proof) -> dict[str, str | float | bool]:
    return {"name": proof.name, "error": proof.error, "bar": proof.bar, "holds": proof.holds}
