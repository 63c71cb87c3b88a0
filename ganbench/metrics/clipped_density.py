"""Clipped density: the share of good fake images, which no outlier can pay for (Salvy et al. 2026).

Density (Naeem et al. 2020) lets a fake image in a crowded place make up for a bad one elsewhere, and a real outlier,
whose ball is huge, call anything good. Here no ball is wider than the median one, no image counts for more than 1, and
the result is divided by what the real images themselves reach, each judged by the others.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import small_sample_warnings
from ganbench.metrics.intervals import share_interval
from ganbench.metrics.neighbours import K_DENSITY, Pairs
from ganbench.metrics.variation import Variation
from ganbench.statistics.features import FeatureSet


def _variation(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Variation:
    pairs = pairs or Pairs(real, fake, seed)
    each, best = _filled(pairs)
    # Where it ends at 1 the value varies less than this says.
    return Variation.of_mean(each / best).at(min(float(np.mean(each)), best) / best)


@metric(
    "clipped_density",
    variation=_variation,
    title="Clipped density",
    better="higher",
    unit="share",
    needs="features",
    default=False,
    uses_pairs=True,
    asks="fidelity",
    caution="at its upper end on real images: tells nothing of what is as good as they are",
)
def clipped_density(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the mean of min(balls that hold the fake image / 5, 1), over that of the real images; at most 1.

    A real image's ball reaches its fifth nearest other real image, or the median of these distances if that is nearer.
    A real image is judged by the balls of the others. Interval: Student's t (given the reference, fake images are
    independent), and Wilson's where the share is next to 0 or to 1.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    pairs = pairs or Pairs(real, fake, seed)
    n = len(fake.sample)
    each, best = _filled(pairs)
    mean = min(float(np.mean(each)), best)  # more than real images reach is as good as that
    low, high = share_interval(mean, float(np.std(each, ddof=1)) / math.sqrt(n), n - 1, n)
    value, low, high = mean / best, low / best, min(high / best, 1.0)
    detail = f"k={K_DENSITY}, real sample {len(real.sample)}"
    return Estimate(value, low, high, "Student t", n, None, detail, small_sample_warnings(real, fake))


def _filled(pairs: Pairs) -> tuple[np.ndarray, float]:
    """Return min(balls that hold the image / 5, 1) of every fake image, (n,), and the mean of that of the real ones.

    Raises:
        MetricError: that is 0.
    """
    best = float(np.mean(np.minimum(pairs.real_clipped / K_DENSITY, 1.0)))
    if not best:
        raise MetricError("no real image lies in the ball of another: the reference cannot say what is good.")
    return np.minimum(pairs.held.clipped / K_DENSITY, 1.0), best
