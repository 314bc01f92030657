"""Our JETS computes what ESPnet's does, under the same names."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from media.networks.jets import Batch, JetsGenerator, Shape, upsample  # noqa: E402

SMALL = Shape(
    tokens=20, adim=16, elayers=2, eunits=24, dlayers=1, dunits=24, predictor_channels=8,
    channels=32, resblock_kernels=(3, 5), segment=8,
)  # fmt: skip


def test_espnet_takes_its_parameters_and_says_the_same() -> None:
    pytest.importorskip("espnet2", reason="JETS needs espnet; `make test` installs it")
    from media.speak.jets_espnet import espnet_task

    espnet_task()
    from espnet2.gan_tts.jets.generator import JETSGenerator

    torch.manual_seed(3)
    ours = JetsGenerator(SMALL).eval()
    with torch.no_grad():
        ours.duration_predictor.linear.weight.mul_(0.1)
        ours.duration_predictor.linear.bias.fill_(1.6)
    theirs = JETSGenerator(idim=20, odim=80, **SMALL.espnet()).eval()
    theirs.load_state_dict(ours.state_dict())
    tokens = torch.randint(1, 20, (1, 15))
    made, frames = ours.inference(tokens)
    with torch.no_grad():
        expected, durations = theirs.inference(tokens, torch.tensor([15]))
    assert torch.equal(frames, durations)
    assert made.shape[1] == int(frames.sum()) * SMALL.hop
    assert torch.allclose(made, expected, atol=1e-5)
    assert ours.inference(tokens, pace=2.0)[1].sum() < frames.sum()


def test_padding_changes_nothing() -> None:
    torch.manual_seed(4)
    network = JetsGenerator(SMALL).eval()
    tokens, frames = torch.randint(1, 20, (1, 6)), torch.randint(1, 5, (1, 6))
    level = torch.randn(1, 6)
    length = int(frames.sum())
    alone = network.frames_of(Batch(tokens, tokens > 0, frames, level, level), length)
    pad = torch.nn.functional.pad
    more = pad(tokens, (0, 3))
    padded = network.frames_of(
        Batch(more, more > 0, pad(frames, (0, 3)), pad(level, (0, 3)), pad(level, (0, 3))),
        length + 5,
    )
    assert torch.allclose(alone[0], padded[0][:, :length], atol=1e-5)
    assert all(
        torch.allclose(one, other[:, :6], atol=1e-5)
        for one, other in zip(alone[1:], padded[1:], strict=True)
    )
    spread = upsample(torch.eye(6)[None], frames, tokens > 0, torch.ones(1, length) > 0)
    assert torch.allclose(spread.sum(2), torch.ones(1, length))


def test_a_learning_embedding_is_the_usual_one() -> None:
    network = JetsGenerator(SMALL)
    tokens = torch.randint(1, 20, (2, 5))
    embedding = network.encoder.embed[0]
    assert torch.allclose(embedding.train()(tokens), embedding.eval()(tokens))
