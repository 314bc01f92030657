"""The published networks: their functions proven, their shapes and properties kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bot.cli.prove import prove as prove_command
from media.errors import MediaError
from media.prove import Proof, prove, seeded_input, seeded_tensor
from media.types import Audio

torch = pytest.importorskip("torch", reason="the networks need the extra `neural`")

from media.networks.autovc import AutoVC  # noqa: E402
from media.networks.makeittalk import Decoder  # noqa: E402
from media.networks.mel import wav2lip_mel, wav2lip_windows  # noqa: E402
from media.networks.wav2lip import Generator, SyncExpert  # noqa: E402


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(1)
    return Generator().eval()


def test_every_reference_vector_is_reproduced(shared: Path) -> None:
    proofs = list(prove(shared / "reference"))
    assert len(proofs) == 13
    assert [proof for proof in proofs if not proof.holds] == []


def test_another_input_fails_the_proof(shared: Path) -> None:
    assert not all(proof.holds for proof in prove(shared / "reference", tag="/other"))


def test_the_command_prints_errors_and_fails_above_the_bar(shared: Path) -> None:
    folder = str(shared / "reference")
    done = CliRunner().invoke(prove_command, [folder, "--json"])
    assert done.exit_code == 0
    assert {row["name"] for row in json.loads(done.output)} > {"wav2lip generator"}
    assert CliRunner().invoke(prove_command, [folder, "--tag", "x"]).exit_code == 1


def test_a_folder_without_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        list(prove(tmp_path))
    assert caught.value.code == "no_reference"
    done = CliRunner().invoke(prove_command, [str(tmp_path)])
    assert done.exit_code == 1
    assert "vectors" in done.output


def test_parameters_that_differ_are_named(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    np.savez(tmp_path / "vectors" / "wav2lip.npz", generator=np.zeros((4, 3, 96, 96)))
    (tmp_path / "wav2lip_parameters.json").write_text('{"generator": {"odd.weight": [1]}}')
    with pytest.raises(MediaError) as caught:
        list(prove(tmp_path))
    assert caught.value.code == "wrong_parameters"


def test_nothing_but_an_error_within_the_bar_holds() -> None:
    assert Proof("x", 1e-5, 1e-4).holds
    assert not Proof("x", float("nan"), 1e-4).holds


def test_seeded_values_are_reproducible_and_depend_on_the_name() -> None:
    first = seeded_tensor("a.weight", (3, 4))
    assert (first == seeded_tensor("a.weight", (3, 4))).all()
    assert (first != seeded_tensor("b.weight", (3, 4))).any()
    assert seeded_tensor("bn.num_batches_tracked", ()).dtype == np.int64
    low, high = seeded_tensor("bn.running_var", (99,)).min(), seeded_input("x", (99,), -2, 2).max()
    assert low >= 0.5
    assert high < 2


def test_a_sequence_is_drawn_as_its_frames_are(generator: Generator) -> None:
    audio, face = torch.randn(2, 3, 1, 80, 16), torch.rand(2, 6, 3, 96, 96)
    with torch.inference_mode():
        together = generator(audio, face)
        alone = generator(audio[:, 1], face[:, :, 1])
    assert together.shape == (2, 3, 3, 96, 96)
    torch.testing.assert_close(together[:, :, 1], alone, rtol=1e-4, atol=1e-5)


def test_a_face_encoded_once_gives_the_same_picture(generator: Generator) -> None:
    audio, face = torch.randn(2, 1, 80, 16), torch.rand(1, 6, 96, 96)
    with torch.inference_mode():
        once = [x.expand(2, -1, -1, -1) for x in generator.encode_face(face)]
        kept = generator.decode(audio, once)
        plain = generator(audio, face.expand(2, -1, -1, -1))
    torch.testing.assert_close(kept, plain, rtol=1e-4, atol=1e-5)


def test_sync_embeddings_have_unit_length() -> None:
    with torch.inference_mode():
        pair = SyncExpert().eval()(torch.randn(2, 1, 80, 16), torch.rand(2, 15, 48, 96))
    for embedding in pair:
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))


def test_autovc_codes_once_every_sixteen_columns() -> None:
    pitch = torch.zeros(1, 32, 257)
    with torch.inference_mode():
        decoded, sharpened, codes = AutoVC().eval()(
            torch.rand(1, 32, 80), torch.rand(1, 256), torch.rand(1, 256), pitch
        )
    assert decoded.shape == sharpened.shape == (1, 32, 80)
    assert codes.shape == (1, 64)


def test_the_decoder_of_the_checkpoint_runs() -> None:
    out = Decoder(204)(torch.zeros(1, 3, 204), torch.zeros(1, 5, 64))
    assert out.shape == (1, 3, 64)


def test_the_mel_spectrogram_is_bounded_and_silence_is_its_floor() -> None:
    silence = wav2lip_mel(Audio(np.zeros(16000, np.float32), 16000))
    assert silence.shape == (80, 81)
    assert (silence == -4).all()
    with pytest.raises(ValueError, match="16000 Hz"):
        wav2lip_mel(Audio(np.zeros(100, np.float32), 24000))


def test_each_frame_has_the_window_that_starts_at_its_time() -> None:
    mel = np.tile(np.arange(100, dtype=np.float32), (80, 1))
    windows = wav2lip_windows(mel, 40)
    assert windows.shape == (40, 80, 16)
    assert windows[10, 0, 0] == 32
    assert windows[39, 0, 0] == 84
    assert wav2lip_windows(mel[:, :5], 2).shape == (2, 80, 16)
