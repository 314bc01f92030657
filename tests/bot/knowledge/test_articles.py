"""Articles from TOML, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.knowledge.articles import ArticleError, load_file, load_folder

HERE = Path(__file__).parent


def test_folder_gives_articles_with_their_topic() -> None:
    found = load_folder(HERE / "articles")
    assert len(found) == 5
    assert {article.topic for article in found} == {"견본"}
    assert found[0].documents == ("신분증", "통장 사본")


def test_our_own_articles_are_valid() -> None:
    assert load_folder(Path(__file__).parents[3] / "config" / "knowledge")


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    sample = (HERE / "articles" / "sample.toml").read_text("utf-8")
    wrong = (
        sample.replace('id = "basic-pension"', 'id = "기초연금"')
        .replace('contact_number = "1577-1000"', 'contact_number = "전화"')
        .replace('source_url = "https://www.nid.or.kr"', 'source_url = "nid"')
        .replace('title = "에너지바우처"', 'titel = "에너지바우처"')
    )
    (tmp_path / "a.toml").write_text(wrong, "utf-8")
    with pytest.raises(ArticleError) as caught:
        load_folder(tmp_path)
    message = str(caught.value)
    for part in ("id: may hold", "contact_number: must", "source_url: must", "titel: is no field"):
        assert part in message


def test_values_of_the_wrong_kind(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text(
        'topic = ""\nextra = 1\n[[article]]\nid = "a"\nquestions = []\nchecked = "2026"\n', "utf-8"
    )
    with pytest.raises(ArticleError) as caught:
        load_file(path)
    message = str(caught.value)
    for part in ("topic: is missing", "extra: is not known", "checked: must be", "questions: is e"):
        assert part in message


def test_four_sentences_are_too_many(tmp_path: Path) -> None:
    sample = (HERE / "articles" / "sample.toml").read_text("utf-8")
    path = tmp_path / "c.toml"
    path.write_text(sample.replace("받으실 수 있어요.", "받아요. 네. 네. 네. 네.", 1), "utf-8")
    with pytest.raises(ArticleError, match="at most 3"):
        load_file(path)


def test_double_ids_missing_folders_and_broken_toml(tmp_path: Path) -> None:
    sample = (HERE / "articles" / "sample.toml").read_text("utf-8")
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(sample, "utf-8")
    with pytest.raises(ArticleError, match="is also in a.toml"):
        load_folder(tmp_path)
    with pytest.raises(ArticleError, match="is no folder"):
        load_folder(tmp_path / "none")
    (tmp_path / "a.toml").write_text("topic =", "utf-8")
    with pytest.raises(ArticleError, match="not valid TOML"):
        load_file(tmp_path / "a.toml")
