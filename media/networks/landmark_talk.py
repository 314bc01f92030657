"""MakeItTalk's networks at work: from a sound to moves of 68 landmarks, and to pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from media.errors import MediaError
from media.face.makeittalk_content import content_windows
from media.networks.autovc import EVERY, AutoVC
from media.networks.checkpoint import load_checkpoint, notes_of
from media.networks.image_translation import ImageTranslation
from media.networks.makeittalk import LANDMARKS, ContentBranch, SpeakerBranch
from media.networks.mel import RATE, content_mel
from media.types import Audio, FloatArray, Frame

Points = NDArray[np.float64]

PUBLISHED_GAIN = 2.0
"""By how much published content branches' moves of the lips are enlarged, as published."""
_LONGEST = 400
"""Frames of one pass of the speaker branch, whose positions end at 512."""
_PITCHES = 256


class LandmarkTalk:
    """Content and speaker branch with their weights; without AutoVC they hear the mel itself."""

    def __init__(
        self,
        content: Path,
        speaker: Path | None = None,
        autovc: Path | None = None,
        embedding: Path | None = None,
        threads: int = 2,
    ) -> None:
        self.files = (content, speaker, autovc, embedding)
        self.threads = threads

    @cached_property
    def content(self) -> ContentBranch:
        """The content branch with its weights."""
        network = ContentBranch()
        load_checkpoint(network, self.files[0], "model_g_face_id")
        return network.eval()

    @cached_property
    def notes(self) -> dict[str, float]:
        """What our training noted beside the weights: `before` and `gain`."""
        found = notes_of(self.files[0])
        kept: dict[str, float] = json.loads(found.get("silverline", "{}"))
        return {"before": 0.0, "gain": PUBLISHED_GAIN} | kept

    @cached_property
    def speaker(self) -> SpeakerBranch | None:
        """The speaker branch, where its checkpoint is given."""
        if self.files[1] is None:
            return None
        network = SpeakerBranch()
        load_checkpoint(network, self.files[1], "G")
        return network.eval()

    @cached_property
    def autovc(self) -> AutoVC | None:
        """The content encoder, where its checkpoint is given."""
        if self.files[2] is None:
            return None
        network = AutoVC()
        load_checkpoint(network, self.files[2], "model")
        return network.eval()

    @cached_property
    def embedding(self) -> FloatArray:
        """The speaker's 256 numbers; zeros where none are given. MediaError `bad_embedding`."""
        path = self.files[3]
        if path is None:
            return np.zeros(256, np.float32)
        try:
            values = np.asarray(np.load(path, allow_pickle=False), np.float32).ravel()
        except (OSError, ValueError) as error:
            raise _bad_embedding(path, str(error)) from error
        if values.shape != (256,):
            raise _bad_embedding(path, f"it holds {values.size} numbers")
        return values

    def warm_up(self) -> None:
        """Load the networks and let them hear a moment of silence."""
        self.moves(Audio(np.zeros(RATE // 2, np.float32), RATE), 5, np.zeros((68, 3)))

    @torch.inference_mode()
    def moves(self, audio: Audio, frames: int, rest: Points) -> tuple[Points, Points]:
        """Return what content and speaker do (frames, 68, 3 each) to `rest` (68, 3), in normal
        form, for `audio` at 16 kHz."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            windows = torch.from_numpy(
                content_windows(self._codes(audio), frames, round(self.notes["before"]))
            )
            face = torch.from_numpy(rest.reshape(1, LANDMARKS).astype(np.float32))
            said = torch.cat([self.content(part, face) for part in windows.split(256)])
            done = torch.zeros_like(said)
            if self.speaker is not None:
                done = torch.cat([self._speaker(part) for part in windows.split(_LONGEST)])
        finally:
            torch.set_num_threads(before)
        content, speaker = (_smooth(part.numpy().reshape(-1, 68, 3)) for part in (said, done))
        return self.notes["gain"] * content, speaker

    def _speaker(self, windows: torch.Tensor) -> torch.Tensor:
        assert self.speaker is not None
        code = torch.from_numpy(self.embedding)[None].expand(len(windows), -1)
        moved: torch.Tensor = self.speaker(windows, code, torch.zeros(len(windows), 128))[0]
        return moved

    def _codes(self, audio: Audio) -> FloatArray:
        """Return the content (columns, 80) of `audio`: AutoVC's, or the mel spectrogram."""
        mel = content_mel(audio)
        if self.autovc is None:
            return mel
        columns = len(mel)
        mel = np.pad(mel, ((0, -columns % EVERY), (0, 0)), mode="edge")
        one = torch.from_numpy(self.embedding)[None]
        pitch = torch.from_numpy(_pitch(audio, len(mel)))[None]
        said = self.autovc(torch.from_numpy(mel)[None], one, one, pitch)[1][0, :columns].numpy()
        # The branches were trained on codes of mean 0 and deviation 1.
        codes = (said - said.mean(axis=0)) / np.maximum(said.std(axis=0), 1e-3)
        return np.asarray(codes, np.float32)


class Painter:
    """The image-translation network with its checkpoint."""

    batch = 4
    side = 256

    def __init__(self, checkpoint: Path, threads: int = 2) -> None:
        self.checkpoint = checkpoint
        self.threads = threads

    @cached_property
    def network(self) -> ImageTranslation:
        """The network with its weights."""
        network = ImageTranslation()
        load_checkpoint(network, self.checkpoint, "G")
        return network.eval()

    def warm_up(self) -> None:
        """Load the network."""
        _ = self.network

    @torch.inference_mode()
    def paint(self, sketches: Sequence[Frame], picture: Frame) -> list[Frame]:
        """Return `picture` (h, w, 3) with the face of each of the drawn landmarks, (h, w, 3)."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            small = _network_picture(picture, self.side)
            shown = np.stack([_network_picture(sketch, self.side) for sketch in sketches])
            both = np.concatenate((shown, np.broadcast_to(small, shown.shape)), axis=1)
            # The published code puts the network's output through tanh once more.
            drawn = torch.tanh(self.network(torch.from_numpy(np.ascontiguousarray(both)))).numpy()
        finally:
            torch.set_num_threads(before)
        size = picture.shape[1::-1]
        frames = (drawn.transpose(0, 2, 3, 1).clip(0, 1) * 255).astype(np.uint8)
        return [
            np.ascontiguousarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)
            for frame in frames
        ]


def _network_picture(picture: Frame, side: int) -> FloatArray:
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small.transpose(2, 0, 1) / 255.0, np.float32)


def _smooth(track: NDArray[np.float32]) -> Points:
    """Return `track` (n, 68, 3) without what is quicker than lips: a parabola over five frames."""
    if len(track) < 5:
        return track.astype(np.float64)
    return np.asarray(savgol_filter(track.astype(np.float64), 5, 2, axis=0))


def _pitch(audio: Audio, columns: int) -> FloatArray:
    """Return the pitch of each column (columns, 257) one-hot: 256 steps of its logarithm, from
    four deviations below its mean to four above, and unvoiced."""
    import librosa

    hop = 256
    frequency = librosa.yin(audio.samples, fmin=50, fmax=500, sr=audio.rate, hop_length=hop)
    level = librosa.feature.rms(y=audio.samples, frame_length=1024, hop_length=hop)[0]
    count = min(len(frequency), len(level), columns)
    voiced = np.zeros(columns, bool)
    voiced[:count] = (level[:count] > 0.05 * level.max()) & (frequency[:count] < 450)
    log = np.zeros(columns)
    log[:count] = np.log(np.maximum(frequency[:count], 50))
    steps = np.full(columns, _PITCHES)
    if voiced.any():
        mean, spread = log[voiced].mean(), max(float(log[voiced].std()), 1e-3)
        place = np.clip((log - mean) / spread / 4, -1, 1) / 2 + 0.5
        steps[voiced] = np.round(place[voiced] * (_PITCHES - 1)).astype(int)
    return np.asarray(np.eye(_PITCHES + 1, dtype=np.float32)[steps])


def _bad_embedding(path: Path, why: str) -> MediaError:
    return MediaError(
        "bad_embedding",
        f"{path.name} is no speaker embedding: {why}.",
        "Give a .npy file of 256 numbers, or leave `embedding` out.",
    )
