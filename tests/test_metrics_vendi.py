"""The Vendi score against closed forms, the eigenvalues of the whole kernel matrix, and derivatives by differences."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from sklearn.metrics.pairwise import cosine_similarity

from ganbench.errors import MetricError
from ganbench.metrics.vendi import vendi
from ganbench.statistics.features import FeatureSet


def defined(features: np.ndarray, weights: np.ndarray) -> float:
    """The score of weighted images, by the definition."""
    weights = weights / weights.sum()
    kernel = cosine_similarity(features) * np.sqrt(np.outer(weights, weights))
    values = scipy.linalg.eigvalsh(kernel, driver="ev")
    values = values[values > 1e-14]
    return float(np.exp(-values @ np.log(values)))


@pytest.mark.parametrize("size", [4, 40])
def test_value_and_interval_match_the_definition(rng: np.random.Generator, size: int):
    fake = FeatureSet.of(rng.gamma(1, 1, (25, size)))
    rows, even = fake.sample.astype(np.float64), np.ones(25)
    estimate = vendi(fake=fake)
    assert estimate.value == pytest.approx(defined(rows, even), rel=1e-9)
    step = 1e-5
    slopes = [
        (np.log(defined(rows, even + step * unit)) - np.log(defined(rows, even - step * unit))) / (2 * step)
        for unit in np.eye(25)
    ]
    error = 1.959964 * np.sqrt(np.sum(np.square(slopes)))
    assert np.log(estimate.high / estimate.value) == pytest.approx(error, rel=1e-4)
    assert np.log(estimate.value / estimate.low) == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize("size", [12, 60])
def test_known_numbers_of_different_images(size: int):
    different = np.eye(size)[:12] * np.arange(1, 13)[:, None]  # their lengths do not count
    assert vendi(fake=FeatureSet.of(different)).value == pytest.approx(12, rel=1e-9)
    for count in (1, 3, 4):
        estimate = vendi(fake=FeatureSet.of(np.repeat(different[:count], 12 // count, axis=0)))
        assert estimate.value == pytest.approx(count, rel=1e-9)
        assert 1 <= estimate.low <= estimate.high <= 12
    uneven = np.repeat(different[:2], [9, 3], axis=0)  # entropy of (3/4, 1/4)
    assert vendi(fake=FeatureSet.of(uneven)).value == pytest.approx(4 / 3**0.75, rel=1e-9)


def test_what_has_no_direction_is_refused(rng: np.random.Generator):
    rows = rng.normal(size=(9, 4))
    rows[5] = 0
    with pytest.raises(MetricError, match="features of image 5 are all 0"):
        vendi(fake=FeatureSet.of(rows))
    with pytest.raises(MetricError, match="at least 2 fake images and their features, got 1"):
        vendi(fake=FeatureSet.of(rows[:1]))
