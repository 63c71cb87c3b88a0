"""MMD with a Gaussian kernel, as CMMD has it (Jayasumana et al. 2024), on any features.

``k(x, y) = exp(-|x - y|^2 / (2 s^2))``, and the value is 1,000 times the unbiased squared maximum mean discrepancy.
CMMD has s = 10 on CLIP features of length 1. Other features have other lengths, so the bandwidth comes from the
reference: the median distance between two of its images.
"""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_samples
from ganbench.metrics.intervals import Z95
from ganbench.metrics.kernel import unbiased_discrepancy, variation_of_discrepancy
from ganbench.metrics.pairwise import distance_blocks
from ganbench.metrics.variation import MANY_SPLITS, Variation, random_halves
from ganbench.statistics.features import FeatureSet

SCALE = 1000.0
_MEDIAN_OF = 1000  # images of the reference whose distances the median is taken of: half a million pairs


def _variation(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Variation:
    check_samples(real, fake, at_least=6)
    n, m = len(fake.sample), len(real.sample)
    width = -0.5 / _checked(median_distance(real), "the median distance of real images") ** 2
    halves = random_halves(n, seed, MANY_SPLITS)
    weights, products = np.hstack([np.ones((n, 1)), halves.T]), np.zeros((n, 1 + len(halves)))
    for rows, columns, squared in distance_blocks(fake.sample):
        kernel = _gaussian(squared, width)
        products[rows] += kernel @ weights[columns]
        if rows != columns:
            products[columns] += kernel.T @ weights[rows]
    with_real = _sums_with(fake.sample, real.sample, width)
    return variation_of_discrepancy(_among_real(real, width), products, with_real, m, halves).scaled(SCALE)


@metric(
    "mmd_rbf",
    title="Maximum mean discrepancy, Gaussian kernel",
    better="lower",
    needs="features",
    variation=_variation,
    asks="distance",
    caution="no published number compares with it; below 0 means 0",
)
def mmd_rbf(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, bandwidth: float | None = None) -> Estimate:
    """Return 1,000 times the unbiased squared MMD over all pairs of the two samples; slightly below 0 where equal.

    Interval: normal, with the delete-one jackknife error over the fake images, the reference held fixed.

    Args:
        real: The sample is used.
        fake: The sample is used.
        seed: Not used; nothing is random.
        bandwidth: s, in the unit of the features; by default the median distance between real images.

    Raises:
        MetricError: a sample is missing or holds fewer than 3 images, the features differ in length, or more than half
            of the real images are equal.
    """
    check_samples(real, fake, at_least=3)
    m = len(real.sample)
    rule = "the median distance of real images" if bandwidth is None else f"{bandwidth:g}"
    bandwidth = _checked(median_distance(real) if bandwidth is None else bandwidth, rule)
    width = -0.5 / bandwidth**2
    among_real = _among_real(real, width)
    with_fake, with_real = _sums_among(fake.sample, width), _sums_with(fake.sample, real.sample, width)
    value, error = unbiased_discrepancy(among_real, with_fake, with_real, m)
    value, half = SCALE * value, Z95 * SCALE * error
    detail = f"bandwidth {rule}, all pairs, real sample {m}"
    return Estimate(value, value - half, value + half, "delete-one jackknife", len(fake.sample), detail=detail)


def _checked(bandwidth: float, rule: str) -> float:
    if not bandwidth > 0:
        raise MetricError(f"the bandwidth of the kernel must be above 0, and {rule} is {bandwidth:g}.")
    return bandwidth


def _among_real(real: FeatureSet, width: float) -> float:
    """Return the mean kernel value of two different real images."""
    m = len(real.sample)
    whole = real.lasting(f"gaussian {width!r}", lambda: np.array(_sums_among(real.sample, width).sum()))
    return float(whole) / (m * (m - 1))


def median_distance(real: FeatureSet) -> float:
    """Return the median distance between two different images among 1,000 spread evenly over the real sample."""

    def compute() -> np.ndarray:
        rows = np.linspace(0, len(real.sample) - 1, min(len(real.sample), _MEDIAN_OF)).round().astype(np.int64)
        squared = [
            block[np.triu_indices_from(block, 1)] if top == left else block.ravel()
            for top, left, block in distance_blocks(real.sample[rows])
        ]
        return np.array(np.sqrt(np.median(np.concatenate(squared))))

    return float(real.lasting("median distance", compute))


def _sums_among(x: np.ndarray, width: float) -> np.ndarray:
    """Return the sum of each row's kernel values with all other rows, (n,), for x (n, D)."""
    total = np.zeros(len(x))
    for rows, columns, squared in distance_blocks(x):  # a row is infinitely far from itself: its kernel value is 0
        kernel = _gaussian(squared, width)
        total[rows] += kernel.sum(axis=1)
        if rows != columns:
            total[columns] += kernel.sum(axis=0)
    return total


def _sums_with(x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    """Return the sum of each row's kernel values with all rows of ``y``, (n,), for x (n, D) and y (m, D)."""
    total = np.zeros(len(x))
    for rows, _, squared in distance_blocks(x, y):
        total[rows] += _gaussian(squared, width).sum(axis=1)
    return total


def _gaussian(squared: np.ndarray, width: float) -> np.ndarray:
    """Turn squared distances into kernel values, in place."""
    squared *= width
    return np.exp(squared, out=squared)
