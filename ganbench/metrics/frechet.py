"""Frechet distance between Gaussians fitted to two sets of features (Heusel et al. 2017), without a matrix square root.

``FD = |mu_r - mu_f|^2 + tr S_r + tr S_f - 2 tr (S_r^1/2 S_f S_r^1/2)^1/2``. With ``S_r = C_r C_r'`` and
``S_f = C_f C_f'`` the last trace is the sum of the singular values of ``M = C_r' C_f``: real, never negative, and
defined for singular covariances. The derivation is in docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_sizes
from ganbench.metrics.downdate import lost_roots
from ganbench.metrics.factors import are_few, factor_of
from ganbench.metrics.intervals import Z95
from ganbench.metrics.variation import Variation, random_halves
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments

# Singular values below this share of the largest are computed anew: see singular_values.
_SMALL = 1e-4


def singular_values(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all singular values of ``matrix`` (p, q), q of them, ascending, and its right singular vectors (q, q).

    The eigenvalues of ``matrix' matrix`` are their squares, and come several times faster than a singular value
    decomposition, but with an absolute error that spoils the roots of the small ones. Therefore the small ones are
    computed a second time, from ``matrix`` restricted to their own subspace, where nothing large is left to drown
    them: the absolute error falls from 1e-8 to about 1e-12 of the largest. The vectors are not refined.
    """
    squares, vectors = np.linalg.eigh(matrix.T @ matrix)
    values = np.sqrt(np.maximum(squares, 0.0))
    small = int(np.searchsorted(values, _SMALL * values[-1])) if len(values) else 0
    if small:
        part = matrix @ vectors[:, :small]
        values[:small] = np.sqrt(np.maximum(np.linalg.eigvalsh(part.T @ part), 0.0))
    return values, vectors


def frechet_distance(
    *, real_mean: np.ndarray, real_cov: np.ndarray, fake_mean: np.ndarray, fake_cov: np.ndarray
) -> float:
    """Return the Frechet distance of two Gaussians given by means (D,) and covariances (D, D), either singular or not.

    Raises:
        MetricError: shapes that do not fit, NaN, or a matrix that is no covariance.
    """
    real, fake = Moments.from_cov(real_mean, real_cov, 2), Moments.from_cov(fake_mean, fake_cov, 2)
    empty = np.empty((0, real.mean.size), np.float32), np.empty(0, np.int64)
    if real.mean.size != fake.mean.size:
        raise MetricError(f"means of {real.mean.size} and of {fake.mean.size} features cannot be compared.")
    return solve(FeatureSet(real, *empty), FeatureSet(fake, *empty)).value


