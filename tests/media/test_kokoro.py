"""The default voice with its real model: what it says is heard, in time, at the right loudness."""

import numpy as np
import onnx
import onnxruntime
import pytest

from media.errors import MediaError
from media.hear.whisper import WhisperRecogniser
from media.speak import kokoro_engine
from media.speak.judge import score
from media.speak.kokoro import PACE, KokoroVoice, sequences
from media.speak.kokoro_engine import FRAME, engine, style_row, styles
from media.speak.kokoro_graph import prepare, squared_sine_factors
from media.speak.kokoro_source import samples, source
from media.speak.korean import published as published_tokens
from media.speak.loudness import loudness, true_peak
from media.speak.phonemes import PHONEMES
from media.types import Manner, Speech

TEXT = "안녕하세요. 기초연금은 만 65세부터 받으실 수 있어요."


@pytest.fixture(scope="module")
def voice() -> KokoroVoice:
    return KokoroVoice()


@pytest.fixture(scope="module")
def speech(voice: KokoroVoice) -> Speech:
    return voice.speak(TEXT)


def test_it_is_understood(speech: Speech, recogniser: WhisperRecogniser) -> None:
    heard = score(TEXT, recogniser.recognise(speech.audio).text)
    assert heard.edits / heard.characters <= 0.25


def test_loudness_and_peak(speech: Speech) -> None:
    assert loudness(speech.audio.samples, speech.audio.rate) == pytest.approx(-16, abs=1.0)
    assert true_peak(speech.audio.samples) <= -0.95


def test_every_phoneme_has_its_time_and_word(speech: Speech) -> None:
    assert speech.audio.rate == 24_000
    words = [phoneme.word for phoneme in speech.phonemes]
    assert list(dict.fromkeys(words)) == TEXT.split()
    for before, after in zip(speech.phonemes, speech.phonemes[1:], strict=False):
        assert before.start < before.end <= after.start + 1e-6
    assert speech.phonemes[-1].end <= speech.audio.seconds
    assert all(phoneme.symbol in PHONEMES for phoneme in speech.phonemes)


def test_breath_between_sentences_belongs_to_no_phoneme(speech: Speech) -> None:
    last = [p for p in speech.phonemes if p.word == "안녕하세요."][-1]
    following = next(p for p in speech.phonemes if p.word == "기초연금은")
    assert 0.3 <= following.start - last.end <= 0.7


def test_phrase_ends_where_the_level_falls_and_begins_where_it_rises(speech: Speech) -> None:
    """The timings come from spectra and lengths; the level alone must agree with them."""
    sound = speech.audio.samples.astype(float)
    width = speech.audio.rate // 100
    level = 10 * np.log10(np.convolve(sound**2, np.ones(width) / width, "same") + 1e-9)
    level -= level.max()

    def around(seconds: float, offset: float) -> float:
        place = round((seconds + offset) * speech.audio.rate)
        return float(level[max(place - width, 0) : place + width].max())

    gaps = 0
    for before, after in zip(speech.phonemes, speech.phonemes[1:], strict=False):
        if after.start - before.end > 0.3:
            gaps += 1
            assert around(before.end, -0.06) > -40 > around(before.end, 0.08)
            assert around(after.start, -0.08) < -40 < around(after.start, 0.06)
    assert gaps >= 1


def test_silence_around_the_speech_is_trimmed(speech: Speech) -> None:
    assert speech.phonemes[0].start < 0.12
    assert speech.audio.seconds - speech.phonemes[-1].end < 0.15


def test_slower_takes_longer(voice: KokoroVoice) -> None:
    usual = voice.speak("천천히 말씀하세요.")
    slower = voice.speak("천천히 말씀하세요.", Manner(rate=0.8))
    assert slower.audio.seconds > 1.1 * usual.audio.seconds


def test_stream_gives_the_whole_in_parts(voice: KokoroVoice) -> None:
    parts = list(voice.stream("네, 알겠습니다. 다시 말씀해 주세요."))
    assert len(parts) >= 2
    said = [p.word for part in parts for p in part.phonemes]
    assert list(dict.fromkeys(said)) == ["네,", "알겠습니다.", "다시", "말씀해", "주세요."]


def test_same_text_same_sound(voice: KokoroVoice) -> None:
    first, again = (voice.speak("감사합니다.").audio.samples for _ in range(2))
    assert np.array_equal(first, again)


