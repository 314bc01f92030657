"""`silverline answer` and `silverline knowledge …`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.admin import measure
from bot.cli.faults import told
from bot.conversation.database import engine
from bot.knowledge import shipped
from bot.knowledge.answer import Answerer
from bot.knowledge.articles import ArticleError, load_folder
from bot.knowledge.cache import TextCache, text_key
from bot.knowledge.embed import embedder
from bot.knowledge.evaluate import Case, QuestionError, Report, evaluate, read_cases
from bot.knowledge.fields import answer_fields
from bot.knowledge.importers import bokjiro, gov24, tables, wordings
from bot.knowledge.importers.common import SourceError
from bot.knowledge.index import build, texts_of
from bot.knowledge.setup import answerer_for
from bot.knowledge.shipped import ShippedError
from bot.knowledge.store import ArticleStore, Merge, StoreError
from bot.knowledge.types import Article
from bot.settings import Settings, load_settings

BOKJIRO_DAY = date(2026, 6, 12)
"""When the service list was collected, where a file does not say."""


def answerer(settings: Settings, extra_articles: bool = True, quiet: bool = True) -> Answerer:
    """Return the answerer that `settings` describe; a faulty article ends the command."""
    try:
        return answerer_for(
            settings.knowledge,
            settings.app.data_dir,
            database=engine(settings.database.url) if extra_articles else None,
            progress=None if quiet else _Progress("index"),
        )
    except (ArticleError, ShippedError) as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs.")
@told()
def answer(text: str, as_json: bool) -> None:
    """Answer TEXT from the articles."""
    found = answerer(load_settings()).answer(text)
    if as_json:
        click.echo(json.dumps(answer_fields(found), ensure_ascii=False))
        return
    click.echo(found.text)
    if found.article is not None:
        source = f"{found.article.source_name}, {found.article.checked.isoformat()}"
        click.echo(f"[{found.article.id}] {found.article.title} ({source}; {found.score:.2f})")


@click.group()
def knowledge() -> None:
    """Articles: evaluate and import."""


@knowledge.command("eval")
@click.argument("questions", type=click.Path(path_type=Path), required=False)
@click.option("--reviewed", is_flag=True, help="The questions that reviewers judged, as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs.")
@click.option("--own", is_flag=True, help="Our own articles only, without imported ones.")
@click.option("--origin", "origins", multiple=True, help="Articles of this source only.")
@told()
def evaluate_questions(
    questions: Path | None, reviewed: bool, as_json: bool, own: bool, origins: tuple[str, ...]
) -> None:
    """Ask every question of the CSV file QUESTIONS and report hits, refusals and misses."""
    if questions is None and not reviewed:
        raise click.UsageError("Name a CSV file of questions, or say --reviewed.")
    try:
        cases = read_cases(questions) if questions is not None else []
        cases += _reviewed(load_settings()) if reviewed else []
    except QuestionError as error:
        raise click.ClickException(str(error)) from error
    asked = answerer(load_settings(), extra_articles=not own, quiet=False)
    if origins:
        kept = [article for article in asked.articles if article.origin in origins]
        if not kept:
            known = ", ".join(sorted({article.origin for article in asked.articles}))
            raise click.ClickException(
                f"No article is of the source {', '.join(origins)}. Import it, or name one of "
                f"these: {known}."
            )
        asked.update(kept)
    report = evaluate(asked.answer, cases, _Progress("questions"))
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        _show(report)


def _show(report: Report) -> None:
    for name, value in report.as_json().items():
        if name != "misses":
            click.echo(f"{name:22} {value}")
    for miss in report.misses:
        click.echo(f"- {miss.question}  →  {miss.got} {miss.outcome} ({miss.expected or 'refuse'})")


@knowledge.command("cases")
@click.argument("out", type=click.Path(path_type=Path))
def export_cases(out: Path) -> None:
    """Write the questions that reviewers judged, with what is right, to the CSV file OUT."""
    count = measure.write_cases(_reviewed(load_settings()), out)
    click.echo(f"{out}: {count} questions")


def _reviewed(settings: Settings) -> list[Case]:
    database = engine(settings.database.url)
    try:
        with Session(database) as session:
            return measure.cases(session)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", error)).partition("\n")[0]
        raise click.ClickException(
            f"The reviews cannot be read: {cause}. Did you run `silverline db upgrade`?"
        ) from error
    finally:
        database.dispose()


@knowledge.command("index")
@told()
def index_articles() -> None:
    """Write the vectors of the articles' texts beside the articles, to travel with them."""
    settings = load_settings().knowledge
    try:
        articles = load_folder(settings.folder)
        cache = TextCache(load_settings().app.data_dir / "knowledge" / "texts.db", settings.folder)
    except (ArticleError, ShippedError) as error:
        raise click.ClickException(str(error)) from error
    model = embedder(settings.embedder)
    texts = list(texts_of(articles))
    fresh = len(cache.missing(model, texts))
    vectors = cache.vectors(model, texts, _Progress("index"))
    path = settings.folder / shipped.NAME
    shipped.write(path, [text_key(model.name, text) for text in texts], vectors)
    click.echo(f"{path}: {len(texts)} texts of {len(articles)} articles, {fresh} embedded now")


