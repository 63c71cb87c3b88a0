"""Streaming moments and the feature reservoir."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import MetricError
from ganbench.statistics.collector import FeatureCollector
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments


def fill(collector: FeatureCollector, features: np.ndarray, order: np.ndarray, batch: int) -> FeatureCollector:
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        collector.add(rows, features[rows], features[rows, :2] * 3)
    return collector


@given(cuts=st.lists(st.integers(0, 40), max_size=4), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_moments_of_parts_merge_into_those_of_the_whole(cuts: list[int], seed: int):
    features = np.random.default_rng(seed).normal(1e3, 2.0, (40, 5))
    total = Moments.empty(5)
    for part in np.split(features, sorted(cuts)):
        total.merge(Moments.of(part))
    assert total.n == 40
    np.testing.assert_allclose(total.mean, features.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(total.cov, np.cov(features, rowvar=False), rtol=1e-9, atol=1e-10)


def test_moments_updated_in_batches_match_numpy(rng: np.random.Generator):
    features = rng.normal(5, 3, (3000, 7))
    streamed = Moments.empty(7)
    for batch in np.array_split(features, 13):
        streamed.update(batch)
    np.testing.assert_allclose(streamed.cov, np.cov(features, rowvar=False), rtol=1e-12, atol=1e-12)
    again = Moments.from_cov(streamed.mean, streamed.cov, streamed.n)
    np.testing.assert_allclose(again.scatter, streamed.scatter, rtol=1e-12)


def test_one_vector_has_no_covariance():
    with pytest.raises(MetricError, match="at least 2 images, got 1"):
        _ = Moments.of(np.ones((1, 3))).cov


def test_reservoir_depends_neither_on_batches_nor_order_nor_merging(rng: np.random.Generator):
    features = rng.normal(size=(2500, 6)).astype(np.float32)
    order = np.arange(2500)
    one = fill(FeatureCollector(6, cap=100, seed=3), features, order, 2500).result()
    many = fill(FeatureCollector(6, cap=100, seed=3), features, rng.permutation(2500), 17).result()
    parts = [fill(FeatureCollector(6, cap=100, seed=3), features, order[i::3], 64) for i in range(3)]
    merged = parts[2].merge(parts[0]).merge(parts[1]).result()
    for other in (many, merged):
        np.testing.assert_array_equal(other.sample_index, one.sample_index)
        np.testing.assert_array_equal(other.sample, one.sample)
        np.testing.assert_array_equal(other.logits, one.logits)
        np.testing.assert_allclose(other.moments.cov, one.moments.cov, rtol=1e-12, atol=1e-13)
        assert other.n == 2500
        assert not other.complete
    np.testing.assert_array_equal(one.sample, features[one.sample_index])
    np.testing.assert_array_equal(one.logits, one.sample[:, :2] * 3)
    assert len(one.sample) == 100
    assert (np.diff(one.sample_index) > 0).all()
    # In order, the fold into the moments does not see batch borders either: equal to the last bit.
    small = fill(FeatureCollector(6, cap=100, seed=3), features, order, 10).result()
    np.testing.assert_array_equal(small.moments.scatter, one.moments.scatter)


def test_reservoir_is_uniform_and_seeds_differ():
    counts, overlap, previous = np.zeros(200), 0, np.empty(0)
    trials, cap = 400, 50
    features = np.zeros((200, 1), np.float32)
    for seed in range(trials):
        collector = FeatureCollector(1, cap=cap, seed=seed)
        collector.add(np.arange(200), features)
        picked = collector.result().sample_index
        counts[picked] += 1
        overlap += len(np.intersect1d(picked, previous))
        previous = picked
    expected = trials * cap / 200
    # Chi-square with 199 degrees of freedom, scaled for sampling without replacement; 1e-4 tail is about 280.
    assert np.sum((counts - expected) ** 2 / (expected * (1 - cap / 200))) < 280
    # Independent draws share cap^2 / 200 = 12.5 positions on average; the standard error here is 0.13.
    assert abs(overlap / (trials - 1) - 12.5) < 0.6


def test_small_sets_are_kept_whole_and_in_order(rng: np.random.Generator):
    features = rng.normal(size=(30, 4)).astype(np.float32)
    collector = FeatureCollector(4, cap=100)
    order = rng.permutation(30)
    collector.add(order, features[order])
    found = collector.result()
    assert found.complete
    np.testing.assert_array_equal(found.sample, features)


def test_moments_of_all_images_in_order_are_those_of_the_sample_to_the_last_bit(rng: np.random.Generator):
    """What comes from the cache, which keeps the features alone, then equals what was measured."""
    features = rng.normal(3, 2, (2500, 6)).astype(np.float32)
    found = fill(FeatureCollector(6, cap=4000), features, np.arange(2500), 33).result()
    assert found.complete
    again = Moments.of(found.sample)
    np.testing.assert_array_equal(found.moments.scatter, again.scatter)
    np.testing.assert_array_equal(found.moments.mean, again.mean)


def test_nan_features_are_refused_by_position():
    collector = FeatureCollector(3)
    features = np.ones((4, 3), np.float32)
    features[2, 1] = np.nan
    with pytest.raises(MetricError, match="image 12 hold NaN"):
        collector.add(np.arange(10, 14), features)
    with pytest.raises(MetricError, match=r"image 0 and 1 more hold NaN"):
        FeatureSet(Moments.of(np.eye(3)), np.full((2, 3), np.inf, np.float32), np.arange(2))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda c: c.add(np.arange(2), np.ones((2, 5))), r"shape \(2, 3\), got \(2, 5\)"),
        (lambda c: c.add(np.arange(1), np.ones((2, 3))), "expected features"),
        (lambda c: c.add(np.arange(2), np.ones((2, 3)), np.ones((3, 2))), "expected logits"),
        (lambda c: c.merge(FeatureCollector(3, seed=1)), "seed 0 differs from 1"),
        (
            lambda c: (c.add(np.arange(2), np.ones((2, 3))), c.add(np.arange(1, 3), np.ones((2, 3))), c.result()),
            "twice",
        ),
        (
            lambda c: (c.add(np.arange(2), np.ones((2, 3))), c.add(np.arange(2, 4), np.ones((2, 3)), np.ones((2, 2)))),
            "logits were given for some",
        ),
    ],
)
def test_collector_refuses_what_does_not_fit(act, message: str):
    with pytest.raises(MetricError, match=message):
        act(FeatureCollector(3))


def test_feature_set_refuses_arrays_that_do_not_fit():
    moments, index = Moments.of(np.eye(3)), np.arange(2)
    with pytest.raises(MetricError, match="does not fit moments of 3 features"):
        FeatureSet(moments, np.ones((2, 4), np.float32), index)
    with pytest.raises(MetricError, match="index of shape"):
        FeatureSet(moments, np.ones((3, 3), np.float32), index)
    with pytest.raises(MetricError, match="logits of shape"):
        FeatureSet(moments, np.ones((2, 3), np.float32), index, np.ones((3, 2), np.float32))
    with pytest.raises(MetricError, match="mean or covariance"):
        FeatureSet(Moments(3, np.array([np.nan, 0, 0]), np.eye(3)), np.ones((2, 3), np.float32), index)
