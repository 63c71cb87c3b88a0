"""Duplicates within a set and copies of real images."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganbench.errors import MetricError
from ganbench.metrics.copies import copies, near_duplicates, nearest_reference
from ganbench.metrics.duplicates import duplicates
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.pixels import PixelSet


def _digests(letters: str) -> list[str]:
    return [hashlib.sha256(letter.encode()).hexdigest() for letter in letters]


def test_planted_copies_and_duplicates_are_counted(rng: np.random.Generator):
    real = FeatureSet.of(rng.normal(size=(500, 12)))
    fake = rng.normal(size=(100, 12)).astype(np.float32) + 0.5
    fake[:10] = real.sample[40:50] + 1e-4
    fake[20:25] = fake[30:35]
    fake = FeatureSet.of(fake)
    copied, repeated = copies(real=real, fake=fake), near_duplicates(real=real, fake=fake)
    assert copied.value == pytest.approx(0.10)
    assert repeated.value == pytest.approx(0.10)
    assert copied.low < 0.10 < copied.high
    # Half as many independent observations: a wider interval.
    assert repeated.high - repeated.low > copied.high - copied.low
    assert "real sample 500" in copied.detail


@pytest.mark.parametrize("times", [1, 2, 9])
def test_duplicates_among_the_real_images_hide_no_copy(rng: np.random.Generator, times: int):
    images = rng.normal(size=(60, 12)).astype(np.float32)
    once = FeatureSet.of(images)
    real = FeatureSet.of(np.concatenate([images] + [images[:2]] * times))
    whole = FeatureSet.of(np.concatenate([images] * (times + 1)))
    nearly = FeatureSet.of(images[:40] + 1e-4)
    for fake in (FeatureSet.of(images[:40]), nearly):
        assert copies(real=once, fake=fake).value == 1
        assert copies(real=real, fake=fake).value == 1
        assert copies(real=whole, fake=fake).value == 1
    honest = FeatureSet.of(rng.normal(size=(40, 12)) + 0.5)
    assert copies(real=real, fake=honest).value == copies(real=whole, fake=honest).value == 0


def test_one_image_over_and_over_has_exact_copies_alone(rng: np.random.Generator):
    real = FeatureSet.of(np.ones((9, 12)))
    fake = np.concatenate([np.ones((5, 12)), rng.normal(size=(5, 12))])
    assert copies(real=real, fake=FeatureSet.of(fake)).value == 0.5


@pytest.mark.slow
def test_fresh_real_images_are_copies_about_once_in_a_hundred():
    rng = np.random.default_rng(8)
    real = FeatureSet.of(rng.normal(size=(1500, 6)))
    shares = [copies(real=real, fake=FeatureSet.of(rng.normal(size=(1500, 6)))).value for _ in range(5)]
    # 15 expected copies per run, 75 in all; plus the error of the threshold, itself from 15 real images.
    assert 0.004 < np.mean(shares) < 0.02


def test_nearest_reference_matches_scipy(rng: np.random.Generator):
    real, fake = FeatureSet.of(rng.normal(size=(60, 5))), FeatureSet.of(rng.normal(size=(30, 5)))
    exact = cdist(fake.sample.astype(np.float64), real.sample.astype(np.float64))
    distance, index = nearest_reference(real=real, fake=fake)
    np.testing.assert_allclose(distance, exact.min(axis=1), rtol=1e-9)
    np.testing.assert_array_equal(index, exact.argmin(axis=1))


def test_exact_duplicates_count_every_image_with_a_twin():
    estimate = duplicates(fake=PixelSet.of(_digests("abacadce")))
    assert estimate.value == 5 / 8
    assert estimate.n == 8
    assert duplicates(fake=PixelSet.of(_digests("ab"))).value == 0
    assert duplicates(fake=PixelSet.of(_digests("ab"))).low == 0
    with pytest.raises(MetricError, match="at least 2 images, got 1"):
        duplicates(fake=PixelSet.of(_digests("a")))
