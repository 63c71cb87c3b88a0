"""Manifold metrics: precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020), realism.

Precision and density ask whether fake images look real; recall and coverage ask whether real images are reached. A
ball around an image has its distance to its k-th nearest neighbour within its own set as radius.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganbench.metrics.checks import small_sample_warnings
from ganbench.metrics.features import FeatureSet
from ganbench.metrics.intervals import group_jackknife_error, mean_interval, student, wilson
from ganbench.metrics.neighbours import K_DENSITY, K_MANIFOLD, Pairs
from ganbench.metrics.registry import Estimate, register


@register("precision", title="Improved precision", better="higher", unit="share", needs="features", uses_pairs=True)
def precision(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of fake images inside the 3-neighbour ball of at least one real image.

    Interval: Wilson; given the reference, fake images are independent trials.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    share = float(np.mean((pairs or Pairs(real, fake, seed)).between.inside))
    low, high = wilson(share, len(fake.sample))
    return _estimate(share, low, high, "Wilson", K_MANIFOLD, None, real, fake)


@register("recall", title="Improved recall", better="higher", unit="share", needs="features", uses_pairs=True)
def recall(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of real images inside the 3-neighbour ball of at least one fake image.

    Interval: delete-a-group jackknife over 20 random groups of fake images, the fake radii found anew each time.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    return _reached(lambda between: between.recalled, K_MANIFOLD, real, fake, seed, pairs)


@register("density", title="Density", better="higher", needs="features", uses_pairs=True)
def density(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the mean number of real 5-neighbour balls that hold a fake image, divided by 5; may exceed 1.

    Interval: Student's t; given the reference, fake images are independent.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    each = (pairs or Pairs(real, fake, seed)).between.balls / K_DENSITY
    low, high = mean_interval(each)
    return _estimate(float(np.mean(each)), max(0.0, low), high, "Student t", K_DENSITY, None, real, fake)


@register("coverage", title="Coverage", better="higher", unit="share", needs="features", uses_pairs=True)
def coverage(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of real images whose 5-neighbour ball holds at least one fake image.

    Interval: delete-a-group jackknife over 20 random groups of fake images.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    return _reached(lambda between: between.covered, K_DENSITY, real, fake, seed, pairs)


def realism(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> np.ndarray:
    """Return the realism score of every fake sample image, (m,) float64; above 1 means inside a typical real ball.

    ``max over real images of radius / distance`` (Kynkaanniemi et al. 2019, eq. 3), where real images with a radius
    above the median are left out, as in the paper: balls in thin regions are too large to say much. Infinite for a copy
    of a real image.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    return (pairs or Pairs(real, fake, seed)).between.realism


def _reached(pick: Callable, k: int, real: FeatureSet, fake: FeatureSet, seed: int, pairs: Pairs | None) -> Estimate:
    shares = pick((pairs or Pairs(real, fake, seed)).between).mean(axis=0)
    share, without = float(shares[0]), shares[1:]
    half = student(len(without) - 1) * group_jackknife_error(without)
    low, high = max(0.0, share - half), min(1.0, share + half)
    return _estimate(share, low, high, f"delete-a-group jackknife ({len(without)} groups)", k, seed, real, fake)


def _estimate(
    value: float, low: float, high: float, interval: str, k: int, seed: int | None, real: FeatureSet, fake: FeatureSet
) -> Estimate:
    return Estimate(
        value,
        low,
        high,
        interval,
        len(fake.sample),
        seed,
        f"k={k}, real sample {len(real.sample)}",
        small_sample_warnings(real, fake),
    )
