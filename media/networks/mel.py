"""The mel spectrograms that the published networks were trained on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from media.types import FRAME_RATE, Audio, FloatArray

RATE = 16000
HOP = 200
"""Samples a column: 80 columns a second."""
WINDOW = 800
BANDS = 80
COLUMNS = 16
"""Columns of the window that goes with one frame."""


@lru_cache(maxsize=1)
def _filters() -> FloatArray:
    import librosa

    bank: FloatArray = librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS, fmin=55, fmax=7600)
    return bank


def wav2lip_mel(audio: Audio) -> FloatArray:
    """Return Wav2Lip's mel spectrogram (80, columns) of `audio` at 16 kHz, in [-4, 4].

    Pre-emphasis 0.97, Hann window of 800 samples every 200, 80 bands from 55 to 7600 Hz,
    20 dB reference, −100 dB floor. ValueError at another rate.
    """
    import librosa

    if audio.rate != RATE:
        raise ValueError(f"Wav2Lip's mel spectrogram is defined at {RATE} Hz, not {audio.rate} Hz.")
    samples = audio.samples.astype(np.float64)
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1])
    spectrum = np.abs(librosa.stft(emphasised, n_fft=WINDOW, hop_length=HOP, pad_mode="constant"))
    level = 20 * np.log10(np.maximum(1e-5, _filters() @ spectrum)) - 20
    scaled: FloatArray = np.clip(8 * (level + 100) / 100 - 4, -4, 4).astype(np.float32)
    return scaled


def wav2lip_windows(mel: FloatArray, frames: int) -> FloatArray:
    """Return (frames, 80, 16): the window of each frame of a 25 frames/s video.

    Frame i starts at column int(i · 80 / 25); past the end the last full window is repeated, as
    the published code does.
    """
    columns = mel.shape[1]
    if columns < COLUMNS:
        mel = np.pad(mel, ((0, 0), (0, COLUMNS - columns)), mode="edge")
    last = mel.shape[1] - COLUMNS
    starts = np.minimum((np.arange(frames) * 80 / FRAME_RATE).astype(int), last)
    return np.stack([mel[:, start : start + COLUMNS] for start in starts])


CONTENT_HOP = 256
"""Samples a column of MakeItTalk's spectrogram: 62.5 columns a second."""
_CONTENT_WINDOW = 1024


@lru_cache(maxsize=1)
def _content_filters() -> FloatArray:
    import librosa

    bank: FloatArray = librosa.filters.mel(
        sr=RATE, n_fft=_CONTENT_WINDOW, n_mels=BANDS, fmin=90, fmax=7600
    )
    return bank


def content_mel(audio: Audio) -> FloatArray:
    """Return AutoVC's mel spectrogram (columns, 80) of `audio` at 16 kHz, in [0, 1].

    High-pass at 30 Hz, Hann window of 1024 samples every 256, 80 bands from 90 to 7600 Hz,
    16 dB reference, −100 dB floor. ValueError at another rate.
    """
    import librosa
    from scipy.signal import butter, filtfilt

    if audio.rate != RATE:
        raise ValueError(f"AutoVC's mel spectrogram is defined at {RATE} Hz, not {audio.rate} Hz.")
    b, a = butter(5, 30 / (RATE / 2), btype="high")
    samples = np.pad(audio.samples.astype(np.float64), (0, max(0, 40 - len(audio.samples))))
    spectrum = np.abs(
        librosa.stft(filtfilt(b, a, samples), n_fft=_CONTENT_WINDOW, hop_length=CONTENT_HOP)
    )
    level = 20 * np.log10(np.maximum(1e-5, _content_filters() @ spectrum)) - 16
    scaled: FloatArray = np.clip((level + 100) / 100, 0, 1).T.astype(np.float32)
    return scaled
