"""Wav2Lip in a call: chosen by measured speed, painted ahead, left where it cannot keep up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.face import live_choice
from media.face.counsellor import Counsellor
from media.face.easel import BATCH, Easel, Painter
from media.face.live import EASE, LiveFace
from media.face.live_choice import DRAWN, VISEMES, WAV2LIP, LiveFaces
from media.face.live_wav2lip import LOOKED_AT, PaintedFace
from media.face.portrait import Portrait
from media.face.wav2lip import SHOWN, Wav2LipFace
from media.sync import loudness
from media.types import FRAME_RATE, Audio, FloatArray, Speech

torch = pytest.importorskip("torch", reason="Wav2Lip needs the extra `neural`")

from media.networks.gpu import TorchPainter  # noqa: E402
from media.networks.wav2lip import Generator  # noqa: E402

MOUTH = np.s_[78:84, 60:68]
"""Where the mouth of the 128 pixels is."""


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SILVERLINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        # To find the ranges of int8 takes half a minute; it has tests of its own.
        patched.setattr("media.networks.runtime.can_quantise", lambda: False)
        yield


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    drawn = next(iter(Counsellor().listening(0.04)))
    cv2.imwrite(str(path), np.ascontiguousarray(drawn[:, :, ::-1]))
    return path


@pytest.fixture(scope="module")
def network() -> Generator:
    torch.manual_seed(3)
    return Generator(0.25).eval()


@pytest.fixture(scope="module")
def checkpoint(network: Generator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "wav2lip.pth"
    torch.save({"state_dict": network.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def portrait(photo: Path) -> Portrait:
    built = Portrait(photo, 128)
    built.warm_up()
    return built


class Loud:
    """Paints each window as bright as it is loud, and waits for `open` before it does."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.painted = 0

    def paint(self, windows: FloatArray, faces: FloatArray) -> FloatArray:
        assert faces.shape == (1, 6, 96, 96)
        assert len(windows) <= 2 * BATCH
        self.open.wait(20)
        self.painted += len(windows)
        level = (windows[:, :, :3].mean(axis=(1, 2)) + 4) / 8
        return np.broadcast_to(level[:, None, None, None], (len(windows), 3, 96, 96)).copy()


@pytest.fixture
def painter() -> Loud:
    return Loud()


@pytest.fixture
def easel(portrait: Portrait, painter: Loud) -> Iterator[Easel]:
    made = Easel(portrait, painter)
    yield made
    painter.open.set()
    made.close()


def noise(seconds: float, seed: int = 7) -> Speech:
    draw = np.random.default_rng(seed)
    level = np.repeat(draw.uniform(0.05, 0.6, round(seconds * FRAME_RATE / 3) + 1), 3)
    samples = draw.standard_normal(len(level) * 960) * np.repeat(level, 960)
    return Speech("", Audio(samples[: round(seconds * 24000)].astype(np.float32), 24000))


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def all_there(face: PaintedFace) -> bool:
    with face._lock:
        return all(mouth is not None for mouth in face._mouths.values())


def unhurried(face: PaintedFace) -> PaintedFace:
    """Let the call begin a minute later, so that a busy machine paints everything in time."""
    face._clock = (time.monotonic() + 60, 0)
    return face


def test_painted_mouths_go_with_the_sound(easel: Easel, painter: Loud) -> None:
    face = PaintedFace(easel, 3.0, lambda: None)
    said = noise(3.0)
    face.frame(0.0)
    unhurried(face).say(said, 1.02)
    until(lambda: all_there(face))
    assert face.lead == pytest.approx(BATCH / FRAME_RATE / 3)
    frames = np.stack([face.frame(n / FRAME_RATE) for n in range(110)])
    assert frames.shape == (110, 128, 128, 3)
    seen = frames[26 : 26 + 74][(slice(None), *MOUTH)].mean(axis=(1, 2, 3))
    loud = np.log(loudness(said.audio, 74) + 0.05)
    fits = [np.corrcoef(seen[5 + shift : 69 + shift], loud[5:69])[0, 1] for shift in range(-5, 6)]
    assert abs(int(np.argmax(fits)) - 5) <= 1
    assert max(fits) > 0.6
    assert face.counts["mouths"] > 60
    assert face.counts["mouths_missed"] == 0
    assert not face._mouths or min(face._mouths) >= 109 - FRAME_RATE