def _variation(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Variation:
    n, m = fake.n, len(fake.sample)
    if min(n, m) < 4:
        raise MetricError(f"how it varies takes the features of at least 4 fake images, got {m}.")
    check_sizes(real, fake)
    value, without = _without_each(real, fake)
    parts = (np.flatnonzero(part) for half in random_halves(m, seed) for part in (half, ~half))
    halves = distances_of_parts(real, sampled(fake), parts).reshape(-1, 2) * (m / n)  # pairs of all add (m / n)^2
    return Variation(value, n, (n - 1) * (without.mean() - without), halves)


@metric(
    "fd",
    variation=_variation,
    title="Frechet distance",
    better="lower",
    needs="moments",
    inception_name="fid",
    least=0,
    asks="distance",
    caution="falls as the number of images grows: compares at equal n only, and sees two moments alone",
)
def fd(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the Frechet distance with an infinitesimal-jackknife interval over the fake images.

    The interval is the spread of the value over other sets of ``n`` images from the same generator, with the reference
    held fixed. It does not cover the upward bias of a finite ``n``. Its lower end stops at 0.

    Args:
        real: Moments suffice.
        fake: Moments, and the sample for the interval; without a sample there is no interval.
        seed: Not used; nothing is random.

    Raises:
        MetricError: fewer than 2 images on a side, or features of different lengths.
    """
    solved = solve(real, fake)
    warnings = list(solved.warnings)
    if fake.n <= fake.size:
        warnings.append(
            f"{fake.n} images cannot span {fake.size} features: the fake covariance is singular and the value biased "
            "upward; compare it only at the same number of images"
        )
    if solved.rank < real.size:
        warnings.append(f"the real covariance is singular (rank {solved.rank} of {real.size}): too few real images")
    if len(fake.sample) < 2:
        return Estimate(solved.value, None, None, "none (no feature sample)", fake.n, warnings=tuple(warnings))
    half = Z95 * solved.standard_error()
    low, high = max(0.0, solved.value - half), solved.value + half
    return Estimate(solved.value, low, high, "infinitesimal jackknife", fake.n, warnings=tuple(warnings))


@dataclass(eq=False)
class Solution:
    """A Frechet distance and what is left of its computation: enough for the influence of every image.

    Attributes:
        value: The distance.
        rank: Rank of the real covariance, at most.
        warnings: What happened to the value.
        real: The real side.
        fake: The fake side.
        transport: W, (D, k) float32, with d' T d = |W' d|^2; or None where ``forms`` is known.
        forms: d_i' T d_i of every fake image, (n,); or None where ``transport`` is known.
    """

    value: float
    rank: int
    warnings: tuple[str, ...]
    real: FeatureSet
    fake: FeatureSet
    transport: np.ndarray | None
    forms: np.ndarray | None

    def standard_error(self) -> float:
        """Return the standard error over the fake images: the root of sum(U_i^2) / n^2 (Efron 1981)."""
        return float(np.sqrt(np.mean(self.influences() ** 2) / self.fake.n))

    def influences(self) -> np.ndarray:
        """Return U_i, the derivative of the distance towards more weight on sample image i, (m,), with mean zero.

        ``U_i = 2 (mu_f - mu_r)' d_i + n / (n - 1) (|d_i|^2 - d_i' T d_i)`` minus its mean, with ``d_i = x_i - mu_f``
        and ``T = C_r (C_r' S_f C_r)^-1/2 C_r'``, the optimal transport map from the fake Gaussian to the real one.
        """
        real, fake = self.real.moments, self.fake.moments
        influences = np.empty(len(self.fake.sample))
        for start in range(0, len(influences), 1024):
            part = slice(start, start + 1024)
            offset = self.fake.sample[part].astype(np.float64) - fake.mean
            if self.forms is not None:
                form = self.forms[part]
            else:
                # Float32: an interval needs three digits, and this is the largest product at large n.
                mapped = offset.astype(np.float32) @ self.transport
                form = np.einsum("ij,ij->i", mapped, mapped, dtype=np.float64)
            spread = np.einsum("ij,ij->i", offset, offset) - form
            influences[part] = 2 * offset @ (fake.mean - real.mean) + spread * fake.n / (fake.n - 1)
        return influences - influences.mean()


def solve(real: FeatureSet, fake: FeatureSet) -> Solution:
    """Return the distance between two sets, and what its interval is computed from.

    Raises:
        MetricError: fewer than 2 images on a side, features of different lengths, or matrices that are no covariances.
    """
    check_sizes(real, fake)
    for side, features in (("real", real), ("fake", fake)):
        if features.n < 2:
            raise MetricError(f"a covariance needs at least 2 {side} images, got {features.n}.")
    real_factor, real_trace = factor_of(real)
    fake_factor, fake_trace = factor_of(fake)
    product = real_factor.T @ fake_factor
    del fake_factor
    transport = forms = None
    if are_few(fake):
        # d_i = sqrt(n - 1) C_f e_i, so that d_i' T d_i is the i-th diagonal entry of (n - 1) (M' M)^1/2.
        values, vectors = singular_values(product)
        forms = (fake.n - 1) * (vectors**2 @ values)
    else:
        values, vectors = singular_values(product.T)
        # d' T d = |d' C_r U s^-1/2|^2 over the singular triples (U, s, V) of M. Directions of zero spread add nothing.
        used = values > 1e-9 * values.max(initial=0.0)
        transport = (real_factor @ (vectors[:, used] / np.sqrt(values[used]))).astype(np.float32)
    shift = real.moments.mean - fake.moments.mean
    value = float(shift @ shift + real_trace + fake_trace - 2 * np.sum(values))
    scale = float(shift @ shift + real_trace + fake_trace)
    warnings: tuple[str, ...] = ()
    if value < -1e-6 * scale:
        raise MetricError(f"the Frechet distance came out as {value:.3g}: the statistics are damaged.")
    if value < 0:
        warnings = (f"rounding made the distance {value:.1e}; it is reported as 0",)
        value = 0.0
    rank = real.n - 1 if are_few(real) else real_factor.shape[1]
    return Solution(value, rank, warnings, real, fake, transport, forms)


def _without_each(real: FeatureSet, fake: FeatureSet) -> tuple[float, np.ndarray]:
    """Return the distance, and what it is without each sample image, up to a constant, (m,)."""
    n, (factor, real_trace) = fake.n, factor_of(real)
    offset = fake.sample.astype(np.float64) - fake.moments.mean
    mapped = offset @ factor
    if are_few(fake):
        values, vectors = np.linalg.eigh(mapped @ mapped.T)
        squares = vectors**2 * np.maximum(values, 0.0)
        trace = float(np.einsum("ij,ij", offset, offset))
    else:
        values, vectors = np.linalg.eigh(factor.T @ fake.moments.scatter @ factor)
        squares = (mapped @ vectors) ** 2
        trace = float(np.trace(fake.moments.scatter))
    values = np.maximum(values, 0.0)
    shift = fake.moments.mean - real.moments.mean
    value = float(shift @ shift + real_trace + trace / (n - 1) - 2 * np.sqrt(values).sum() / np.sqrt(n - 1))
    norms = np.einsum("ij,ij->i", offset, offset)
    mean = norms / (n - 1) ** 2 - 2 * offset @ shift / (n - 1)
    spread = -norms * n / (n - 1) / (n - 2)
    return max(0.0, value), mean + spread + 2 * lost_roots(values, squares, n) / np.sqrt(n - 2)


def sampled(features: FeatureSet) -> FeatureSet:
    """Return the set of the images whose features are known, which may be all."""
    return features if features.complete else FeatureSet.of(features.sample)


def distances_of_parts(real: FeatureSet, fake: FeatureSet, parts: Iterable[np.ndarray]) -> np.ndarray:
    """Return the distance of each of several parts of the fake images, (parts,).

    The product with the real factor is computed once; a part takes rows of it and centres them anew.

    Args:
        real: Moments suffice.
        fake: Complete.
        parts: Rows of the sample, at least two in each.
    """
    factor, real_trace = factor_of(real)
    features = fake.sample.astype(np.float64) - fake.moments.mean
    mapped = features @ factor
    norms = np.einsum("ij,ij->i", features, features)
    shift = fake.moments.mean - real.moments.mean
    distances = []
    for rows in parts:
        size = len(rows)
        mean = features[rows].mean(axis=0)
        trace = (norms[rows].sum() - size * (mean @ mean)) / (size - 1)
        part = mapped[rows]
        part -= part.mean(axis=0)
        gram = part @ part.T if size <= part.shape[1] else part.T @ part
        # Not refined as in singular_values: an error of 1e-8 per root is far below the spread of parts.
        roots = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0) / (size - 1))
        distances.append(np.sum((shift + mean) ** 2) + real_trace + trace - 2 * roots.sum())
    return np.array(distances)
