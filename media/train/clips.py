"""Finding talking clips in a folder, and parting them for training.

Two layouts are read: any folder of videos with sound, and the AI Hub Korean lip-reading set
(dataSetSn=538), in which a JSON file beside or elsewhere under the folder says when each sentence
of the video of the same name is spoken, and a WAV file has the sound once more.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from media.errors import MediaError

VIDEOS = frozenset({".mp4", ".mpg", ".mpeg", ".mov", ".mkv", ".webm", ".avi"})
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
SHARE = 0.1
"""Of the groups that go to validation, and as many to the test."""
_ANGLE = re.compile(r"^(lip_[A-Z]_.*)_([A-I])_(\d+)$")
"""lip_J_1_F_02_C032_A_002: speaker C032 by camera A, which is in front; session 2."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A video of one talking face.

    `sound` is a WAV file for a video without sound; `spans` are its sentences (start, end) in
    seconds, empty for the whole. Clips of one `group` show the same speech and stay together.
    """

    name: str
    video: Path
    sound: Path | None = None
    spans: tuple[tuple[float, float], ...] = ()
    group: str = ""


def find_clips(folder: Path) -> list[Clip]:
    """Return the clips under `folder`, by name.

    Of AI Hub's nine cameras only A, in front, is taken. MediaError `no_clips` where there is none,
    `bad_label` for a JSON file beside a video that is not as published.
    """
    videos = sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEOS and p.is_file())
    labels = {path.stem: path for path in sorted(folder.rglob("*.json"))}
    sounds = {path.stem: path for path in sorted(folder.rglob("*.wav"))}
    clips: dict[str, Clip] = {}
    for video in videos:
        angle = _ANGLE.match(video.stem)
        if angle and angle[2] != "A":
            continue
        name = video.stem
        while name in clips:
            name += "+"
        label = labels.get(video.stem)
        clips[name] = Clip(
            name,
            video,
            sounds.get(video.stem),
            sentences(label) if label else (),
            f"{angle[1]}_{angle[3]}" if angle else name,
        )
    if not clips:
        raise MediaError(
            "no_clips",
            f"There are no videos under {folder}.",
            "Give a folder of talking clips (mp4, mpg, mov, mkv, webm or avi).",
        )
    return list(clips.values())


def sentences(label: Path) -> tuple[tuple[float, float], ...]:
    """Return when each sentence of an AI Hub label file is spoken, (start, end) in seconds."""
    try:
        content: Any = json.loads(label.read_text(encoding="utf-8-sig"))
        entry = content[0] if isinstance(content, list) else content
        spans = [(float(s["start_time"]), float(s["end_time"])) for s in entry["Sentence_info"]]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise MediaError(
            "bad_label",
            f"{label.name} does not say when its sentences are spoken: {error!r}.",
            "It must be a label of AI Hub's lip-reading set (Sentence_info with start_time and "
            "end_time), or not lie under the folder.",
        ) from error
    return tuple((start, end) for start, end in sorted(spans) if end > start >= 0)


def parted(clips: Sequence[Clip]) -> dict[str, Part]:
    """Return the part of each clip, by name: a tenth of the groups to validation and to the test.

    The order is that of the groups' CRC-32, so that a folder is parted alike everywhere.
    MediaError `few_clips` under three groups.
    """
    groups = sorted({clip.group or clip.name for clip in clips}, key=_order)
    if len(groups) < len(PARTS):
        raise MediaError(
            "few_clips",
            f"{len(groups)} clip(s) cannot be parted into training, validation and test.",
            "Give at least three.",
        )
    held = max(1, round(SHARE * len(groups)))
    part: dict[str, Part] = dict.fromkeys(groups, "train")
    part |= dict.fromkeys(groups[:held], "test")
    part |= dict.fromkeys(groups[held : 2 * held], "validation")
    return {clip.name: part[clip.group or clip.name] for clip in clips}


def _order(group: str) -> tuple[int, str]:
    return zlib.crc32(group.encode()), group
