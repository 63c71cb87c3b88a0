"""Factors C of covariances, C C' = S: what the Frechet distance is computed from, singular or not."""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.features import FeatureSet

# A variance may be negative by so much of the largest second moment. Summed in one pass, as sum(x^2) - n mean^2, it is
# off by up to n times the rounding of float64, 1.1e-16, of mean^2 + variance: 2e-10 for two million images. What is
# negative by more is no rounding; what is negative by less, taken as 0, moves no distance that anybody prints.
_ROUNDING = 1e-9
# Of the largest variance: what a matrix that files keep in float32 says of the rest of a variance is noise below it,
# four times the rounding of one number.
_FLOAT32 = 2.0**-22


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
    variances = np.diagonal(cov)
    trace, smallest, dimensions = np.trace(cov), variances.min(), len(cov)
    rounding = rounding_of(variances, mean)
    allowed = 1e-6 * abs(trace) + dimensions * rounding
    factor, damaged = _pivoted(cov), False
    if abs(trace - np.vdot(factor, factor)) > allowed and np.array_equal(cov, cov.astype(np.float32)):
        # Of few images, kept in float32: past its rank there is nothing but noise, which small pivots blow up.
        least = _FLOAT32 * float(variances.max())
        factor = _pivoted(cov, least)
        damaged = np.abs(cov - factor @ factor.T).max() > 16 * least  # more than noise was left out
    if smallest < -rounding or damaged or abs(trace - np.vdot(factor, factor)) > allowed:
        raise MetricError("the covariance is not positive semidefinite; the statistics are damaged.")
    return factor


def _pivoted(cov: np.ndarray, least: float = -1.0) -> np.ndarray:
    """Return the factor up to the first variance of at most ``least``; if negative, of LAPACK's own choice."""
    from scipy.linalg import lapack

    lower, pivots, rank, info = lapack.dpstrf(cov, tol=least, lower=1)
    if info < 0:
        raise MetricError("the covariance cannot be factored: it holds NaN or infinite values.")
    lower = np.tril(lower)[:, :rank]
    factor = np.empty_like(lower, order="C")
    factor[pivots - 1] = lower
    return factor


def are_few(features: FeatureSet) -> bool:
    """Whether the features themselves are the smaller factor of the covariance (a float16 sample is too coarse)."""
    return features.complete and features.n <= features.size and features.sample.dtype != np.float16


def factor_of(features: FeatureSet) -> tuple[np.ndarray, float]:
    """Return C, (D, k), with C C' = covariance, and the covariance's trace; k is the rank or the number of images."""
    if not are_few(features):
        trace = float(np.trace(features.moments.scatter)) / (features.n - 1)
        moments = features.moments
        if features.memory is None:  # not held on to: at 2048 features it takes 34 MB
            return cholesky_factor(moments.cov, moments.mean), trace
        return features.lasting("factor", lambda: cholesky_factor(moments.cov, moments.mean)), trace
    centred = features.sample.astype(np.float64) - features.moments.mean
    factor = centred.T / np.sqrt(features.n - 1)
    return factor, float(np.sum(factor * factor))