def test_silence_is_not_painted(easel: Easel, painter: Loud) -> None:
    face = PaintedFace(easel, 3.0, lambda: None)
    face.say(Speech("", Audio(np.zeros(24000, np.float32), 24000)), 0.5)
    assert not face._mouths
    assert painter.painted == 0
    rest = LiveFace(easel.portrait.draw, easel.portrait.size)
    assert (face.frame(1.0) == rest.frame(1.0)).all()


def test_what_is_late_is_moved_by_visemes_and_then_given_up(easel: Easel, painter: Loud) -> None:
    painter.open.clear()
    face = PaintedFace(easel, 3.0, lambda: None, seed=4)
    plain = LiveFace(easel.portrait.draw, easel.portrait.size, seed=4)
    said = noise(4.0)
    face.say(said, 0.0)
    plain.say(said, 0.0)
    shown = [
        (face.frame(n / FRAME_RATE) == plain.frame(n / FRAME_RATE)).all()
        for n in range(LOOKED_AT + 5)
    ]
    assert all(shown)
    assert face.missed >= LOOKED_AT
    painter.open.set()
    face.say(noise(1.0), 5.0)
    assert not [n for n in face._mouths if n >= 5 * FRAME_RATE]


def test_a_hushed_face_comes_to_rest(easel: Easel, painter: Loud) -> None:
    face = PaintedFace(easel, 3.0, lambda: None)
    unhurried(face).say(noise(3.0), 0.0)
    until(lambda: all_there(face))
    face.frame(0.96)
    face.hush(1.0)
    assert max(face._mouths) == FRAME_RATE + EASE - 1
    rest = easel.rest
    apart = [np.abs(face._mouths[25 + n] / 255 - rest).mean() for n in range(EASE)]
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 0.01
    before = painter.painted
    unhurried(face).say(noise(1.0), 1.2)
    until(lambda: painter.painted > before)


def test_orders_that_nobody_wants_are_not_painted(portrait: Portrait, painter: Loud) -> None:
    painter.open.clear()
    easel = Easel(portrait, painter)
    taken: list[int] = []
    windows = np.full((30, 80, 16), 1.0, np.float32)
    soon, wanted = time.monotonic() + 30, [True]
    easel.order(windows, 0, soon, lambda: wanted[0], lambda frame, _: taken.append(frame))
    easel.order(windows, 100, soon - 5, lambda: True, lambda frame, _: taken.append(frame))
    easel.order(windows, 200, soon - 99, lambda: True, lambda frame, _: taken.append(frame))
    time.sleep(0.1)
    wanted[0] = False
    painter.open.set()
    until(lambda: len(taken) >= 30)
    easel.close()
    # What is due first goes first; what is too late never does.
    assert taken == list(range(100, 130))
    assert easel.order(windows, 0, soon, lambda: True, lambda frame, _: None) == []


class Slow(Loud):
    """Takes its time."""

    def paint(self, windows: FloatArray, faces: FloatArray) -> FloatArray:
        time.sleep(0.05)
        return super().paint(windows, faces)


def chosen(
    monkeypatch: pytest.MonkeyPatch, photo: Path, needed: float, *painters: tuple[str, Painter]
) -> LiveFaces:
    monkeypatch.setattr(live_choice, "_painters", lambda face: iter(painters))
    faces = LiveFaces(Wav2LipFace(photo, "none.pth", size=128), needed)
    assert faces.choose() is faces.shown
    return faces


