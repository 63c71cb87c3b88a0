"""MMD with a Gaussian kernel against scikit-learn's kernel and the definition of CMMD."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import rbf_kernel

from ganbench.errors import MetricError
from ganbench.metrics import pairwise
from ganbench.metrics.mmd_rbf import median_distance, mmd_rbf
from ganbench.statistics.features import FeatureSet


def defined(real: np.ndarray, fake: np.ndarray, bandwidth: float) -> float:
    """1,000 times the unbiased squared MMD, from whole kernel matrices."""

    def among(x: np.ndarray) -> float:
        kernel = rbf_kernel(x, gamma=1 / (2 * bandwidth**2))
        return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))

    return 1000 * float(among(real) + among(fake) - 2 * rbf_kernel(real, fake, gamma=1 / (2 * bandwidth**2)).mean())


@pytest.mark.parametrize("block", [7, 1024])
def test_value_and_interval_match_the_definition(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(pairwise, "BLOCK", block)
    real, fake = FeatureSet.of(rng.normal(0, 1, (23, 5))), FeatureSet.of(rng.normal(0.5, 1, (12, 5)))
    x, y = real.sample.astype(np.float64), fake.sample.astype(np.float64)
    bandwidth = float(np.median(pdist(x)))
    assert median_distance(real) == pytest.approx(bandwidth, rel=1e-12)
    estimate = mmd_rbf(real=real, fake=fake)
    assert estimate.value == pytest.approx(defined(x, y, bandwidth), rel=1e-9)
    without = np.array([defined(x, np.delete(y, i, axis=0), bandwidth) for i in range(12)])
    error = np.sqrt(11 / 12 * np.sum((without - without.mean()) ** 2))
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    assert estimate.detail == "bandwidth the median distance of real images, all pairs, real sample 23"


def test_a_bandwidth_of_10_on_features_of_length_1_is_cmmd(rng: np.random.Generator):
    real, fake = (rng.normal(size=(count, 16)) + shift for count, shift in ((40, 0.0), (30, 0.4)))
    real, fake = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (real, fake))
    estimate = mmd_rbf(real=FeatureSet.of(real), fake=FeatureSet.of(fake), bandwidth=10)
    assert estimate.value == pytest.approx(defined(real, fake, 10), rel=1e-5)  # features are float32
    assert "bandwidth 10," in estimate.detail


def test_the_bandwidth_comes_from_the_reference_alone(rng: np.random.Generator):
    rows = rng.normal(size=(1500, 4))
    real = FeatureSet.of(rows)
    every = np.linspace(0, 1499, 1000).round().astype(int)
    assert median_distance(real) == pytest.approx(np.median(pdist(real.sample[every])), rel=1e-6)
    # Features of another unit give the same value.
    fake = rng.normal(0.1, 1, (200, 4))
    small, large = (
        mmd_rbf(real=FeatureSet.of(unit * rows), fake=FeatureSet.of(unit * fake)).value for unit in (1, 1024)
    )
    assert small == pytest.approx(large, rel=1e-9)


def test_equal_distributions_give_zero_on_average():
    rng = np.random.default_rng(2)
    real = FeatureSet.of(rng.normal(size=(400, 8)))
    values = [mmd_rbf(real=real, fake=FeatureSet.of(rng.normal(size=(100, 8)))).value for _ in range(60)]
    assert min(values) < 0 < max(values)
    # A biased estimator would sit above 0 by about 1000 / 100 * (1 - mean kernel), 4 here.
    assert abs(np.mean(values)) < 0.6


def test_equal_real_images_give_no_bandwidth(rng: np.random.Generator):
    real, fake = FeatureSet.of(np.ones((20, 3))), FeatureSet.of(rng.normal(size=(9, 3)))
    with pytest.raises(MetricError, match="must be above 0, and the median distance of real images is 0"):
        mmd_rbf(real=real, fake=fake)
    with pytest.raises(MetricError, match="must be above 0, and -1 is -1"):
        mmd_rbf(real=fake, fake=real, bandwidth=-1)
