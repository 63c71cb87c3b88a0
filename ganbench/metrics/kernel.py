"""Kernel distance: the unbiased squared maximum mean discrepancy with a cubic kernel (Binkowski et al. 2018).

``k(x, y) = (x'y / D + 1)^3``. On Inception features it is the "kernel inception distance", KID. Values are plain, not
multiplied by 1,000, and may fall slightly below 0 for equal distributions: that is what unbiased means.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_samples
from ganbench.metrics.intervals import Z95
from ganbench.metrics.pairwise import dot_blocks
from ganbench.metrics.variation import MANY_SPLITS, Variation, means_of_halves, random_halves
from ganbench.statistics.features import FeatureSet

SUBSETS = 100
SUBSET_SIZE = 1000
# torch-fidelity seeds its subsets with 2020; seed 0 here draws the same ones.
TORCH_FIDELITY_SEED = 2020


def kernel_times(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return K(x, y) @ weights, (n, q), for x (n, D), y (m, D) and weights (m, q), without ever holding K."""
    total = np.zeros((len(x), weights.shape[1]))
    for rows, columns, kernel in dot_blocks(x, y):
        total[rows] += _cubic(kernel, x.shape[1]) @ weights[columns]
    return total


def kernel_times_self(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return K(x, x) @ weights, (n, q), with zeros on the diagonal of K, for x (n, D) and weights (n, q)."""
    total = np.zeros((len(x), weights.shape[1]))
    for rows, columns, kernel in dot_blocks(x):
        kernel = _cubic(kernel, x.shape[1])
        if rows == columns:
            np.fill_diagonal(kernel, 0.0)
        else:
            total[columns] += kernel.T @ weights[rows]
        total[rows] += kernel @ weights[columns]
    return total


def _variation(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Variation:
    check_samples(real, fake, at_least=6)
    n, m = len(fake.sample), len(real.sample)
    halves = random_halves(n, seed, MANY_SPLITS)
    products = kernel_times_self(fake.sample, np.hstack([np.ones((n, 1)), halves.T]))
    with_real = kernel_times(fake.sample, real.sample, np.ones((m, 1)))[:, 0]
    return variation_of_discrepancy(_among_real(real), products, with_real, m, halves)


@metric(
    "kd",
    title="Kernel distance",
    better="lower",
    needs="features",
    inception_name="kid",
    decimals=4,
    variation=_variation,
    asks="distance",
    caution="sees little beyond two moments; below 0 means 0",
)
def kd(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the unbiased squared MMD over all pairs of the two samples.

    Interval: normal, with the delete-one jackknife error over the fake images (somewhat wide for U-statistics), the
    reference held fixed.

    Args:
        real: The sample is used.
        fake: The sample is used.
        seed: Not used; nothing is random.

    Raises:
        MetricError: a sample is missing or holds fewer than 3 images, or the features differ in length.
    """
    check_samples(real, fake, at_least=3)
    n, m = len(fake.sample), len(real.sample)
    with_fake = kernel_times_self(fake.sample, np.ones((n, 1)))[:, 0]
    with_real = kernel_times(fake.sample, real.sample, np.ones((m, 1)))[:, 0]
    value, error = unbiased_discrepancy(_among_real(real), with_fake, with_real, m)
    half = Z95 * error
    return Estimate(value, value - half, value + half, "delete-one jackknife", n, detail=f"all pairs, real sample {m}")


def _among_real(real: FeatureSet) -> float:
    """Return the mean kernel value of two different real images."""
    m = len(real.sample)
    whole = real.lasting("kernel", lambda: np.array(kernel_times_self(real.sample, np.ones((m, 1))).sum()))
    return float(whole) / (m * (m - 1))


@metric(
    "kd_subsets",
    title="Kernel distance, mean of 100 subsets of 1,000",
    better="lower",
    needs="features",
    inception_name="kid_subsets",
    default=False,
    asks="distance",
    caution="sees little beyond two moments",
)
def kd_subsets(
    *, real: FeatureSet, fake: FeatureSet, seed: int = 0, subsets: int = SUBSETS, subset_size: int = SUBSET_SIZE
) -> Estimate:
    """Return the mean squared MMD of random subsets, by torch-fidelity's protocol.

    The subsets are torch-fidelity's own for seed 0, with the fake images as its first input and complete samples. The
    interval is the mean plus and minus one standard deviation of the subsets, as that tool prints it: the spread of one
    subset, no confidence interval of the mean.

    Raises:
        MetricError: a side has fewer than ``subset_size`` images.
    """
    check_samples(real, fake, at_least=2)
    for side, features in (("real", real), ("fake", fake)):
        if len(features.sample) < subset_size:
            raise MetricError(
                f"subsets of {subset_size} need as many {side} images, got {len(features.sample)}: "
                "use kd, which takes any number, or add images."
            )
    n, m, size = len(fake.sample), len(real.sample), subset_size
    draw = np.random.RandomState(TORCH_FIDELITY_SEED + seed)
    # One column of zeros and ones per subset: sums over subsets become matrix products, one pass over the kernel.
    in_fake, in_real = np.zeros((n, subsets)), np.zeros((m, subsets))
    for i in range(subsets):
        in_fake[draw.choice(n, size, replace=False), i] = 1
        in_real[draw.choice(m, size, replace=False), i] = 1
    among_fake = np.sum(in_fake * kernel_times_self(fake.sample, in_fake), axis=0)
    among_real = real.lasting(
        f"subsets {seed} {n} {subsets} {size}",  # the draws of both sides take turns
        lambda: np.sum(in_real * kernel_times_self(real.sample, in_real), axis=0),
    )
    across = np.sum(in_fake * kernel_times(fake.sample, real.sample, in_real), axis=0)
    each = (among_fake + among_real) / (size * (size - 1)) - 2 * across / size**2
    mean, spread = float(np.mean(each)), float(np.std(each))
    interval = f"mean ± 1 standard deviation of {subsets} subsets, not 95 %"
    detail = f"{subsets} subsets of {size}, real sample {m}"
    return Estimate(mean, mean - spread, mean + spread, interval, n, seed, detail)


def unbiased_discrepancy(
    among_real: float, with_fake: np.ndarray, with_real: np.ndarray, real_count: int
) -> tuple[float, float]:
    """Return the unbiased squared maximum mean discrepancy, and its delete-one jackknife error over the fake images.

    Args:
        among_real: Mean kernel value of two different real images.
        with_fake: Sum of each fake image's kernel values with all other fake images, (n,), n >= 3.
        with_real: The same with all real images, (n,).
        real_count: Number of real images, m.
    """
    n, m = len(with_fake), real_count
    value = float(among_real + with_fake.sum() / (n * (n - 1)) - 2 * with_real.sum() / (m * n))
    without = _without_one(among_real, with_fake, with_real, m)
    return value, math.sqrt((n - 1) / n * float(np.sum((without - without.mean()) ** 2)))


def _without_one(among_real: float, with_fake: np.ndarray, with_real: np.ndarray, m: int) -> np.ndarray:
    """Return the squared discrepancy without each fake image, (n,)."""
    n = len(with_fake)
    found: np.ndarray = (
        among_real
        + (with_fake.sum() - 2 * with_fake) / ((n - 1) * (n - 2))
        - 2 * (with_real.sum() - with_real) / (m * (n - 1))
    )
    return found


def variation_of_discrepancy(
    among_real: float, products: np.ndarray, with_real: np.ndarray, real_count: int, halves: np.ndarray
) -> Variation:
    """Return how the unbiased squared maximum mean discrepancy varies.

    Args:
        among_real: Mean kernel value of two different real images.
        products: K @ [1, halves], (n, 1 + splits), with the kernel values K of the fake images and 0 on its diagonal.
        with_real: Sum of each fake image's kernel values with all real images, (n,).
        real_count: Number of real images, m.
        halves: Splits, (splits, n) bool.
    """
    n, m, with_fake = len(with_real), real_count, products[:, 0]
    value, _ = unbiased_discrepancy(among_real, with_fake, with_real, m)
    without = _without_one(among_real, with_fake, with_real, m)
    first = np.einsum("si,is->s", halves.astype(np.float64), products[:, 1:])
    within = np.stack([first, with_fake.sum() - 2 * halves @ with_fake + first], axis=1)
    sizes = np.stack([halves.sum(axis=1), (~halves).sum(axis=1)], axis=1)
    parts = among_real + within / (sizes * (sizes - 1)) - 2 * means_of_halves(with_real, halves) / m
    return Variation(value, n, math.sqrt(n * (n - 1)) * (without.mean() - without), parts)


def _cubic(dots: np.ndarray, size: int) -> np.ndarray:
    """Turn dot products into kernel values, in place."""
    dots /= size
    dots += 1.0
    squared = dots * dots
    dots *= squared
    return dots