def test_pitch_moves_the_voice() -> None:
    def fundamental(pitch: float) -> float:
        sound = KokoroVoice("jm_kumo", pitch=pitch).speak("아아아.").audio
        middle = sound.samples[len(sound.samples) // 3 :][:4800].astype(float)
        alike = np.correlate(middle, middle, "full")[len(middle) - 1 :]
        shortest, longest = sound.rate // 350, sound.rate // 70
        return sound.rate / (shortest + int(alike[shortest:longest].argmax()))

    assert fundamental(1.2) > 1.08 * fundamental(1.0)


@pytest.mark.parametrize("text", ["", "   ", "🙂🙂", "가" * 5000])
def test_what_cannot_be_said_is_refused_with_a_reason(voice: KokoroVoice, text: str) -> None:
    with pytest.raises(MediaError) as error:
        voice.speak(text)
    assert error.value.cause and error.value.remedy
    with pytest.raises(MediaError):
        list(voice.stream(text))


def test_emoji_and_control_characters_are_passed_over(voice: KokoroVoice) -> None:
    spoken = voice.speak("네\x07 좋아요 🙂")
    assert spoken.phonemes


def test_styles_blend_and_unknown_ones_are_refused() -> None:
    blend = style_row("jf_alpha:0.25+jm_kumo:0.75", 20)
    expected = 0.25 * styles()["jf_alpha"][19] + 0.75 * styles()["jm_kumo"][19]
    assert np.allclose(blend, expected)
    with pytest.raises(MediaError) as error:
        style_row("nobody", 20)
    assert "jf_alpha" in error.value.remedy


def test_prepared_graphs_say_what_the_published_one_says() -> None:
    """Durations are the published graph's up to rounding, and so is the sound's level in time."""
    (korean,) = sequences("안녕하세요.")
    ids = published_tokens(korean)
    style = style_row("jf_gongitsune", len(ids))
    read = engine(2).read(ids, style, PACE)
    frames = np.maximum(np.rint(read.durations), 1).astype(np.int64)
    graph = onnx.load(str(prepare().published))
    graph.graph.output.append(
        onnx.helper.make_tensor_value_info("/encoder/Gather_output_0", onnx.TensorProto.INT64, None)
    )
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    published, durations = session.run(
        None,
        {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": style.reshape(1, 256),
            "speed": np.array([PACE], np.float32),
        },
    )
    assert np.abs(durations.reshape(-1) - frames).sum() <= 0.1 * frames.sum()
    ours = engine(2).render(read, durations.reshape(-1), style)
    assert len(ours) == published.size == durations.sum() * FRAME

    def level(sound: np.ndarray) -> np.ndarray:
        return np.sqrt((sound[: len(sound) // 600 * 600].reshape(-1, 600) ** 2).mean(axis=1))

    assert np.corrcoef(level(ours), level(published.reshape(-1)))[0, 1] > 0.9


def test_onnxruntime_says_the_same_where_openvino_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (ids,) = sequences("네.")
    style = style_row("jf_gongitsune", len(ids))
    usual = engine(2).read(ids, style, 1.0)
    monkeypatch.setattr(kokoro_engine.importlib.util, "find_spec", lambda name: None)
    other = kokoro_engine.Engine(2)
    fallback = other.read(ids, style, 1.0)
    assert np.allclose(fallback.durations, usual.durations, atol=0.05)
    frames = np.maximum(np.rint(fallback.durations), 1).astype(np.int64)
    assert len(other.render(fallback, frames, style)) == frames.sum() * FRAME


def test_squared_sine_is_exact_enough() -> None:
    u = np.linspace(-0.5, 0.5, 1001)
    made = sum(factor * u ** (2 * n) for n, factor in enumerate(squared_sine_factors(), 1))
    assert np.abs(made - np.sin(np.pi * u) ** 2).max() < 1e-4


def test_source_buzzes_where_there_is_pitch() -> None:
    pitch = np.concatenate([np.zeros(40), np.full(40, 200.0)]).astype(np.float32)
    mix = np.array([1.0] + [0.0] * 8 + [0.0], np.float32)
    made = source(pitch, mix)
    assert made.shape == (22, 60 * 80 + 1)
    magnitude = made[:11]
    assert magnitude[0, :2300].mean() < 0.2 < magnitude[0, 2500:].mean()


def test_spectrum_becomes_sound_again() -> None:
    """A window's inverse transform, overlapped and divided by the windows, is the signal."""
    t = np.arange(1200) / 24_000
    wave = 0.2 * np.sin(2 * np.pi * 2000 * t)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(20) / 20)
    padded = np.pad(wave, 10, mode="reflect")
    bins = np.stack(
        [np.fft.rfft(padded[i : i + 20] * window) for i in range(0, len(wave) + 1, 5)], axis=1
    )
    # The phase is given before its sine, so only what a sine reaches (±1 radian) is kept.
    angle = np.clip(np.angle(bins), -1.0, 1.0)
    spectrum = np.concatenate([np.log(np.abs(bins) + 1e-9), np.arcsin(angle)])
    made = samples(spectrum.astype(np.float32))
    assert made.shape == (1200,)
    assert np.abs(made).max() <= 0.3
