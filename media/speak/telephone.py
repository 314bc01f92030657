"""What a telephone makes of speech: 300–3,400 Hz, 8 kHz, G.711 μ-law."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

from media.types import Audio, FloatArray

RATE = 8000
_BAND = (300.0, 3400.0)
_BIAS = 0x84
_CLIP = 32635


def telephone(audio: Audio) -> Audio:
    """Return `audio` as it is heard at the far end of a call: band-limited, 8 kHz, μ-law."""
    return Audio(decode_mulaw(encode_mulaw(narrow(audio).samples)), RATE)


def narrow(audio: Audio) -> Audio:
    """Return `audio` at 8 kHz with the band of a telephone line."""
    samples = resampled(audio, RATE).samples
    filtered = sosfilt(butter(4, _BAND, "bandpass", fs=RATE, output="sos"), samples)
    return Audio(np.asarray(filtered, np.float32), RATE)


def resampled(audio: Audio, rate: int) -> Audio:
    """Return `audio` at `rate` Hz."""
    common = int(np.gcd(rate, audio.rate))
    samples = resample_poly(audio.samples, rate // common, audio.rate // common)
    return Audio(np.asarray(samples, np.float32), rate)


def encode_mulaw(samples: FloatArray) -> bytes:
    """Return `samples` in [-1, 1] as G.711 μ-law, a byte each."""
    pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype(np.int32)
    size = np.minimum(np.abs(pcm), _CLIP) + _BIAS
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    sign = np.where(pcm < 0, 0x80, 0)
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes())


def decode_mulaw(data: bytes) -> FloatArray:
    """Return the samples (n,) in [-1, 1] of G.711 μ-law `data`."""
    return _TABLE[np.frombuffer(data, np.uint8)]


def _table() -> FloatArray:
    codes: NDArray[np.int32] = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (codes >> 4) & 0x07, codes & 0x0F
    size = (((mantissa << 3) + _BIAS) << exponent) - _BIAS
    return np.asarray(np.where(codes & 0x80, -size, size) / 32768.0, np.float32)


_TABLE = _table()
