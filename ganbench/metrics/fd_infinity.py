"""FD-infinity: the Frechet distance extrapolated to infinitely many images (Chong and Forsyth 2020).

The upward bias of the Frechet distance falls like 1/N once N is several times the feature size. The distance of random
subsets of 15 sizes is regressed on 1/N, and the value at 1/N = 0 is the result.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_sizes
from ganbench.metrics.frechet import factor_of, solve
from ganbench.metrics.intervals import student
from ganbench.statistics.features import FeatureSet

POINTS = 15
# The authors' smallest subset; with fewer than 5 times as many images it shrinks with their number.
SMALLEST = 5000
_FEWEST = 50


@metric(
    "fd_inf",
    title="Frechet distance at infinitely many images",
    better="lower",
    needs="features",
    inception_name="fid_inf",
    default=False,
    asks="distance",
)
def fd_inf(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the intercept of a line through the Frechet distances of random subsets, over 1/N.

    Interval: Student's t with the error of the regression and that of the distance itself (infinitesimal jackknife)
    added in quadrature; the subsets share their images, so that the regression alone knows too little of the spread.

    Args:
        real: Moments suffice; its own bias from a finite number of real images is not removed.
        fake: The sample is used.
        seed: Seed of the subsets.

    Raises:
        MetricError: fewer than 50 fake images in the sample, or features of different lengths.
    """
    check_sizes(real, fake)
    n = len(fake.sample)
    if n < _FEWEST:
        raise MetricError(f"an extrapolation over the number of images needs at least {_FEWEST} fake images, got {n}.")
    whole = fake if fake.complete else FeatureSet.of(fake.sample)
    sizes = np.linspace(min(SMALLEST, n // 5), n, POINTS).astype(np.int64)
    distances = _subset_distances(real, whole, sizes, seed)
    inverse = 1.0 / sizes
    offset = inverse - inverse.mean()
    slope = float(offset @ distances / (offset @ offset))
    value = float(distances.mean() - slope * inverse.mean())
    residuals = distances - value - slope * inverse
    variance = float(residuals @ residuals) / (POINTS - 2) * (1 / POINTS + inverse.mean() ** 2 / (offset @ offset))
    half = student(POINTS - 2) * math.sqrt(variance + solve(real, whole).standard_error() ** 2)
    warnings: tuple[str, ...] = ()
    if sizes[0] < fake.size:
        warnings = (
            f"the smallest subset ({sizes[0]} images) cannot span {fake.size} features: the distance is not linear "
            "in 1/N there, and the extrapolation may fall far below the truth",
        )
    detail = f"{POINTS} subsets of {sizes[0]} to {n}"
    interval = "regression error and infinitesimal jackknife, Student t"
    return Estimate(value, value - half, value + half, interval, n, seed, detail, warnings)


def _subset_distances(real: FeatureSet, fake: FeatureSet, sizes: np.ndarray, seed: int) -> np.ndarray:
    """Return the Frechet distance of one random subset of each size, (len(sizes),).

    The product with the real factor is computed once; a subset takes rows of it and centres them anew.
    """
    factor, real_trace = factor_of(real)
    features = fake.sample.astype(np.float64) - fake.moments.mean
    mapped = features @ factor
    norms = np.einsum("ij,ij->i", features, features)
    shift = fake.moments.mean - real.moments.mean
    draw = np.random.default_rng(seed)
    distances = np.empty(len(sizes))
    for i, size in enumerate(sizes):
        rows = draw.permutation(len(features))[:size]
        mean = features[rows].mean(axis=0)
        trace = (norms[rows].sum() - size * (mean @ mean)) / (size - 1)
        part = mapped[rows]
        part -= part.mean(axis=0)
        gram = part @ part.T if size <= part.shape[1] else part.T @ part
        # Not refined as in frechet.singular_values: an error of 1e-8 per root is far below the spread of subsets.
        roots = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0) / (size - 1))
        distances[i] = np.sum((shift + mean) ** 2) + real_trace + trace - 2 * roots.sum()
    return distances
