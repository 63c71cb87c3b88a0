"""Frechet distance between Gaussians fitted to two sets of features (Heusel et al. 2017), without a matrix square root.

``FD = |mu_r - mu_f|^2 + tr S_r + tr S_f - 2 tr (S_r^1/2 S_f S_r^1/2)^1/2``. With ``S_r = C_r C_r'`` and
``S_f = C_f C_f'`` the last trace is the sum of the singular values of ``M = C_r' C_f``: real, never negative, and
defined for singular covariances. The derivation is in docs/metrics.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_sizes
from ganbench.metrics.intervals import Z95
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.moments import Moments

# Singular values below this share of the largest are computed anew: see singular_values.
_SMALL = 1e-4


# A variance may be negative by so much of the largest second moment. Summed in one pass, as sum(x^2) - n mean^2, it is
# off by up to n times the rounding of float64, 1.1e-16, of mean^2 + variance: 2e-10 for two million images. What is
# negative by more is no rounding; what is negative by less, taken as 0, moves no distance that anybody prints.
_ROUNDING = 1e-9


def rounding_of(variances: np.ndarray, mean: np.ndarray | None) -> float:
    """Return by how much a variance may be negative, given all variances (D,) and the mean (D,) or None for 0."""
    return _ROUNDING * float((variances if mean is None else variances + mean.astype(np.float64) ** 2).max())


def cholesky_factor(cov: np.ndarray, mean: np.ndarray | None = None) -> np.ndarray:
    """Return C, (D, rank), with ``C C' = cov``: Cholesky with complete pivoting, which stops at the numerical rank.

    Args:
        cov: Symmetric positive semidefinite but for rounding, (D, D); singular is fine.
        mean: What it was computed about, (D,); variances of features far from 0 round the most. None for 0.

    Raises:
        MetricError: the matrix is not positive semidefinite, so no covariance.
    """
    from scipy.linalg import lapack

    variances = np.diagonal(cov)
    trace, smallest, dimensions = np.trace(cov), variances.min(), len(cov)
    rounding = rounding_of(variances, mean)
    lower, pivots, rank, info = lapack.dpstrf(cov, lower=1)
    if info < 0:
        raise MetricError("the covariance cannot be factored: it holds NaN or infinite values.")
    del cov, variances  # at 2048 features each such matrix is 34 MB, and these are the peak of a scorecard
    lower = np.tril(lower)[:, :rank]
    factor = np.empty_like(lower, order="C")
    factor[pivots - 1] = lower
    astray = abs(trace - np.vdot(factor, factor))
    if smallest < -rounding or astray > 1e-6 * abs(trace) + dimensions * rounding:
        raise MetricError("the covariance is not positive semidefinite; the statistics are damaged.")
    return factor


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


@metric(
    "fd",
    column=True,
    title="Frechet distance",
    better="lower",
    needs="moments",
    inception_name="fid",
    least=0,
    asks="distance",
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
    if _few(fake):
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
    rank = real.n - 1 if _few(real) else real_factor.shape[1]
    return Solution(value, rank, warnings, real, fake, transport, forms)


def _few(features: FeatureSet) -> bool:
    """Whether the features themselves are the smaller factor of the covariance (a float16 sample is too coarse)."""
    return features.complete and features.n <= features.size and features.sample.dtype != np.float16


def factor_of(features: FeatureSet) -> tuple[np.ndarray, float]:
    """Return C, (D, k), with C C' = covariance, and the covariance's trace; k is the rank or the number of images."""
    if not _few(features):
        trace = float(np.trace(features.moments.scatter)) / (features.n - 1)
        moments = features.moments
        if features.memory is None:  # not held on to: at 2048 features it takes 34 MB
            return cholesky_factor(moments.cov, moments.mean), trace
        return features.lasting("factor", lambda: cholesky_factor(moments.cov, moments.mean)), trace
    centred = features.sample.astype(np.float64) - features.moments.mean
    factor = centred.T / np.sqrt(features.n - 1)
    return factor, float(np.sum(factor * factor))