@knowledge.command("import")
@click.argument("source")
@click.option("--map", "mapping", multiple=True, help="FIELD=COLUMN[,COLUMN] for CSV and JSON.")
@click.option("--origin", default="", help="Name of the source; the file's name by default.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("../shared/data/knowledge"),
    help="Where the 복지로 files are.",
)
@click.option("--audience", default="", help="Only services of this life stage, such as 어르신.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs.")
@told()
def import_articles(
    source: str,
    mapping: tuple[str, ...],
    origin: str,
    folder: Path,
    audience: str,
    as_json: bool,
) -> None:
    """Import SOURCE: a CSV or JSON file, `bokjiro` (files in --folder) or `gov24` (with a key)."""
    settings = load_settings()
    try:
        known = wordings.read(settings.knowledge.folder)
        read = _read(source, mapping, origin, folder, audience, settings)
        batches = {name: wordings.add(articles, known) for name, articles in read.items()}
    except SourceError as error:
        raise click.ClickException(str(error)) from error
    data_dir = settings.app.data_dir
    store = ArticleStore(engine(settings.database.url))
    try:
        merges = {name: store.merge(name, articles) for name, articles in batches.items()}
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    cache = TextCache(data_dir / "knowledge" / "texts.db")
    build(store.all(), embedder(settings.knowledge.embedder), cache, _Progress("index"))
    _tell(merges, as_json)


def _read(
    source: str,
    mapping: tuple[str, ...],
    origin: str,
    folder: Path,
    audience: str,
    settings: Settings,
) -> dict[str, list[Article]]:
    if source == "gov24":
        client = gov24.Gov24(
            settings.knowledge.gov24_key.get_secret_value(),
            settings.app.data_dir / "knowledge" / "gov24",
            settings.knowledge.gov24_url,
        )
        return {gov24.ORIGIN: client.fetch(_say)}
    if source == "bokjiro":
        return _bokjiro(folder, audience)
    path = Path(source)
    if path.suffix.lower() == ".json" and not mapping:
        data = bokjiro.read_json(path)
        if bokjiro.is_booklet(data):
            return {bokjiro.BOOKLET: bokjiro.booklet(data, bokjiro.BOOKLET_DAY)}
        if bokjiro.is_services(data):
            return {bokjiro.LIST: bokjiro.services(data, {}, BOKJIRO_DAY, audience)}
    name = origin or path.stem.lower()
    rows = tables.read_rows(path)
    return {name: tables.articles(rows, tables.parse_map(mapping), name)}


def _bokjiro(folder: Path, audience: str) -> dict[str, list[Article]]:
    """Return the service list with its details, from the newest file of each name in `folder`."""
    lists = sorted(folder.glob("bokjiro_services*.json"))
    if not lists:
        raise SourceError(
            f"{folder}: has no bokjiro_services*.json. Name the folder with --folder."
        )
    details = sorted(folder.glob("bokjiro_details*.json"))
    return {
        bokjiro.LIST: bokjiro.services(
            bokjiro.read_json(lists[-1]),
            bokjiro.read_json(details[-1]) if details else {},
            BOKJIRO_DAY,
            audience,
        )
    }


def _say(name: str, done: int, total: int) -> None:
    click.echo(f"{name}: {done}/{total}", err=True)


def _tell(merges: dict[str, Merge], as_json: bool) -> None:
    if as_json:
        fields = {
            name: {key: len(getattr(m, key)) for key in ("added", "updated", "unchanged", "kept")}
            | {"vanished": list(m.vanished)}
            for name, m in merges.items()
        }
        click.echo(json.dumps(fields, ensure_ascii=False))
        return
    for name, m in merges.items():
        click.echo(
            f"{name}: {len(m.added)} added, {len(m.updated)} updated, {len(m.unchanged)} the same, "
            f"{len(m.kept)} kept as edited, {len(m.vanished)} vanished"
        )
        for gone in m.vanished:
            click.echo(f"  vanished: {gone}")


class _Progress:
    """Says on stderr how far a long work is, at each tenth."""

    def __init__(self, label: str):
        self._label = label
        self._tenth = -1

    def __call__(self, done: int, total: int) -> None:
        tenth = done * 10 // max(total, 1)
        if tenth != self._tenth:
            self._tenth = tenth
            click.echo(f"{self._label}: {done}/{total}", err=True)
