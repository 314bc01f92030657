from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from media.errors import MediaError
from media.weights import KOKORO, WHISPER_BASE, ModelFile, Part, assemble, cache_folder

WHOLE = b"first half, second half"


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelFile, ...]:
    """A model file in two packages that can be imported."""
    for name, data in (("carrier_one", WHOLE[:11]), ("carrier_two", WHOLE[11:])):
        package = tmp_path / "site" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "part.bin").write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    digest = hashlib.sha256(WHOLE).hexdigest()
    pieces = (Part("carrier_one", "part.bin"), Part("carrier_two", "part.bin"))
    return (ModelFile("model.bin", digest, pieces),)


def test_parts_become_one_checked_file(parts: tuple[ModelFile, ...], tmp_path: Path) -> None:
    folder = assemble("tiny", parts, tmp_path / "cache")
    assert (folder / "model.bin").read_bytes() == WHOLE
    assert [p.name for p in folder.iterdir()] == ["model.bin"]


def test_whole_file_is_not_written_again(parts: tuple[ModelFile, ...], tmp_path: Path) -> None:
    file = assemble("tiny", parts, tmp_path / "cache") / "model.bin"
    os.utime(file, (1, 1))
    assemble("tiny", parts, tmp_path / "cache")
    assert file.stat().st_mtime == 1


def test_a_cut_file_is_made_anew(parts: tuple[ModelFile, ...], tmp_path: Path) -> None:
    file = assemble("tiny", parts, tmp_path / "cache") / "model.bin"
    file.write_bytes(WHOLE[:5])
    assemble("tiny", parts, tmp_path / "cache")
    assert file.read_bytes() == WHOLE


def test_parts_that_do_not_add_up_are_refused(parts: tuple[ModelFile, ...], tmp_path: Path) -> None:
    wrong = (ModelFile("model.bin", "0" * 64, parts[0].parts),)
    with pytest.raises(MediaError, match="force-reinstall carrier-one carrier-two") as caught:
        assemble("tiny", wrong, tmp_path / "cache")
    assert caught.value.code == "damaged_model"
    assert list((tmp_path / "cache" / "tiny").iterdir()) == []


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    absent = (ModelFile("model.bin", "0" * 64, (Part("no_such_carrier", "part.bin"),)),)
    with pytest.raises(MediaError, match="pip install no-such-carrier") as caught:
        assemble("tiny", absent, tmp_path)
    assert caught.value.code == "missing_model"


def test_a_folder_that_cannot_be_made_is_named(
    parts: tuple[ModelFile, ...], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(MediaError, match="SILVERLINE_CACHE") as caught:
        assemble("tiny", parts, tmp_path / "cache")
    assert caught.value.code == "no_space"


def test_many_at_once_give_one_whole_file(parts: tuple[ModelFile, ...], tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: assemble("tiny", parts, tmp_path), range(8)))
    assert set(folders) == {tmp_path / "tiny"}
    assert (tmp_path / "tiny" / "model.bin").read_bytes() == WHOLE
    assert len(list((tmp_path / "tiny").iterdir())) == 1


def test_cache_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SILVERLINE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "silverline"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "silverline"
    monkeypatch.setenv("SILVERLINE_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


@pytest.mark.parametrize("files", [WHISPER_BASE, KOKORO], ids=["whisper", "kokoro"])
def test_packaged_models_assemble(files: tuple[ModelFile, ...], tmp_path: Path) -> None:
    folder = assemble("packaged", files, tmp_path)
    assert {p.name for p in folder.iterdir()} == {file.name for file in files}
