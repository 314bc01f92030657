"""Which clips are found, when their sentences are spoken, and how they are parted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from media.errors import MediaError
from media.train.clips import Clip, find_clips, parted, sentences


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def label(path: Path, *spans: tuple[float, float]) -> Path:
    """A label file as AI Hub's lip-reading set has it."""
    told = [
        {"ID": i, "topic": "news", "sentence_text": "말", "start_time": a, "end_time": b}
        for i, (a, b) in enumerate(spans, 1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = [{"Video_info": {"FPS": 30}, "Sentence_info": told}]
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_any_folder_of_videos_is_read(tmp_path: Path) -> None:
    touch(tmp_path / "b" / "two.MP4")
    touch(tmp_path / "one.mpg")
    touch(tmp_path / "a" / "one.mpg")
    touch(tmp_path / "one.align")
    clips = find_clips(tmp_path)
    assert [clip.name for clip in clips] == ["one", "two", "one+"]
    assert all(clip.spans == () and clip.sound is None for clip in clips)


def test_a_korean_lip_reading_set_is_read(tmp_path: Path) -> None:
    name = "lip_J_1_F_02_C032_{}_002"
    for camera in "ABI":
        touch(tmp_path / "원천데이터" / f"{name.format(camera)}.mp4")
    sound = touch(tmp_path / "원천데이터" / f"{name.format('A')}.wav")
    label(tmp_path / "라벨링데이터" / f"{name.format('A')}.json", (8.5, 12.0), (0.9, 7.8), (3, 3))
    (clip,) = find_clips(tmp_path)
    assert clip.sound == sound
    assert clip.spans == ((0.9, 7.8), (8.5, 12.0))
    assert clip.group == "lip_J_1_F_02_C032_002"


def test_what_is_no_label_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in ("{", "[]", '[{"Sentence_info": [{"start_time": 1}]}]'):
        path.write_text(content)
        with pytest.raises(MediaError) as caught:
            sentences(path)
        assert caught.value.code == "bad_label"


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no videos"):
        find_clips(tmp_path)


def test_clips_are_parted_alike_everywhere_and_groups_stay_together() -> None:
    clips = [Clip(f"c{i}", Path(f"c{i}.mp4"), group=f"g{i // 2}") for i in range(60)]
    parts = parted(clips)
    assert parts == parted(clips[::-1])
    assert all(parts[f"c{2 * i}"] == parts[f"c{2 * i + 1}"] for i in range(30))
    counts = {part: list(parts.values()).count(part) for part in set(parts.values())}
    assert counts == {"train": 48, "validation": 6, "test": 6}
    few = parted([Clip(name, Path(name)) for name in "abc"])
    assert sorted(few.values()) == ["test", "train", "validation"]
    with pytest.raises(MediaError, match="at least three"):
        parted(clips[:4])
