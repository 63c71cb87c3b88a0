"""MIND, the Monge Inception Distance: a sliced Wasserstein-2 distance of features (Berthet et al. 2026).

``MIND = 3 D mean_j W2(u_j'R, u_j'F)^2`` over random directions ``u_j`` of length 1. On a line the best transport is
known: it maps quantiles to quantiles, so that ``W2^2`` is the integral over u in (0, 1) of the squared difference of
the two quantile functions. Both are step functions, and the integral is exact for any two numbers of images.

The directions are orthogonal to each other, where the paper's are independent: the mean over all draws is the same, and
the value depends far less on which were drawn (Rowland et al. 2019).
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_samples
from ganbench.metrics.intervals import Z95
from ganbench.metrics.variation import Variation, random_halves
from ganbench.statistics.features import FeatureSet

PROJECTIONS = 1000  # the paper's number
_STREAM = 0x4D494E44  # keeps the directions apart from what a user draws with the same seed
_AT_ONCE = 100  # directions whose sorted values are in memory together


def _variation(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Variation:
    check_samples(real, fake, at_least=4)
    scale = 3 * fake.size / PROJECTIONS
    ordered, projected = _along_lines(real, fake, seed)
    value, influences = _transported(ordered, projected)
    splits = random_halves(len(fake.sample), seed)
    halves = [[_transported(ordered, projected[:, part])[0] for part in (half, ~half)] for half in splits]
    each = scale * (influences - influences.mean())
    return Variation(scale * value, len(fake.sample), each, scale * np.array(halves))


@metric(
    "mind",
    title="Sliced Wasserstein distance (MIND)",
    better="lower",
    needs="features",
    least=0,
    default=False,
    variation=_variation,
    asks="distance",
    caution="falls as the number of images grows: compares at equal n only",
)
def mind(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return 3 D times the mean squared Wasserstein-2 distance of the two samples along 1,000 random directions.

    The paper draws as many real images as there are fake ones; here the quantiles are those of the whole real sample.
    Interval: infinitesimal jackknife over the fake images, the reference and the directions held fixed. It does not
    cover the upward bias of a finite number of images.

    Args:
        real: The sample is used.
        fake: The sample is used.
        seed: Seed of the directions.

    Raises:
        MetricError: a sample is missing or holds fewer than 2 images, or the features differ in length.
    """
    check_samples(real, fake, at_least=2)
    size, n = fake.size, len(fake.sample)
    value, influences = _transported(*_along_lines(real, fake, seed))
    scale = 3 * size / PROJECTIONS
    value *= scale
    half = Z95 * scale * math.sqrt(float(np.mean((influences - influences.mean()) ** 2)) / n)
    detail = f"{PROJECTIONS} directions, all quantiles, real sample {len(real.sample)}"
    return Estimate(value, max(0.0, value - half), value + half, "infinitesimal jackknife", n, seed, detail)


def _along_lines(real: FeatureSet, fake: FeatureSet, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of the real sample along all directions, each row ascending, and of the fake one, in order."""
    directions = real.lasting(f"directions {seed}", lambda: directions_of(fake.size, seed))
    ordered = real.lasting(f"projected {seed}", lambda: np.sort(_project(real.sample, directions), axis=1))
    return ordered, _project(fake.sample, directions)


def _transported(ordered: np.ndarray, projected: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the sum over all directions of the squared distance, and of the potentials of each fake image, (n,)."""
    value, influences = 0.0, np.zeros(projected.shape[1])
    for start in range(0, len(projected), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        squared, potentials = transport(ordered[part], projected[part])
        value += float(squared.sum())
        influences += potentials.sum(axis=0)
    return value, influences


def transport(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the squared Wasserstein-2 distance of samples on lines, and its derivative by the weight of each image.

    Args:
        real: Values on p lines, (p, m), each row ascending.
        fake: Values on the same lines, (p, n), in any order.

    Returns:
        Squared distances, (p,), and Kantorovich potentials of the fake images, (p, n), each row up to a constant.
    """
    m, n = real.shape[1], fake.shape[1]
    order = np.argsort(fake, axis=1)
    ascending = np.take_along_axis(fake, order, axis=1)
    # Both quantile functions are constant between neighbouring levels; in units of 1 / (n m) the levels are integers.
    levels = np.union1d(np.arange(n + 1, dtype=np.int64) * m, np.arange(m + 1, dtype=np.int64) * n)
    below, width = levels[:-1], np.diff(levels) / (n * m)
    squared = (ascending[:, below // m] - real[:, below // n]) ** 2 @ width
    # More weight on one image shifts the levels above it. At level i/n the quantile of the fake side jumps from one
    # image to the next; what that costs is known from the real quantile there (the middle, where that jumps too).
    at = np.arange(1, n, dtype=np.int64) * m
    middle = (real[:, (at - 1) // n] + real[:, np.minimum(at // n, m - 1)]) / 2
    lower, upper = ascending[:, :-1], ascending[:, 1:]
    steps = (upper - lower) * (upper + lower - 2 * middle)
    potentials = np.zeros_like(fake)
    np.put_along_axis(potentials, order[:, 1:], np.cumsum(steps, axis=1), axis=1)
    return squared, potentials


def directions_of(size: int, seed: int) -> np.ndarray:
    """Return random directions, (PROJECTIONS, D) float64: orthonormal, or one orthonormal basis after the other."""
    each = min(size, PROJECTIONS)
    bases = -(-PROJECTIONS // each)
    drawn = np.random.default_rng([_STREAM, seed]).standard_normal((bases, size, each))
    return np.linalg.qr(drawn)[0].transpose(0, 2, 1).reshape(-1, size)[:PROJECTIONS]


def _project(sample: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the sample's values along the directions, (PROJECTIONS, n) float64."""
    projected = np.empty((len(directions), len(sample)))
    for start in range(0, len(sample), 1024):
        part = slice(start, start + 1024)
        projected[:, part] = directions @ sample[part].astype(np.float64).T
    return projected
