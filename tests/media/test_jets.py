"""The JETS voice, on a small model with random weights that ESPnet itself builds and reads."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from media.errors import MediaError
from media.speak import jets_espnet
from media.speak.frontend import units
from media.speak.jets import JetsVoice
from media.speak.jets_model import load, model_files
from media.speak.jets_quick import generator_weights, quick_fit
from media.speak.jets_tokens import heard, reading_of, tokens_of
from media.speak.phonemes import PHONEMES
from media.types import Manner

pytest.importorskip("espnet2", reason="JETS needs espnet; `make test` installs it")
torch = pytest.importorskip("torch")

JAMO = [
    *map(chr, range(0x1100, 0x1113)),
    *map(chr, range(0x1161, 0x1176)),
    *map(chr, range(0x11A8, 0x11C3)),
]
SMALL = {
    "generator_params": {
        "adim": 16, "elayers": 1, "eunits": 16, "dlayers": 1, "dunits": 16,
        "duration_predictor_chans": 8, "pitch_predictor_layers": 2, "pitch_predictor_chans": 8,
        "energy_predictor_chans": 8, "generator_channels": 32,
        "pitch_embed_kernel_size": 1, "energy_embed_kernel_size": 1,
        "generator_upsample_scales": [8, 8, 2, 2],
        "generator_upsample_kernel_sizes": [16, 16, 4, 4],
        "generator_resblock_kernel_sizes": [3], "generator_resblock_dilations": [[1, 3]],
    },
    "discriminator_params": {
        "scales": 1,
        "scale_discriminator_params": {
            "channels": 16, "max_downsample_channels": 32, "max_groups": 4,
        },
        "periods": [2], "period_discriminator_params": {"channels": 4,
        "max_downsample_channels": 8, "downsample_scales": [3, 3, 3, 3, 1]},
    },
    "sampling_rate": 22050,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ESPnet's training leaves it."""
    folder = tmp_path_factory.mktemp("jets")
    import yaml

    config = jets_espnet.espnet_defaults()
    tokens = ["<blank>", "<unk>", *JAMO, " ", ".", ",", "?", "<sos/eos>"]
    config |= {"tts": "jets", "tts_conf": SMALL, "token_list": tokens, "g2p": "korean_jaso"}
    config |= {"normalize": None, "pitch_normalize": None, "energy_normalize": None}
    torch.manual_seed(1)
    model = jets_espnet.espnet_model(config)
    with torch.no_grad():
        # Untrained, every token would last no time at all.
        model.tts.generator.duration_predictor.linear.bias.fill_(1.9)
    config |= {"normalize": "global_mvn", "normalize_conf": {"stats_file": "exp/absent.npz"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    torch.save(model.state_dict(), folder / "train.total_count.ave_5best.pth")
    torch.save({}, folder / "1epoch.pth")
    return folder


@pytest.fixture(scope="module")
def voice(trained: Path) -> JetsVoice:
    made = JetsVoice(folder=str(trained))
    made.warm_up()
    return made


def test_lengths_add_up_to_the_sound(voice: JetsVoice) -> None:
    model = voice._loaded
    found = tokens_of(units("안녕하세요?"), "spelt", frozenset(model.tokens))
    assert unicodedata.normalize("NFC", "".join(token.text for token in found)) == "안녕하세요?"
    sound, lengths = voice._render(found, Manner())
    assert len(lengths) == len(found)
    assert sum(lengths) * model.hop == len(sound)
    slow, longer = voice._render(found, Manner(rate=0.5))
    assert sum(longer) > 1.7 * sum(lengths)
    assert sum(longer) * model.hop == len(slow)


def test_openvino_says_what_espnet_says(trained: Path) -> None:
    ids = [JAMO.index(letter) + 2 for letter in unicodedata.normalize("NFD", "안녕하세요")]
    quick, espnet = (load(*model_files(trained), runtime=kind) for kind in ("openvino", "espnet"))
    for pace in (1.0, 1.3):
        sound, lengths = quick.speaker.say(ids, pace)
        expected, theirs = espnet.speaker.say(ids, pace)
        assert lengths == theirs
        assert len(sound) == len(expected) == sum(lengths) * quick.hop
        # In bf16 where the processor can; the end hears the frames that fill the length up.
        inner = slice(0, len(sound) - 40 * quick.hop)
        assert np.corrcoef(sound[inner], expected[inner])[0, 1] > 0.99


def test_a_layout_that_openvino_does_not_run_goes_to_espnet(trained: Path) -> None:
    weights = generator_weights(model_files(trained)[1])
    assert quick_fit(SMALL["generator_params"], weights)
    assert not quick_fit({"encoder_type": "conformer"}, weights)
    assert not quick_fit({"spks": 4}, weights)
    wide = {**weights, "pitch_embed.0.weight": np.zeros((16, 1, 9), np.float32)}
    assert not quick_fit({}, wide)


def test_phonemes_are_those_that_faces_know(voice: JetsVoice) -> None:
    speech = voice.speak("옷이 없어요. 국물은 65세부터 드려요.")
    assert {phoneme.symbol for phoneme in speech.phonemes} <= set(PHONEMES)
    words = list(dict.fromkeys(phoneme.word for phoneme in speech.phonemes))
    assert words == ["옷이", "없어요.", "국물은", "65세부터", "드려요."]
    assert "".join(p.symbol for p in speech.phonemes if p.word == "옷이") == "oɕi"
    ends = [0.0, *(phoneme.end for phoneme in speech.phonemes)]
    assert all(p.start >= before - 1e-9 for p, before in zip(speech.phonemes, ends, strict=False))
    assert ends[-1] <= speech.audio.seconds
    assert np.isfinite(speech.audio.samples).all()
    assert speech.audio.rate == 22050


def test_a_long_text_comes_in_parts(voice: JetsVoice) -> None:
    text = "기초연금은 만 65세 이상이면 받을 수 있어요. 주민센터에 가서 신청하세요."
    parts = list(voice.stream(text))
    assert len(parts) >= 2
    assert " ".join(part.text for part in parts) == text
    assert voice.version.startswith("jets-3:")


@pytest.mark.parametrize(
    ("g2p", "known", "reading"),
    [("korean_jaso", JAMO, "spelt"), ("g2pk_no_space", JAMO, "sounded"), ("", ["ʌ"], "phonemes")],
)
def test_models_read_what_they_were_trained_on(g2p: str, known: list[str], reading: str) -> None:
    assert reading_of(known, g2p) == reading


def test_every_reading_gives_the_same_phonemes() -> None:
    said = units("않아도 돼요, 꽃잎이 왔어요.")
    phonemes = {}
    for reading, known in (
        ("spelt", JAMO), ("sounded", JAMO), ("phonemes", [*PHONEMES, "<space>", ","]),
    ):  # fmt: skip
        tokens = tokens_of(said, reading, frozenset(known))
        found = heard(tokens, [4] * len(tokens), said, reading)
        assert all(one.end > one.start for one in found)
        assert found[-1].end <= 4 * len(tokens)
        phonemes[reading] = [one.symbol for one in found]
    assert phonemes["spelt"] == phonemes["sounded"] == phonemes["phonemes"]


def test_torchaudio_stays_as_missing_as_it_was(voice: JetsVoice) -> None:
    with jets_espnet._stand_in("no_such_module"):
        assert "no_such_module" in sys.modules
    assert "no_such_module" not in sys.modules
    with jets_espnet._stand_in("json"):
        pass
    assert "json" in sys.modules


def code(**options: str) -> str:
    with pytest.raises(MediaError) as caught:
        JetsVoice(**options).speak("네.")
    return caught.value.code


def test_what_is_missing_is_named(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert code(folder="a", tag="b") == code(folder=str(tmp_path)) == "no_voice_model"
    assert code(folder=str(trained), model="absent.pth") == "no_voice_model"
    assert code(folder=str(trained), model="1epoch.pth") == "bad_voice_model"
    shutil.copy(trained / "config.yaml", tmp_path)
    (tmp_path / "a.pth").touch()
    (tmp_path / "b.pth").touch()
    assert code(folder=str(tmp_path)) == "no_voice_model"
    monkeypatch.setitem(sys.modules, "espnet2.tasks.gan_tts", None)
    with pytest.raises(MediaError, match="pip install --no-deps espnet"):
        load(*model_files(trained), runtime="espnet")


def test_a_tag_that_cannot_be_fetched_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*given: object, **options: object) -> None:
        raise OSError("there is no connection")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(MediaError, match="hf download imdanboy/kss_jets"):
        JetsVoice(tag="imdanboy/kss_jets").speak("네.")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MediaError, match="pip install huggingface_hub"):
        JetsVoice(tag="imdanboy/kss_jets").warm_up()


def test_the_defaults_do_not_depend_on_the_running_command(monkeypatch: pytest.MonkeyPatch) -> None:
    # argparse takes "--ignore" for ESPnet's "--ignore_init_mismatch".
    monkeypatch.setattr(sys, "argv", ["silverline", "--ignore=folder", "--log=5"])
    found = jets_espnet.espnet_defaults()
    assert found["log_level"] == "INFO" and found["ignore_init_mismatch"] is False
    assert sys.argv[1:] == ["--ignore=folder", "--log=5"]
