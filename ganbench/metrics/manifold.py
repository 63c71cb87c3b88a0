"""Manifold metrics: precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020), realism.

Precision and density ask whether fake images look real; recall and coverage ask whether real images are reached. A
ball around an image has its distance to its k-th nearest neighbour within its own set as radius.
"""

from __future__ import annotations

import numpy as np

from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import small_sample_warnings
from ganbench.metrics.intervals import group_jackknife_error, halves_error, mean_interval, share_interval, wilson
from ganbench.metrics.neighbours import K_DENSITY, K_MANIFOLD, SPLITS, Pairs
from ganbench.metrics.variation import Variation, covering_variation
from ganbench.statistics.features import FeatureSet


def _of_precision(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Variation:
    return Variation.of_trials((pairs or Pairs(real, fake, seed)).between.inside)


@metric(
    "precision",
    variation=_of_precision,
    title="Improved precision",
    better="higher",
    unit="share",
    needs="features",
    uses_pairs=True,
    asks="fidelity",
    caution="says nothing of variety: it rises when kinds are missing",
)
def precision(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of fake images inside the 3-neighbour ball of at least one real image.

    Interval: Wilson; given the reference, fake images are independent trials.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    share = float(np.mean((pairs or Pairs(real, fake, seed)).between.inside))
    low, high = wilson(share, len(fake.sample))
    return _estimate(share, low, high, "Wilson", K_MANIFOLD, None, real, fake)


def _of_recall(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Variation:
    between = (pairs or Pairs(real, fake, seed)).between
    halves, grain = between.recalled_by_half.mean(axis=0), 1 / len(real.sample)
    return Variation(float(np.mean(between.recalled)), len(fake.sample), halves=halves, grain=grain)


@metric(
    "recall",
    title="Improved recall",
    better="higher",
    unit="share",
    needs="features",
    uses_pairs=True,
    variation=_of_recall,
    asks="diversity",
    caution="calls noise with the moments of real images better than those",
)
def recall(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of real images inside the 3-neighbour ball of at least one fake image.

    Interval: the spread between the halves of 20 random splits of the fake images, which is that of half as many.
    (Deleting groups exaggerates more: the radii of those left jump.)

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    between = (pairs or Pairs(real, fake, seed)).between
    share = float(np.mean(between.recalled))
    error = halves_error(between.recalled_by_half.mean(axis=0))
    low, high = share_interval(share, error, SPLITS - 1, len(real.sample))
    return _estimate(share, low, high, f"halves of {SPLITS} random splits", K_MANIFOLD, seed, real, fake)


def _of_density(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Variation:
    return Variation.of_mean((pairs or Pairs(real, fake, seed)).between.balls / K_DENSITY)


@metric(
    "density",
    title="Density",
    better="higher",
    needs="features",
    uses_pairs=True,
    least=0,
    variation=_of_density,
    asks="fidelity",
    caution="says nothing of variety: it rises when kinds are missing",
)
def density(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the mean number of real 5-neighbour balls that hold a fake image, divided by 5; may exceed 1.

    Interval: Student's t; given the reference, fake images are independent.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    each = (pairs or Pairs(real, fake, seed)).between.balls / K_DENSITY
    low, high = mean_interval(each)
    return _estimate(float(np.mean(each)), max(0.0, low), high, "Student t", K_DENSITY, None, real, fake)


def _of_coverage(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Variation:
    return covering_variation((pairs or Pairs(real, fake, seed)).strictly_held, 1, seed)


@metric(
    "coverage",
    title="Coverage",
    better="higher",
    unit="share",
    needs="features",
    uses_pairs=True,
    variation=_of_coverage,
    asks="diversity",
    caution="grows with the number of images: compares at equal n only; sees missing kinds late",
)
def coverage(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of real images whose 5-neighbour ball holds at least one fake image.

    Interval: delete-a-group jackknife over 20 random groups of fake images.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    shares = (pairs or Pairs(real, fake, seed)).between.covered.mean(axis=0)
    share, without = float(shares[0]), shares[1:]
    low, high = share_interval(share, group_jackknife_error(without), len(without) - 1, len(real.sample))
    interval = f"delete-a-group jackknife ({len(without)} groups)"
    return _estimate(share, low, high, interval, K_DENSITY, seed, real, fake)


def realism(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> np.ndarray:
    """Return the realism score of every fake sample image, (m,) float64; above 1 means inside a typical real ball.

    ``max over real images of radius / distance`` (Kynkaanniemi et al. 2019, eq. 3), where real images with a radius
    above the median are left out, as in the paper: balls in thin regions are too large to say much. Infinite for a copy
    of a real image.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    return (pairs or Pairs(real, fake, seed)).between.realism


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
