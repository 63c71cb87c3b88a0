"""Frechet distance: closed forms, high-precision references, singular covariances, and its interval."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.errors import MetricError
from ganbench.metrics.factors import cholesky_factor
from ganbench.metrics.frechet import fd, frechet_distance, singular_values, solve
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments


def covariance(rng: np.random.Generator, size: int, rank: int) -> np.ndarray:
    root = rng.normal(size=(size, rank))
    return root @ root.T


def moments_only(features: FeatureSet) -> FeatureSet:
    return FeatureSet(features.moments, features.sample[:0], features.sample_index[:0])


def distance(mean_r, cov_r, mean_f, cov_f) -> float:
    return frechet_distance(real_mean=mean_r, real_cov=cov_r, fake_mean=mean_f, fake_cov=cov_f)


# Variances below about 1e-15 of the largest count as 0, so none lies between 0 and 1e-6 here.
variances = st.lists(st.just(0.0) | st.floats(1e-6, 1e3), min_size=6, max_size=6)


@given(a=variances, b=variances, shift=st.floats(-10, 10))
@settings(max_examples=60, deadline=None)
def test_diagonal_gaussians_have_a_closed_form(a: list[float], b: list[float], shift: float):
    exact = 6 * shift**2 + np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    value = distance(np.zeros(6), np.diag(a), np.full(6, shift), np.diag(b))
    # The distance is a difference of traces: rounding is relative to those.
    assert value == pytest.approx(exact, rel=1e-8, abs=1e-10 * (sum(a) + sum(b)))


@pytest.mark.parametrize("seed", range(3))
def test_full_matrices_match_fifty_digits(seed: int):
    rng = np.random.default_rng(seed)
    mean_r, mean_f = rng.normal(size=(2, 6))
    cov_r, cov_f = covariance(rng, 6, 9), covariance(rng, 6, 7)
    with mpmath.workdps(50):
        root = mpmath.sqrtm(mpmath.matrix(cov_r.tolist()) * mpmath.matrix(cov_f.tolist()))
        cross = mpmath.fsum(root[i, i] for i in range(6))
        exact = mpmath.fsum((mpmath.mpf(a) - b) ** 2 for a, b in zip(mean_r.tolist(), mean_f.tolist(), strict=True))
        exact += mpmath.fsum(np.diagonal(cov_r).tolist()) + mpmath.fsum(np.diagonal(cov_f).tolist()) - 2 * cross
        exact = float(mpmath.re(exact))
    assert distance(mean_r, cov_r, mean_f, cov_f) == pytest.approx(exact, rel=1e-8)


def test_matches_sqrtm_and_is_symmetric(rng: np.random.Generator):
    mean_r, mean_f = rng.normal(size=(2, 40))
    cov_r, cov_f = covariance(rng, 40, 60), covariance(rng, 40, 50)
    cross = np.trace(scipy.linalg.sqrtm(cov_r @ cov_f)).real
    expected = np.sum((mean_r - mean_f) ** 2) + np.trace(cov_r) + np.trace(cov_f) - 2 * cross
    value = distance(mean_r, cov_r, mean_f, cov_f)
    assert value == pytest.approx(expected, rel=1e-9)
    assert distance(mean_f, cov_f, mean_r, cov_r) == pytest.approx(value, rel=1e-11)


def test_singular_covariances(rng: np.random.Generator):
    # In a rotated basis: variances 4, 1, 0, 0 against 1, 0, 9, 0 give (2-1)^2 + 1 + 9 + 0.
    basis = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    cov_r, cov_f = basis @ np.diag([4, 1, 0, 0]) @ basis.T, basis @ np.diag([1, 0, 9, 0]) @ basis.T
    assert distance(np.zeros(4), cov_r, np.zeros(4), cov_f) == pytest.approx(11.0, abs=1e-6)
    assert distance(np.zeros(4), np.zeros((4, 4)), np.ones(4), cov_f) == pytest.approx(4 + 10, rel=1e-12)


@pytest.mark.parametrize(("n", "size"), [(30, 80), (80, 80), (200, 80)])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_identical_inputs_are_zero_apart(rng: np.random.Generator, n: int, size: int, scale: float):
    spectrum = np.exp(-np.arange(size) / 5)
    features = FeatureSet.of(scale * rng.normal(1, 1, (n, size)) * spectrum)
    bare = moments_only(features)
    for real in (features, bare):
        for fake in (features, bare):
            assert 0 <= fd(real=real, fake=fake).value <= 1e-6
    # The interval is computed in float32, whose steps are 1e-7.
    assert fd(real=bare, fake=features).high == pytest.approx(0, abs=1e-7 * np.trace(features.moments.cov))


@pytest.mark.parametrize(("n", "m"), [(25, 300), (60, 300), (25, 40), (300, 40)])
def test_low_rank_paths_agree_with_moments_alone(rng: np.random.Generator, n: int, m: int):
    real = FeatureSet.of(rng.normal(0, 1, (m, 60)))
    fake = FeatureSet.of(rng.normal(0.2, 1.3, (n, 60)))
    expected = fd(real=moments_only(real), fake=moments_only(fake))
    assert expected.low is None
    assert fd(real=real, fake=fake).value == pytest.approx(expected.value, rel=1e-9)
    assert fd(real=moments_only(real), fake=fake).value == pytest.approx(expected.value, rel=1e-9)


def test_a_half_precision_sample_never_replaces_the_moments(rng: np.random.Generator):
    features = FeatureSet.of(rng.normal(50, 1, (20, 30)))
    rounded = FeatureSet(features.moments, features.sample.astype(np.float16), features.sample_index)
    assert fd(real=rounded, fake=moments_only(features)).value <= 1e-6


def test_singular_values_are_exact_to_the_small_end(rng: np.random.Generator):
    left, right = np.linalg.qr(rng.normal(size=(90, 60)))[0], np.linalg.qr(rng.normal(size=(60, 60)))[0]
    exact = np.append(10.0 ** -np.linspace(0, 11, 55), np.zeros(5))
    values, vectors = singular_values((left * exact) @ right.T)
    # The squares alone are off by 1e-8 here.
    np.testing.assert_allclose(np.sort(values)[::-1], exact, atol=2e-12)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(60), atol=1e-12)


def test_cholesky_factor_stops_at_the_rank(rng: np.random.Generator):
    cov = covariance(rng, 30, 11)
    factor = cholesky_factor(cov)
    assert factor.shape == (30, 11)
    np.testing.assert_allclose(factor @ factor.T, cov, atol=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_a_covariance_of_few_images_that_a_file_kept_in_float32_is_factored(seed: int):
    # Left to itself LAPACK goes on past the rank here, on noise: with seed 3 its factor is off by 3e-6 of the trace.
    rows = np.random.default_rng(seed).normal(size=(12, 192)) * np.linspace(0.1, 1, 192)
    kept = np.cov(rows.T).astype(np.float32).astype(np.float64)
    factor = cholesky_factor(kept)
    np.testing.assert_allclose(factor @ factor.T, kept, atol=1e-5 * kept.max())
    lower = (kept - 1e-4 * np.eye(192)).astype(np.float32)  # every eigenvalue past the rank is negative
    with pytest.raises(MetricError, match="not positive semidefinite"):
        cholesky_factor(lower.astype(np.float64))


@pytest.mark.parametrize("n", [15, 90])
@pytest.mark.parametrize("bare", [True, False])
def test_influences_are_the_derivative_by_weight(rng: np.random.Generator, n: int, bare: bool):
    real = FeatureSet.of(rng.normal(0, 1, (200, 24)))
    fake = FeatureSet.of(rng.normal(0.3, 1.2, (n, 24)))
    influences = solve(moments_only(real) if bare else real, fake).influences()
    assert influences.mean() == pytest.approx(0, abs=1e-9)
    x = fake.sample.astype(np.float64)

    def weighted(step: float, image: int) -> float:
        w = np.full(n, (1 - step) / n)
        w[image] += step
        mean = w @ x
        cov = (x - mean).T @ ((x - mean) * w[:, None]) * n / (n - 1)
        return distance(real.moments.mean, real.moments.cov, mean, cov)

    for image in (0, 7, n - 1):
        step = 1e-4 / n
        slope = (weighted(step, image) - weighted(-step, image)) / (2 * step)
        assert influences[image] == pytest.approx(slope, rel=2e-4, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "widest"), [(20, 2.0), (80, 1.35), (320, 1.35)])
def test_interval_covers_the_spread_between_sets(n: int, widest: float):
    # Error estimate against the true spread over 80 sets (its own sampling error is 8 %). Below n = D it is too wide,
    # never too narrow.
    rng = np.random.default_rng(5)
    mixing = rng.normal(size=(32, 32)) * np.exp(-np.arange(32) / 8)
    real = moments_only(FeatureSet.of(rng.normal(size=(4000, 32)) @ mixing))
    values, errors = [], []
    for _ in range(80):
        solved = solve(real, FeatureSet.of(rng.normal(size=(n, 32)) @ mixing * 1.3 + 0.5))
        values.append(solved.value)
        errors.append(solved.standard_error())
    assert 0.85 < np.sqrt(np.mean(np.square(errors))) / np.std(values) < widest


def test_interval_from_a_part_of_the_images(rng: np.random.Generator):
    real = FeatureSet.of(rng.normal(0, 1, (2000, 10)))
    whole = FeatureSet.of(rng.normal(0.2, 1.2, (4000, 10)))
    part = FeatureSet(whole.moments, whole.sample[::4], whole.sample_index[::4])
    a, b = fd(real=real, fake=whole), fd(real=real, fake=part)
    assert a.value == b.value
    assert b.n == 4000
    assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.1)


def test_warns_below_the_feature_size(rng: np.random.Generator):
    few, many = FeatureSet.of(rng.normal(size=(10, 12))), FeatureSet.of(rng.normal(size=(60, 12)))
    assert "only at the same number" in fd(real=many, fake=few).warnings[0]
    assert "real covariance is singular (rank 9 of 12)" in fd(real=few, fake=many).warnings[0]
    assert not fd(real=many, fake=FeatureSet.of(rng.normal(size=(60, 12)))).warnings


def test_equal_images_are_a_point_not_an_error():
    real, fake = FeatureSet.of(np.ones((5, 3))), FeatureSet.of(np.zeros((6, 3)))
    assert fd(real=real, fake=fake).value == pytest.approx(3.0)
    assert fd(real=real, fake=moments_only(fake)).value == pytest.approx(3.0)


def test_refuses_damaged_statistics():
    with pytest.raises(MetricError, match="not positive semidefinite"):
        distance(np.zeros(2), np.diag([1.0, -0.5]), np.zeros(2), np.eye(2))
    with pytest.raises(MetricError, match="not positive semidefinite"):
        distance(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2), np.eye(2))
    with pytest.raises(MetricError, match="NaN or infinite"):
        distance(np.array([0, np.nan]), np.eye(2), np.zeros(2), np.eye(2))
    with pytest.raises(MetricError, match="do not fit"):
        distance(np.zeros(2), np.eye(3), np.zeros(2), np.eye(2))
    with pytest.raises(MetricError, match="2 and of 3 features"):
        distance(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))
    with pytest.raises(MetricError, match="at least 2 fake images, got 1"):
        fd(real=FeatureSet.of(np.eye(3)), fake=FeatureSet(Moments.of(np.ones((1, 3))), np.ones((0, 3)), np.arange(0)))


@pytest.mark.parametrize(("count", "shift"), [(500, 0.0), (30, 0.0), (500, 100.0)])
def test_sums_in_one_pass_round_variances_below_zero(rng: np.random.Generator, count: int, shift: float):
    x = np.maximum(rng.normal(0.2, 0.5, (count, 64)), 0)
    x[:, :8] = rng.uniform(0, 0.02, 8)  # constant in this set
    x += shift
    mean = x.sum(0) / count
    cov = (x.T @ x - np.outer(mean, mean) * count) / (count - 1)
    assert np.diagonal(cov).min() < 0
    fake = rng.normal(size=(200, 64))
    other = {"fake_mean": fake.mean(0), "fake_cov": np.cov(fake, rowvar=False)}
    exact = frechet_distance(real_mean=x.mean(0), real_cov=np.cov(x, rowvar=False), **other)
    assert frechet_distance(real_mean=mean, real_cov=cov, **other) == pytest.approx(exact, rel=1e-6)
    cov[3, 3] = -1e-4 * (1 + shift**2)
    with pytest.raises(MetricError, match="not positive semidefinite"):
        frechet_distance(real_mean=mean, real_cov=cov, **other)
