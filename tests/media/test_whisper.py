from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sounds import NOBODY, RATE, Sound, coloured, silence

from media.cpu import adds_int8_products
from media.decode import decode
from media.errors import MediaError
from media.hear.score import character_error_rate, keywords_found
from media.hear.whisper import WhisperRecogniser, usual_decoding
from media.speak.telephone import resampled, telephone
from media.types import Audio

VERBATIM = "picovoice_leopard_test_ko.wav"


@pytest.fixture(scope="session")
def spoken(speech_ko: Path) -> Sound:
    return decode(speech_ko / VERBATIM).samples


@pytest.mark.parametrize("name", NOBODY)
def test_where_nobody_speaks_nothing_is_invented(name: str, recogniser: WhisperRecogniser) -> None:
    transcript = recogniser.recognise(Audio(NOBODY[name](), RATE))
    assert not transcript.heard
    assert transcript.text == ""
    assert transcript.words == ()
    assert transcript.reason in {"silence", "noise", "unclear"}


def test_no_sound_at_all_is_silence(recogniser: WhisperRecogniser) -> None:
    assert recogniser.recognise(Audio(np.zeros(0, np.float32), RATE)).reason == "silence"


def test_verbatim_recording_is_understood(
    recogniser: WhisperRecogniser, spoken: Sound, speech_ko: Path
) -> None:
    truth = json.loads((speech_ko / "transcripts.json").read_text())[VERBATIM]["text"]
    transcript = recogniser.recognise(Audio(spoken, RATE))
    assert character_error_rate(truth, transcript.text) <= 0.25
    assert 0.3 < transcript.confidence <= 1.0


def test_words_have_times_in_order(recogniser: WhisperRecogniser, spoken: Sound) -> None:
    transcript = recogniser.recognise(Audio(spoken, RATE))
    assert "".join(word.text for word in transcript.words) == transcript.text.replace(" ", "")
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[-1] <= len(spoken) / RATE


def test_keywords_of_the_recordings_are_met(recogniser: WhisperRecogniser, speech_ko: Path) -> None:
    truths = json.loads((speech_ko / "transcripts.json").read_text())
    for name, truth in truths.items():
        transcript = recogniser.recognise(decode(speech_ko / name))
        assert transcript.heard, name
        if wanted := truth.get("keywords"):
            found = keywords_found(wanted, transcript.text)
            assert len(found) >= 0.7 * len(wanted), (name, found, transcript.text)


def test_quiet_speech_is_heard_as_loud_speech_is(
    recogniser: WhisperRecogniser, spoken: Sound
) -> None:
    quiet = recogniser.recognise(Audio(spoken * np.float32(0.02), RATE))
    assert quiet.heard
    assert "걸어갔다" in quiet.text


def test_speech_in_a_noisy_room_is_heard(recogniser: WhisperRecogniser, spoken: Sound) -> None:
    noise = coloured(1.0, len(spoken) / RATE, float(spoken.std()) * 0.3)
    assert recogniser.recognise(Audio(spoken + noise[: len(spoken)], RATE)).heard


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_any_rate_is_understood(recogniser: WhisperRecogniser, spoken: Sound, rate: int) -> None:
    times = np.arange(int(len(spoken) * rate / RATE)) / rate
    samples = np.interp(times, np.arange(len(spoken)) / RATE, spoken).astype(np.float32)
    assert "걸어" in recogniser.recognise(Audio(samples, rate)).text


def test_a_long_recording_is_heard_to_its_end(
    recogniser: WhisperRecogniser, spoken: Sound, speech_ko: Path
) -> None:
    other = decode(speech_ko / "picovoice_rhino_out_of_context_ko.wav").samples
    parts = [spoken, silence(60.0), other, coloured(1.0, 30.0, 0.01), spoken]
    long = np.concatenate(parts)
    transcript = recogniser.recognise(Audio(long, RATE))
    assert transcript.text.count("걸어갔다") == 2
    assert "커피" in transcript.text
    assert transcript.words[-1].end > len(long) / RATE - 4


def test_version_tells_models_apart() -> None:
    assert WhisperRecogniser().version != WhisperRecogniser(model="small").version
    assert WhisperRecogniser(beam_size=1).version != WhisperRecogniser(beam_size=5).version


