"""FD-infinity against the distance that it extrapolates to."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.errors import MetricError
from ganbench.metrics.fd_infinity import POINTS, fd_inf
from ganbench.metrics.frechet import distances_of_parts, fd, frechet_distance
from ganbench.statistics.features import FeatureSet


def test_distances_of_parts_are_frechet_distances(rng: np.random.Generator):
    real, fake = FeatureSet.of(rng.normal(0, 1, (300, 20))), FeatureSet.of(rng.normal(0.3, 1.2, (90, 20)))
    parts = [rng.permutation(90)[:size] for size in (12, 40, 90)]
    distances = distances_of_parts(real, fake, parts)
    for rows, value in zip(parts, distances, strict=True):
        assert value == pytest.approx(fd(real=real, fake=FeatureSet.of(fake.sample[rows])).value, rel=1e-6)


@pytest.mark.slow
def test_removes_the_bias_and_covers_the_truth():
    rng = np.random.default_rng(11)
    mixing = rng.normal(size=(24, 24)) * np.exp(-np.arange(24) / 6)
    real = FeatureSet.of(rng.normal(size=(30000, 24)) @ mixing)
    truth = frechet_distance(
        real_mean=real.moments.mean,
        real_cov=real.moments.cov,
        fake_mean=np.full(24, 0.2),
        fake_cov=1.2**2 * mixing.T @ mixing,
    )
    plain, extrapolated, covered = [], [], 0
    for seed in range(60):
        fake = FeatureSet.of(rng.normal(size=(200, 24)) @ mixing * 1.2 + 0.2)
        estimate = fd_inf(real=real, fake=fake, seed=seed)
        plain.append(fd(real=real, fake=fake).value)
        extrapolated.append(estimate.value)
        covered += estimate.low <= truth <= estimate.high
        assert estimate.detail == f"{POINTS} subsets of 40 to 200"
        assert not estimate.warnings
    # The standard error of the mean of 60 is 0.16, the bias that must go is 1.3.
    assert np.mean(plain) - truth > 1
    assert abs(np.mean(extrapolated) - truth) < 0.4
    assert covered >= 52


def test_is_repeatable_and_says_when_it_cannot_be_trusted(rng: np.random.Generator):
    real, fake = FeatureSet.of(rng.normal(0, 1, (300, 40))), FeatureSet.of(rng.normal(0.3, 1.2, (100, 40)))
    first = fd_inf(real=real, fake=fake, seed=1)
    assert first == fd_inf(real=real, fake=fake, seed=1)
    assert first.value != fd_inf(real=real, fake=fake, seed=2).value
    assert "cannot span 40 features" in first.warnings[0]
    with pytest.raises(MetricError, match="at least 50 fake images, got 49"):
        fd_inf(real=real, fake=FeatureSet.of(fake.sample[:49]))
