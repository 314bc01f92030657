"""The generator's own loops say what plain arithmetic and the prepared graph say."""

import numpy as np
import pytest

from media.speak import kokoro_engine, vector_loops
from media.speak.generator import Generator
from media.speak.kokoro_engine import _runner, _SoundGraph
from media.speak.kokoro_graph import prepare
from media.speak.vector_layers import Filter, Product, Team, moments, packed
from media.types import FloatArray

RANDOM = np.random.default_rng(7)


def noise(*shape: int) -> FloatArray:
    return RANDOM.standard_normal(shape, dtype=np.float32)


@pytest.fixture(scope="module")
def team() -> Team:
    return Team(2)


@pytest.mark.parametrize("size", [3, 7, 11])
@pytest.mark.parametrize("apart", [1, 3, 5])
@pytest.mark.parametrize("length", [1, 97, 2500])
def test_filter_is_the_plain_convolution(team: Team, size: int, apart: int, length: int) -> None:
    channels = 64
    weight, bias = noise(channels, channels, size) / 20, noise(channels)
    values = np.zeros((vector_loops.BEFORE + length + vector_loops.SPARE, channels), np.float32)
    values[vector_loops.BEFORE :][:length] = noise(length, channels)
    addend = noise(length + vector_loops.SPARE, channels)
    out = np.full_like(addend, np.nan)
    Filter(weight, bias, apart).run(team, values, length, out, addend)
    expected = addend[:length] + bias
    for tap in range(size):
        begin = vector_loops.BEFORE + (tap - size // 2) * apart
        expected = expected + values[begin : begin + length] @ weight[:, :, tap].T
    assert np.allclose(out[:length], expected, atol=1e-4)
    Filter(weight, bias, apart).run(team, values, length, out)
    assert np.allclose(out[:length], expected - addend[:length], atol=1e-4)


def test_product_takes_rows_that_overlap(team: Team) -> None:
    matrix, values = noise(30, 22), noise(700)
    made = Product(matrix).run(team, values, 10, 45, spare=2)
    rows = np.lib.stride_tricks.sliding_window_view(values, 30)[::10][:45]
    assert len(made) >= 47
    assert np.allclose(made[:45, :22], rows @ matrix, atol=1e-4)
    assert not made[:45, 22:].any()


def test_packing_loses_nothing() -> None:
    matrix = noise(5, 40)
    columns = packed(matrix).transpose(1, 0, 2).reshape(5, -1)
    assert np.array_equal(columns[:, :40], matrix)


def test_moments_are_those_of_the_rows_alone(team: Team) -> None:
    values = noise(3000, 16) * 3 + 50
    values[2500:] = 1e9
    mean, spread = moments(team, values, 2500)
    assert np.allclose(mean, values[:2500].mean(axis=0, dtype=np.float64), rtol=1e-4)
    assert np.allclose(spread, values[:2500].var(axis=0, dtype=np.float64), rtol=1e-3)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_team_takes_every_part_once(threads: int) -> None:
    taken: list[int] = []
    bounds = Team(threads).tiles(1000)
    Team(threads).share(lambda start, stop: taken.extend(range(start, stop)), bounds)
    assert sorted(taken) == list(range(1000))
    assert max(np.diff(bounds)) <= vector_loops.GROUP


def test_a_failure_in_a_thread_is_raised(team: Team) -> None:
    def fail(start: int, stop: int) -> None:
        raise ValueError(start)

    with pytest.raises(ValueError, match=r"\d"):
        team.share(fail, [0, 1, 2])


@pytest.mark.parametrize("count", [2, 33, 96])
def test_generator_says_what_the_graph_says(count: int) -> None:
    path = prepare().sound
    features, source = noise(512, count), noise(22, 60 * count + 1)
    style = noise(256) / 10
    ours = Generator(path, 2).run(features, source, style)
    graph = _SoundGraph(_runner(str(path), 2, exact=True)).run(features, source, style)
    assert ours.shape == graph.shape == (22, 60 * count + 1)
    assert np.abs(ours - graph).max() <= 1e-4 * np.abs(graph).max()


def test_a_cpu_with_tiles_of_bf16_takes_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    path = prepare().sound
    monkeypatch.setattr(kokoro_engine, "_has_tiles", lambda: True)
    assert isinstance(kokoro_engine._sound(path, 2), _SoundGraph)
    monkeypatch.setattr(kokoro_engine, "_has_tiles", lambda: False)
    assert isinstance(kokoro_engine._sound(path, 2), Generator)