def test_the_first_that_keeps_up_is_taken(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    faces = chosen(monkeypatch, photo, 1e-3, ("gpu", Loud()), ("cpu", Slow()))
    shown = faces.shown
    assert (shown.engine, shown.device, shown.needed) == (WAV2LIP, "gpu", 1e-3)
    assert shown.places == int(shown.speed / 1e-3)
    face = faces.open(1)
    assert isinstance(face, PaintedFace)
    face.close()
    face.close()
    assert faces._taken == 0
    faces.close()


def test_more_calls_than_it_keeps_up_with_get_visemes(
    monkeypatch: pytest.MonkeyPatch, photo: Path
) -> None:
    monkeypatch.setattr(Easel, "measure", lambda easel, enough: 3.8)
    faces = chosen(monkeypatch, photo, 2.0, ("cpu", Loud()))
    assert faces.shown.places == 1
    first, second = faces.open(1), faces.open(2)
    assert isinstance(first, PaintedFace)
    assert not isinstance(second, PaintedFace)
    second.close()
    first.close()
    assert isinstance(faces.open(3), PaintedFace)
    faces.close()


def test_a_machine_that_is_too_slow_shows_visemes(
    monkeypatch: pytest.MonkeyPatch, photo: Path
) -> None:
    faces = chosen(monkeypatch, photo, 1e6, ("gpu", Slow()), ("cpu", Loud()))
    assert faces.shown.engine == VISEMES
    assert faces.shown.device == "cpu"
    assert faces.shown.speed > 0
    assert faces.shown.places == 0
    assert not isinstance(faces.open(), PaintedFace)


def test_without_network_or_wish_nothing_is_measured(photo: Path) -> None:
    faces = LiveFaces(Wav2LipFace(photo, "none.pth", size=128))
    assert faces.choose().engine == VISEMES
    assert "checkpoint" in faces.shown.why
    assert LiveFaces(Portrait(photo, 128)).choose().engine == VISEMES
    assert LiveFaces(Counsellor(size=64)).choose().engine == DRAWN
    assert faces.open(1).frame(0.0).shape == (128, 128, 3)


def test_the_real_network_moves_the_face(photo: Path, checkpoint: Path) -> None:
    wanted = Wav2LipFace(photo, checkpoint, size=128)
    assert LiveFaces(wanted, 1e6).choose().engine == VISEMES
    faces = LiveFaces(wanted, 1e-3)
    assert faces.choose().engine == WAV2LIP
    face = faces.open(2)
    assert isinstance(face, PaintedFace)
    plain = LiveFace(wanted.portrait.draw, wanted.size, seed=2)
    face.frame(0.0)
    plain.frame(0.0)
    said = noise(1.0)
    unhurried(face).say(said, 9.0)
    plain.say(said, 9.0)
    until(lambda: all_there(face))
    ours, visemes = face.frame(9.4), plain.frame(9.4)
    changed = np.argwhere((ours != visemes).any(axis=2))
    eyes = wanted.portrait.mesh.points[[33, 263], 1].max()
    assert len(changed) > 50
    assert np.percentile(changed[:, 0], 5) > eyes
    faces.close()


def test_torch_paints_what_the_network_says(network: Generator, checkpoint: Path) -> None:
    draw = np.random.default_rng(1)
    windows = draw.uniform(-4, 4, (3, 80, 16)).astype(np.float32)
    faces = draw.uniform(0, 1, (3, 6, 96, 96)).astype(np.float32)
    given = TorchPainter(None, "cpu", half=False, network=network, top=SHOWN)
    loaded = TorchPainter(checkpoint, "cpu", half=False, top=SHOWN)
    for shown in (faces, faces[:1]):
        with torch.inference_mode():
            every = np.repeat(shown, 3, axis=0) if len(shown) == 1 else shown
            exact = network(torch.from_numpy(windows[:, None]), torch.from_numpy(every)).numpy()
        for painter in (given, loaded):
            painted = painter.paint(windows, shown)
            assert (painted[:, :, :SHOWN] == shown[:, 3:, :SHOWN]).all()
            assert np.abs(painted - exact)[:, :, SHOWN:].max() < 1e-4
