"""What each counsellor looks like: colours, and the few measures in which they differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """Colours (`#rrggbb`) and measures of one counsellor."""

    name: str
    skin: str
    skin_light: str
    skin_shade: str
    skin_deep: str
    blush: str
    lip: str
    lip_deep: str
    lip_light: str
    hair: str
    hair_dark: str
    hair_light: str
    iris: str
    iris_dark: str
    top: str
    top_shade: str
    top_light: str
    shirt: str
    shirt_shade: str
    wall: str
    wall_light: str
    iris_light: str = "#a8764e"
    lash: str = "#24140f"
    brow: str = "#4a342b"
    eye_open: float = 1.0
    """1 is wide open at rest."""
    crease: float = 1.0
    """How high the fold of the upper lid lies."""
    lips: float = 1.0
    """Fullness of the lips."""
    male: bool = False
    """Short hair, broad brows, no lashes, glasses."""


SUNNY = Look(
    name="sunny",
    skin="#f4cfb4",
    skin_light="#ffe9d8",
    skin_shade="#dfa98c",
    skin_deep="#b87a61",
    blush="#ea9483",
    lip="#cf6f6b",
    lip_deep="#a5484a",
    lip_light="#ec9f98",
    hair="#3b2a25",
    hair_dark="#1f1513",
    hair_light="#7a5747",
    iris="#5b3a26",
    iris_dark="#24140d",
    top="#5f8f8b",
    top_shade="#3d6a69",
    top_light="#86b0aa",
    shirt="#fbf4ea",
    shirt_shade="#d9c9b6",
    wall="#e9dccb",
    wall_light="#fbf3e6",
)

HANEUL = Look(
    name="haneul",
    skin="#ecc3a3",
    skin_light="#fbdfc8",
    skin_shade="#d09a7a",
    skin_deep="#a56b50",
    blush="#dd8f78",
    lip="#c27a6b",
    lip_deep="#96534a",
    lip_light="#dc9d8e",
    hair="#2b2422",
    hair_dark="#151110",
    hair_light="#5c4d46",
    iris="#4a3022",
    iris_dark="#1d110b",
    top="#4a5f7f",
    top_shade="#2f405c",
    top_light="#6d84a6",
    shirt="#f4f6f8",
    shirt_shade="#c8ced6",
    wall="#dfe0da",
    wall_light="#f6f4ec",
    brow="#2d2320",
    eye_open=0.9,
    crease=0.85,
    lips=0.8,
    male=True,
)

LOOKS = {look.name: look for look in (SUNNY, HANEUL)}
