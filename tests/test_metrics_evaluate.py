"""Several metrics in one call, the registry, and what every metric refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from ganbench.errors import MetricError, UnknownName
from ganbench.metrics import neighbours
from ganbench.metrics.base import Estimate
from ganbench.metrics.evaluate import evaluate
from ganbench.metrics.intervals import group_jackknife_error, halves_error, mean_interval, share_interval, wilson
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.registry import METRICS
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments

ON_FEATURES = [m for m in METRICS.values() if m.needs in ("moments", "features", "logits")]


def features(rng: np.random.Generator, n: int, size: int = 4) -> FeatureSet:
    return FeatureSet.of(rng.normal(size=(n, size)), rng.normal(size=(n, 5)).astype(np.float32))


@pytest.mark.slow
def test_every_metric_returns_a_complete_estimate(rng: np.random.Generator):
    real, fake = features(rng, 1200), features(rng, 1100)
    results = evaluate(ON_FEATURES, real=real, fake=fake, seed=3)
    assert list(results) == [m.name for m in ON_FEATURES]
    for name, estimate in results.items():
        assert isinstance(estimate, Estimate), name
        assert estimate.low <= estimate.value <= estimate.high, name
        assert estimate.interval
        assert estimate.n == 1100
        assert all(math.isfinite(v) for v in (estimate.low, estimate.value, estimate.high)), name
        alone = METRICS[name].compute(real=real, fake=fake, seed=3)
        assert alone == estimate, f"{name} differs when computed alone"


def test_inception_has_the_names_of_the_field():
    names = {m.name: m.inception_name for m in METRICS.values() if m.inception_name}
    assert names == {
        "fd": "fid",
        "fd_inf": "fid_inf",
        "kd": "kid",
        "kd_subsets": "kid_subsets",
        "inception_score": "is",
    }
    on_demand = {"mind", "clipped_density", "clipped_coverage", "vendi", "fwd", "ppl"}
    assert {m.name for m in METRICS.values() if not m.default} == {"fd_inf", "kd_subsets"} | on_demand
    assert METRICS["recall"].better == "higher"
    assert METRICS["fd"].better == METRICS["copies"].better == "lower"


def test_one_failure_does_not_lose_the_others(rng: np.random.Generator):
    real, fake = features(rng, 50), FeatureSet.of(rng.normal(size=(40, 4)))
    bare = FeatureSet(real.moments, real.sample[:0], real.sample_index[:0])
    results = evaluate(["precision", "fd", "kd", "inception_score"], real=bare, fake=fake)
    assert isinstance(results["fd"], Estimate)
    for name in ("precision", "kd"):
        assert isinstance(results[name], MetricError)
        assert "holds only a mean and a covariance" in str(results[name])
    assert "gives none" in str(results["inception_score"])


def test_neighbours_are_computed_once(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch):
    calls = []
    original = neighbours.nearest
    monkeypatch.setattr(neighbours, "nearest", lambda x, k: calls.append(k) or original(x, k))
    real, fake = features(rng, 60), features(rng, 50)
    pairs = Pairs(real, fake)
    evaluate([m.name for m in METRICS.values() if m.uses_pairs], real=real, fake=fake, pairs=pairs)
    assert sorted(calls) == [5, 16]
    METRICS["precision"].compute(real=real, fake=fake, pairs=pairs)
    assert len(calls) == 2


def test_unknown_names_get_a_hint(rng: np.random.Generator):
    with pytest.raises(UnknownName, match="Did you mean 'precision'"):
        evaluate(["fd", "precison"], real=features(rng, 9), fake=features(rng, 9))


@pytest.mark.parametrize("name", [m.name for m in ON_FEATURES])
def test_every_metric_refuses_one_image(rng: np.random.Generator, name: str):
    one = FeatureSet(Moments.of(np.ones((1, 4))), np.ones((1, 4), np.float32), np.arange(1), np.ones((1, 5)))
    with pytest.raises(MetricError, match=r"at least \d+ .*got 1|as many fake images, got 1"):
        METRICS[name].compute(real=features(rng, 1000), fake=one)


@pytest.mark.parametrize("name", [m.name for m in ON_FEATURES if m.needs != "logits"])
def test_every_metric_refuses_features_of_another_length(rng: np.random.Generator, name: str):
    with pytest.raises(MetricError, match="real features have 4 values each and the fake ones 6"):
        METRICS[name].compute(real=features(rng, 1000), fake=features(rng, 1000, 6))


def test_nan_never_reaches_a_metric():
    with pytest.raises(MetricError, match="image 3 hold NaN"):
        FeatureSet.of(np.where(np.arange(20).reshape(10, 2) == 7, np.nan, 1.0))


@given(successes=st.integers(0, 60), extra=st.integers(0, 60))
def test_wilson_matches_scipy(successes: int, extra: int):
    n = successes + extra
    if n:
        low, high = wilson(successes / n, n)
        expected = binomtest(successes, n).proportion_ci(method="wilson")
        assert low == pytest.approx(expected.low, abs=1e-9)
        assert high == pytest.approx(expected.high, abs=1e-9)


def test_interval_helpers_match_the_textbook(rng: np.random.Generator):
    values = rng.normal(3, 2, 15)
    expected = t.interval(0.95, 14, loc=values.mean(), scale=values.std(ddof=1) / math.sqrt(15))
    assert mean_interval(values) == pytest.approx(expected)
    # For a mean and groups of one, the jackknife error is the standard error exactly.
    without = (values.sum() - values) / 14
    assert group_jackknife_error(without) == pytest.approx(values.std(ddof=1) / math.sqrt(15))
    # For the mean of independent values, halves give the standard error of half as many.
    halves = np.array([rng.normal(3, 2, (2, 50)).mean(axis=1) for _ in range(4000)])
    assert halves_error(halves) == pytest.approx(2 / math.sqrt(50), rel=0.04)


def test_a_share_of_dependent_units_has_a_width_everywhere():
    # In the middle: Student's t. Without a visible error: one unit. At 0 and 1: Wilson's.
    assert share_interval(0.4, 0.02, 19, 300) == pytest.approx((0.4 - 2.093024 * 0.02, 0.4 + 2.093024 * 0.02))
    assert share_interval(0.4, 0.0, 19, 300) == pytest.approx((0.4 - 1 / 300, 0.4 + 1 / 300))
    assert share_interval(0.0, 0.0, 19, 300) == wilson(0.0, 300)
    assert share_interval(1.0, 0.0, 19, 300) == wilson(1.0, 300)
    low, high = share_interval(1.0, 0.05, 19, 300)
    assert (low, high) == (pytest.approx(1 - 2.093024 * 0.05), 1.0)
