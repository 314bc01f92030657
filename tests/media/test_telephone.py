import numpy as np

from media.speak.telephone import decode_mulaw, encode_mulaw, narrow, telephone
from media.types import Audio


def tone(frequency: float, rate: int = 24_000) -> Audio:
    t = np.arange(rate) / rate
    return Audio((0.3 * np.sin(2 * np.pi * frequency * t)).astype(np.float32), rate)


def test_known_codes_of_the_standard() -> None:
    # G.711: zero is 0xFF, the loudest values are 0x80 and 0x00.
    assert encode_mulaw(np.array([0.0, 1.0, -1.0], np.float32)) == bytes([0xFF, 0x80, 0x00])
    assert decode_mulaw(bytes([0xFF]))[0] == 0.0


def test_every_code_survives_the_way_back() -> None:
    codes = bytes(range(256))
    again = encode_mulaw(decode_mulaw(codes))
    # 0x7F is negative zero, which becomes zero.
    assert again == codes.replace(b"\x7f", b"\xff")


def test_error_is_a_small_share_of_the_sample() -> None:
    samples = np.linspace(-0.99, 0.99, 5001).astype(np.float32)
    error = np.abs(decode_mulaw(encode_mulaw(samples)) - samples)
    assert np.all(error <= np.maximum(0.04 * np.abs(samples), 0.0003))


def test_only_the_band_of_the_line_is_left() -> None:
    kept = narrow(tone(1000.0)).samples.std()
    assert narrow(tone(1000.0)).rate == 8000
    assert narrow(tone(60.0)).samples.std() < 0.05 * kept
    assert narrow(tone(7000.0)).samples.std() < 0.05 * kept


def test_telephone_keeps_length_and_tone() -> None:
    heard = telephone(tone(800.0))
    assert heard.rate == 8000
    assert abs(heard.seconds - 1.0) < 0.01
    spectrum = np.abs(np.fft.rfft(heard.samples))
    assert abs(int(spectrum.argmax()) * heard.rate / len(heard.samples) - 800) < 5
