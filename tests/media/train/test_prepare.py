"""Clips become sentences of crops, sound and landmarks, once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from media.errors import MediaError
from media.speech_file import write_wav
from media.train.clips import find_clips, parted
from media.train.prepare import prepare, read
from tests.media.talkers import babble


@pytest.fixture(scope="module")
def prepared(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    out, told = tmp_path_factory.mktemp("prepared"), []
    found = find_clips(clips)
    prepare(found, parted(found), out, told.append)
    return out, told


def test_a_clip_becomes_one_sentence(prepared: tuple[Path, list[str]]) -> None:
    out, told = prepared
    sentence = read(out / "c0.0.npz")
    frames = len(sentence.crops)
    assert 35 <= frames <= 45
    assert sentence.crops.shape[1:] == (96, 96, 3)
    assert sentence.points.shape == (frames, 468, 3)
    assert abs(sentence.mel.shape[1] - 3.2 * frames) < 8
    assert abs(len(sentence.content) - 2.5 * frames) < 6
    # Blue, green, red: the drawn skin is warm.
    assert sentence.crops[..., 2].mean() > sentence.crops[..., 0].mean() + 20
    assert len(told) == 1
    assert told[0].startswith("grey: Most of the video shows no face.")


def test_what_is_prepared_is_not_made_again(clips: Path, prepared: tuple[Path, list[str]]) -> None:
    out, _ = prepared
    found = find_clips(clips)
    before = {file: file.stat().st_mtime_ns for file in out.glob("*.npz")}
    told: list[str] = []
    assert set(prepare(found, parted(found), out, told.append)) == set(before)
    assert before == {file: file.stat().st_mtime_ns for file in out.glob("*.npz")}
    assert "grey" in told[0]


def test_sentences_of_a_labelled_video_are_cut_out(clips: Path, tmp_path: Path) -> None:
    name = "lip_J_1_F_02_C032_A_002"
    shutil.copy(clips / "c0.mp4", tmp_path / f"{name}.mp4")
    write_wav(babble(0).audio, tmp_path / f"{name}.wav")
    spans = [(0.0, 1.1), (1.2, 1.3), (0.5, 1.6)]
    told = [{"start_time": a, "end_time": b} for a, b in spans]
    (tmp_path / f"{name}.json").write_text(json.dumps([{"Sentence_info": told}]))
    found = find_clips(tmp_path)
    files = prepare(found, {name: "train"}, tmp_path / "out")
    # The second is too short, and the third begins within the first.
    assert [file.name for file in files] == [f"{name}.0.npz"]
    sentence = read(files[0])
    assert len(sentence.crops) == 28
    assert sentence.mel.shape[1] == pytest.approx(28 * 3.2, abs=3)
    assert np.abs(sentence.mel - read_mel(clips)[:, : sentence.mel.shape[1]]).mean() < 0.4


def read_mel(clips: Path) -> np.ndarray:
    from media.clip import sound
    from media.networks.mel import wav2lip_mel

    return wav2lip_mel(sound(clips / "c0.mp4"))


def test_clips_without_a_face_are_no_training(clips: Path, tmp_path: Path) -> None:
    shutil.copy(clips / "grey.mp4", tmp_path / "grey.mp4")
    with pytest.raises(MediaError, match="None of the clips"):
        prepare(find_clips(tmp_path), {"grey": "train"}, tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="cannot be written"):
        prepare(find_clips(tmp_path), {"grey": "train"}, tmp_path / "file")
