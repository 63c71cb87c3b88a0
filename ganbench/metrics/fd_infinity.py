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
from ganbench.metrics.frechet import distances_of_parts, sampled, solve
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
    caution="a line drawn beyond the images that there are, and it sees two moments alone",
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
    whole = sampled(fake)
    sizes = np.linspace(min(SMALLEST, n // 5), n, POINTS).astype(np.int64)
    draw = np.random.default_rng(seed)
    distances = distances_of_parts(real, whole, (draw.permutation(n)[:size] for size in sizes))
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
