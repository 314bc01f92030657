"""What people ask about official programmes, added at an import."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.conversation.database import engine
from bot.knowledge.importers import bokjiro, wordings
from bot.knowledge.importers.common import SourceError
from bot.knowledge.store import ArticleStore
from bot.settings import CONFIG

ROW = {"id": "W1", "name": "기초연금 지원", "benefit": "매달 돈을 드려요.", "agency": "복지부"}


def test_wordings_reach_the_article_of_their_title(tmp_path: Path) -> None:
    lines = [
        "# 제목\t질문",
        "기초 연금 지원\t노인 돈 어디서 받아요?",
        "",
        "기초연금지원\t노인 돈 어디서 받아요?",
    ]
    (tmp_path / "wordings.tsv").write_text("\n".join(lines), "utf-8-sig")
    (tmp_path / "wordings_more.tsv").write_text("기초연금 지원\t몇 살부터예요?\n", "utf-8")
    known = wordings.read(tmp_path)
    first, other = wordings.add(
        bokjiro.services([ROW, ROW | {"id": "W2", "name": "다른 것"}], {}, date(2026, 1, 1)), known
    )
    assert first.questions == ("노인 돈 어디서 받아요?", "몇 살부터예요?")
    assert other.questions == ()
    assert wordings.read(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("line", ["제목만 있음", "\t질문", "제목\t ", "제목\t질문\t남는 것"])
def test_a_line_that_is_none_names_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "wordings.tsv").write_text(f"제목\t질문\n{line}\n", "utf-8")
    with pytest.raises(SourceError, match=r"wordings\.tsv:2: .* one tab"):
        wordings.read(tmp_path)


def test_a_file_in_another_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wordings.tsv").write_bytes("제목\t질문".encode("cp949"))
    with pytest.raises(SourceError, match="Save it as UTF-8"):
        wordings.read(tmp_path)


def test_an_import_brings_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "wordings.tsv").write_text("기초연금 지원\t노인 돈 어디서 받아요?\n", "utf-8")
    (tmp_path / "services.json").write_text(json.dumps([ROW]), "utf-8")
    url = f"sqlite:///{tmp_path / 'silverline.db'}"
    monkeypatch.setenv("SILVERLINE_KNOWLEDGE__FOLDER", str(folder))
    monkeypatch.setenv("SILVERLINE_APP__DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", url)
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    said = CliRunner().invoke(main, ["knowledge", "import", str(tmp_path / "services.json")])
    assert said.exit_code == 0, said.output
    (article,) = ArticleStore(engine(url)).all()
    assert article.questions == ("노인 돈 어디서 받아요?",)


def test_every_kept_wording_is_read() -> None:
    known = wordings.read(CONFIG / "knowledge")
    assert len(known) >= 460 and sum(map(len, known.values())) > 16_000