@pytest.mark.parametrize("model", ["no-such-size", "/no/such/folder"])
def test_a_model_that_is_not_there_is_named(model: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="hearing.model") as caught:
        WhisperRecogniser(model=model, cache=tmp_path).warm_up()
    assert caught.value.code == "missing_model"


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        WhisperRecogniser(model=str(tmp_path)).warm_up()
    assert caught.value.code == "missing_model"


class Misled:
    """A model that ends as soon as it began, where it may say when."""

    def transcribe(self, samples: Sound, **options: Any) -> tuple[list[SimpleNamespace], None]:
        plain = options["without_timestamps"]
        said = SimpleNamespace(
            text="기초연금은 매달 이십오일에 나와요." if plain else "31",
            start=0.0,
            end=len(samples) / RATE if plain else 0.04,
            avg_logprob=-0.2,
            no_speech_prob=0.01,
            compression_ratio=1.0,
            words=(),
        )
        return [said], None


def test_a_model_that_ends_as_it_began_listens_once_more(spoken: Sound) -> None:
    recogniser = WhisperRecogniser()
    recogniser._model = Misled()
    assert recogniser.recognise(Audio(spoken, RATE)).text == "기초연금은 매달 이십오일에 나와요."


class Windowed:
    """A model that notes how much its encoder gets, and hears nothing in `deaf` frames."""

    def __init__(self, deaf: int = 0) -> None:
        self.deaf = deaf
        self.given: list[int] = []

    def encode(self, features: Sound) -> int:
        self.given.append(features.shape[-1])
        return features.shape[-1]

    def transcribe(self, samples: Sound, **options: Any) -> tuple[list[SimpleNamespace], None]:
        features = np.zeros((80, 3000), np.float32)
        features[:, : len(samples) // 160] = 1.0
        if self.encode(features) == self.deaf:
            return [], None
        return Misled().transcribe(samples, without_timestamps=True)


@pytest.mark.parametrize(
    ("times", "deaf", "given"),
    [(1, 0, [1000]), (4, 0, [3000]), (1, 1000, [1000, 3000])],
    ids=["a question", "a story", "lost in the short window"],
)
def test_a_telephone_is_heard_in_a_short_window(
    spoken: Sound, times: int, deaf: int, given: list[int]
) -> None:
    recogniser = WhisperRecogniser()
    recogniser._model = model = Windowed(deaf)
    narrow = resampled(telephone(Audio(np.tile(spoken, times), RATE)), RATE)
    assert recogniser.recognise(narrow).heard
    assert [int(frames) for frames in model.given] == pytest.approx(given, abs=150)
    assert all(frames % 2 == 0 for frames in model.given)


def test_full_band_sound_is_heard_in_the_models_own_window(spoken: Sound) -> None:
    recogniser = WhisperRecogniser()
    recogniser._model = model = Windowed()
    recogniser.recognise(Audio(spoken, RATE))
    assert model.given == [3000]


@pytest.mark.parametrize(("wish", "given"), [("always", 1000), ("auto", 3000), ("never", 3000)])
def test_a_short_window_for_full_band_sound_is_a_wish(spoken: Sound, wish: Any, given: int) -> None:
    recogniser = WhisperRecogniser(short_window=wish)
    recogniser._model = model = Windowed()
    assert recogniser.recognise(Audio(spoken, RATE)).heard
    assert model.given == pytest.approx([given], abs=150)


def test_the_model_runs_as_published_where_the_cpu_has_no_int8(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flags = {"old": "fma avx2", "new": "avx2 avx512_vnni"}
    told = {}
    for name, known in flags.items():
        adds_int8_products.cache_clear()
        monkeypatch.setattr(Path, "read_text", lambda *a, known=known, **k: f"flags : {known}\n")
        told[name] = usual_decoding()
    monkeypatch.undo()
    adds_int8_products.cache_clear()
    assert told == {"old": ("float32", 5), "new": ("int8", 1)}
    assert WhisperRecogniser().version == WhisperRecogniser("packaged", *_usual()).version
    assert WhisperRecogniser(compute_type="int8", beam_size=1).version.endswith("int8-beam1")


def _usual() -> tuple[str, str, int, int]:
    arithmetic, beams = usual_decoding()
    return arithmetic, "cpu", 2, beams
