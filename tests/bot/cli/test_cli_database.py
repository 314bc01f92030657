from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from bot.conversation.schema import head


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.toml").touch()
    monkeypatch.setenv("SILVERLINE_CONFIG", str(tmp_path / "empty.toml"))

    def invoke(*words: str, input: str = "") -> Result:
        return CliRunner().invoke(main, ["db", *words], input=input)

    return invoke


def test_the_tables_are_made_and_removed(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert "no tables" in run("current").output
    assert run("upgrade", "0001").output == "base → 0001\n"
    assert "Run `silverline db upgrade`" in run("current").output
    newest = head()
    assert run("upgrade").output == f"0001 → {newest}\n"
    assert run("upgrade").output == f"Nothing to do: the database is at {newest}.\n"
    assert "the newest" in run("current").output
    assert (tmp_path / "var" / "silverline.db").is_file()
    assert run("downgrade", "base", input="n\n").exit_code == 1
    assert newest in run("current").output
    assert run("downgrade", "base", "--yes").output == f"{newest} → base\n"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("mysql://h/n", "is not supported"),
        ("nonsense", "cannot be read"),
        ("postgresql://root@127.0.0.1:1/n", "Is it running"),
    ],
)
def test_a_database_that_does_not_work_is_explained(  # type: ignore[no-untyped-def]
    run, monkeypatch: pytest.MonkeyPatch, url: str, cause: str
) -> None:
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", url)
    result = run("upgrade")
    assert result.exit_code == 1 and cause in result.output


def test_a_revision_that_is_not_there_is_explained(run) -> None:  # type: ignore[no-untyped-def]
    result = run("upgrade", "4711")
    assert result.exit_code == 1 and "Revisions: base, 0001" in result.output
