"""Clipped density and coverage against brute force, SciPy's beta-binomial, and shares of bad images that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import betabinom

from ganbench.errors import MetricError
from ganbench.metrics import pairwise
from ganbench.metrics.clipped_coverage import clipped_coverage, expected_filling
from ganbench.metrics.clipped_density import clipped_density
from ganbench.metrics.manifold import density
from ganbench.metrics.neighbours import Pairs
from ganbench.statistics.features import FeatureSet


def filling(x: np.ndarray, y: np.ndarray) -> float:
    """Clipped coverage before its calibration."""
    radii = np.sort(cdist(x, x), axis=1)[:, 5]
    return float(np.mean(np.minimum((cdist(x, y) <= radii[:, None]).sum(axis=1) / 5, 1)))


@pytest.mark.parametrize("block", [16, 1024])
def test_density_matches_brute_force(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(pairwise, "BLOCK", block)
    real, fake = FeatureSet.of(rng.normal(size=(130, 4))), FeatureSet.of(rng.normal(0.5, 1.1, (90, 4)))
    x, y = real.sample.astype(np.float64), fake.sample.astype(np.float64)
    among = cdist(x, x)
    radii = np.sort(among, axis=1)[:, 5]
    radii = np.minimum(radii, np.median(radii))
    each = np.minimum((cdist(x, y) <= radii[:, None]).sum(axis=0) / 5, 1)
    np.fill_diagonal(among, np.inf)
    best = np.minimum((among <= radii[:, None] * (1 + 1e-9)).sum(axis=0) / 5, 1).mean()
    estimate = clipped_density(real=real, fake=fake)
    assert estimate.value == pytest.approx(each.mean() / best, rel=1e-12)
    half = 1.98698 * each.std(ddof=1) / np.sqrt(90) / best  # Student's t for 89 degrees
    assert (estimate.low, estimate.high) == pytest.approx((estimate.value - half, estimate.value + half), rel=1e-5)
    assert estimate.detail == "k=5, real sample 130"


@pytest.mark.parametrize("block", [16, 1024])
def test_coverage_matches_brute_force(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(pairwise, "BLOCK", block)
    real, fake = FeatureSet.of(rng.normal(size=(130, 4))), FeatureSet.of(rng.normal(0.5, 1.1, (90, 4)))
    x, y = real.sample.astype(np.float64), fake.sample.astype(np.float64)
    expected = [0.0] + [1 - sum((5 - b) * betabinom.pmf(b, m, 5, 125) for b in range(5)) / 5 for m in range(1, 91)]
    share = filling(x, y)
    estimate = clipped_coverage(real=real, fake=fake)
    assert estimate.value == pytest.approx(np.interp(share, expected, np.arange(91)) / 90, rel=1e-9)
    without = np.array([filling(x, np.delete(y, i, axis=0)) for i in range(90)])
    half = 1.98698 * np.sqrt(89 / 90 * np.sum((without - without.mean()) ** 2))
    ends = np.interp([share - half, share + half], expected, np.arange(91)) / 90
    assert (estimate.low, estimate.high) == pytest.approx(tuple(ends), rel=1e-5)


@pytest.mark.parametrize(("fake", "real"), [(1000, 3000), (60, 8), (5000, 5000)])
def test_expected_filling_is_beta_binomial(fake: int, real: int):
    expected = expected_filling(fake, real)
    assert expected[0] == 0
    assert (np.diff(expected) >= 0).all()
    for images in (1, 3, fake // 2, fake):
        mean = 1 - sum((5 - b) * betabinom.pmf(b, images, 5, real - 5) for b in range(min(5, images + 1))) / 5
        assert expected[images] == pytest.approx(mean, rel=1e-8)


@pytest.mark.parametrize("bad", [0.0, 0.25, 0.6, 1.0])
def test_the_value_is_the_share_of_good_images(bad: float):
    rng = np.random.default_rng(5)
    real, fake = rng.normal(size=(2000, 6)), rng.normal(size=(1000, 6))
    real[:20] += 1000 * rng.normal(size=(20, 6))  # outliers: their balls reach over everything
    fake[: int(bad * 1000)] += 50
    pairs = Pairs(FeatureSet.of(real), FeatureSet.of(fake))
    for metric in (clipped_density, clipped_coverage):
        estimate = metric(real=pairs.real, fake=pairs.fake, pairs=pairs)
        assert estimate.value == pytest.approx(1 - bad, abs=0.06)
        assert 0 <= estimate.low < estimate.high <= 1


def test_crowded_images_do_not_pay_for_bad_ones(rng: np.random.Generator):
    real, places = rng.normal(size=(500, 3)), rng.normal(size=(500, 3))
    balls = (cdist(real, places) < np.sort(cdist(real, real), axis=1)[:, 5, None]).sum(axis=0)
    crowd = places[balls.argmax()] + rng.normal(0, 1e-3, (110, 3))
    fake = np.concatenate([crowd, rng.normal(40, 1, (90, 3))])
    sides = {"real": FeatureSet.of(real), "fake": FeatureSet.of(fake)}
    assert density(**sides).value > 1
    assert clipped_density(**sides).value < 0.75
    assert clipped_coverage(**sides).value < 0.1


def test_repeated_images_count_as_often_as_they_are_there(rng: np.random.Generator):
    real = np.repeat(rng.normal(size=(40, 4)), 9, axis=0)
    fake = np.concatenate([real[::9], rng.normal(40, 1, (40, 4))])
    sides = {"real": FeatureSet.of(real), "fake": FeatureSet.of(fake)}
    assert clipped_density(**sides).value == 0.5
    assert any(
        "360 real images are in the reference more than 5 times" in w for w in clipped_coverage(**sides).warnings
    )
    same = FeatureSet.of(np.ones((50, 4)))
    assert clipped_density(real=same, fake=same).value == clipped_coverage(real=same, fake=same).value == 1
    assert clipped_density(real=same, fake=FeatureSet.of(np.repeat([[1.0] * 4, [2.0] * 4], 20, axis=0))).value == 0.5


def test_seven_images_are_needed(rng: np.random.Generator):
    few, enough = FeatureSet.of(rng.normal(size=(6, 3))), FeatureSet.of(rng.normal(size=(7, 3)))
    for metric in (clipped_density, clipped_coverage):
        assert metric(real=enough, fake=enough).n == 7
        with pytest.raises(MetricError, match="at least 7 fake images, got 6"):
            metric(real=enough, fake=few)
