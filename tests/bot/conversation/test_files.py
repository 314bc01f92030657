from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.conversation.files import FileStore, FileStoreError, plain_type


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """A store in a folder, and one that is no folder of this machine."""
    return FileStore(str(tmp_path / "files") if request.param == "folder" else "memory://files")


def test_what_is_put_is_read_back(store: FileStore, tmp_path: Path) -> None:
    content = b"\x00video" * 1000
    (tmp_path / "v").write_bytes(content)
    from_path = store.put(tmp_path / "v", "video/mp4")
    from_bytes = store.put(content, "image/jpeg")
    assert from_path.key.endswith(".mp4") and from_bytes.key.endswith(".jpg")
    for stored in (from_path, from_bytes):
        assert stored.bytes == store.size(stored.key) == len(content)
        assert stored.sha256 == hashlib.sha256(content).hexdigest()
        with store.open(stored.key) as file:
            file.seek(6)
            assert file.read(5) == b"\x00vide"
        with store.local(stored.key) as path:
            assert path.read_bytes() == content


def test_keys_are_new_each_time(store: FileStore) -> None:
    assert len({store.put(b"same", "text/weird").key for _ in range(20)}) == 20


def test_what_is_deleted_is_gone(store: FileStore) -> None:
    key = store.put(b"x", "audio/wav").key
    store.delete(key)
    store.delete(key)
    with pytest.raises(FileNotFoundError):
        store.open(key)
    with pytest.raises(FileNotFoundError):
        store.size(key)
    with pytest.raises(FileNotFoundError), store.local(key):
        pass


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "", "a/b", "x" * 22, "%2e%2e%2f" + "x" * 13 + ".mp4", "x.mp4\n"]
)
def test_what_is_no_key_is_never_a_path(store: FileStore, key: str) -> None:
    for use in (store.open, store.size, store.delete):
        with pytest.raises(FileNotFoundError):
            use(key)


def test_a_row_records_a_file(store: FileStore) -> None:
    stored = store.put(b"abc", "audio/wav")
    row = stored.record("speech", 1.5)
    assert (row.key, row.kind, row.bytes, row.seconds) == (stored.key, "speech", 3, 1.5)


def test_a_store_that_is_not_installed_says_what_to_do() -> None:
    with pytest.raises(FileStoreError, match=r"files\.url"):
        FileStore("nowhere://bucket/path")


def test_a_content_type_is_read_without_its_parameters() -> None:
    assert plain_type("Audio/OGG; codecs=opus") == "audio/ogg"
