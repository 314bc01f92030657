"""A folder with all that a distillation needs on a machine that has a GPU but no connection."""

from __future__ import annotations

import hashlib
import json
import lzma
import shutil
from pathlib import Path

import numpy as np

import media
from media.speak.kokoro_engine import styles
from media.speak.kokoro_graph import prepare
from media.train.lessons import Lines, write_lines

_PART = 45_000_000
"""Bytes of a piece of the teacher, so that it travels where a call carries little."""
_CODE = (
    "__init__.py", "errors.py", "types.py", "weights.py", "speech_file.py",
    "speak/__init__.py", "speak/acoustics.py", "speak/timings.py", "speak/kokoro_graph.py",
    "speak/kokoro_dequantise.py", "speak/kokoro_source.py", "speak/korean.py",
    "speak/korean.npz", "speak/phonemes.py", "speak/hangul.py",
    "networks/__init__.py", "networks/jets.py",
    "train/__init__.py", "train/discriminators.py", "train/distil.py", "train/distil_job.py",
    "train/distil_run.py", "train/lessons.py", "train/onnx_torch.py", "train/run.py",
    "train/teacher.py",
)  # fmt: skip
"""The modules that need no more than numpy, scipy, onnx, torch and safetensors."""


def pack(folder: Path, lines: Lines, style: str) -> list[Path]:
    """Write the kit into `folder`; return its files. `style` is the teacher's."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _CODE:
        target = folder / "code" / "media" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(media.__file__).parent / name, target)
    shutil.copy(Path(__file__).with_name("kit.sh"), folder / "run.sh")
    (folder / "run.sh").chmod(0o755)
    np.save(folder / "style.npy", styles()[style])
    write_lines(lines, folder / "lines.json")
    with lzma.open(folder / "lines.json.xz", "wb") as out:
        out.write((folder / "lines.json").read_bytes())
    (folder / "lines.json").unlink()
    whole = prepare().published.read_bytes()
    digest = hashlib.sha256(whole).hexdigest()
    (folder / "kokoro.sha256").write_text(f"{digest}  unchecked\n", encoding="utf-8")
    for number, start in enumerate(range(0, len(whole), _PART)):
        (folder / f"kokoro.part.{number}").write_bytes(whole[start : start + _PART])
    (folder / "kit.json").write_text(
        json.dumps({"sentences": len(lines.lines), "style": style, "tokens": len(lines.tokens)})
    )
    return sorted(path for path in folder.rglob("*") if path.is_file())
