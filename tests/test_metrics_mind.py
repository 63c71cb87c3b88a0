"""MIND against sorted copies of both samples, a closed form, and derivatives by differences."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.errors import MetricError
from ganbench.metrics.mind import PROJECTIONS, directions_of, mind, transport
from ganbench.statistics.features import FeatureSet


def repeated(real: np.ndarray, fake: np.ndarray) -> float:
    """Squared Wasserstein-2 distance of two samples of numbers: each value as often as the other side has values."""
    return float(np.mean((np.repeat(np.sort(real), len(fake)) - np.repeat(np.sort(fake), len(real))) ** 2))


def weighted(real: np.ndarray, fake: np.ndarray, weights: np.ndarray) -> float:
    """The same with weights of the fake side, by going through both quantile functions."""
    order = np.argsort(fake)
    fake_levels = np.cumsum(weights[order]) / weights.sum()
    real_levels = np.arange(1, len(real) + 1) / len(real)
    levels = np.sort(np.concatenate([[0.0], fake_levels, real_levels]))
    middles = (levels[:-1] + levels[1:]) / 2
    x = fake[order][np.minimum(np.searchsorted(fake_levels, middles), len(fake) - 1)]
    y = np.sort(real)[np.minimum(np.searchsorted(real_levels, middles), len(real) - 1)]
    return float(np.diff(levels) @ (x - y) ** 2)


@pytest.mark.parametrize("counts", [(30, 30), (30, 10), (7, 12), (13, 40), (2, 9)])
def test_value_is_exact_for_any_two_numbers_of_images(rng: np.random.Generator, counts: tuple[int, int]):
    real, fake = rng.normal(2, 1, (counts[0], 5)), rng.gamma(2, 1, (counts[1], 5))
    sides = FeatureSet.of(real), FeatureSet.of(fake)
    x, y = (side.sample.astype(np.float64) @ directions_of(5, 4).T for side in sides)
    expected = 3 * 5 * np.mean([repeated(x[:, j], y[:, j]) for j in range(PROJECTIONS)])
    estimate = mind(real=sides[0], fake=sides[1], seed=4)
    assert estimate.value == pytest.approx(expected, rel=1e-10)
    assert estimate.seed == 4
    assert estimate.detail == f"1000 directions, all quantiles, real sample {counts[0]}"


def test_shift_has_a_closed_form(rng: np.random.Generator):
    real, shift = rng.normal(size=(50, 8)).astype(np.float32), np.full(8, 0.5, np.float32)
    estimate = mind(real=FeatureSet.of(real), fake=FeatureSet.of(real[::-1] + shift), seed=1)
    assert estimate.value == pytest.approx(24 * np.mean((directions_of(8, 1) @ shift) ** 2), rel=1e-6)
    assert estimate.value == pytest.approx(3 * shift @ shift, rel=1e-6)  # 1,000 directions are 125 whole bases
    assert mind(real=FeatureSet.of(real), fake=FeatureSet.of(real)).value == 0


@pytest.mark.parametrize("counts", [(12, 8), (30, 10), (9, 14)])
def test_potentials_are_derivatives_by_the_weights(rng: np.random.Generator, counts: tuple[int, int]):
    real, fake = np.sort(rng.normal(0, 1, counts[0])), rng.normal(1, 2, counts[1])
    squared, potentials = transport(real[None], fake[None])
    assert squared[0] == pytest.approx(repeated(real, fake), rel=1e-12)
    step, even = 1e-7, np.ones(counts[1])
    derivatives = [
        (weighted(real, fake, even + step * unit) - weighted(real, fake, even - step * unit)) / (2 * step)
        for unit in np.eye(counts[1])
    ]
    np.testing.assert_allclose(
        np.array(derivatives) * counts[1], potentials[0] - potentials[0].mean(), rtol=1e-5, atol=1e-6
    )


def test_the_seed_moves_it_less_than_the_images_do():
    rng = np.random.default_rng(3)
    real = FeatureSet.of(rng.normal(size=(600, 20)))
    fakes = [FeatureSet.of(rng.normal(0.2, 1, (200, 20))) for _ in range(6)]
    by_seed = [mind(real=real, fake=fakes[0], seed=seed).value for seed in range(6)]
    by_images = [mind(real=real, fake=fake).value for fake in fakes]
    assert np.std(by_seed) < np.std(by_images) / 5


@pytest.mark.parametrize("size", [3, pytest.param(1280, marks=pytest.mark.slow)])
def test_directions_are_orthonormal(size: int):
    directions = directions_of(size, 2)
    assert directions.shape == (PROJECTIONS, size)
    basis = directions[: min(size, PROJECTIONS)]
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-12)
    np.testing.assert_array_equal(directions, directions_of(size, 2))
    assert not np.allclose(directions, directions_of(size, 3))


def test_one_image_is_refused(rng: np.random.Generator):
    with pytest.raises(MetricError, match="at least 2 fake images, got 1"):
        mind(real=FeatureSet.of(rng.normal(size=(9, 3))), fake=FeatureSet.of(rng.normal(size=(1, 3))))
