"""Clipped coverage: how well fake images fill the neighbourhoods of the real ones, as a share (Salvy et al. 2026).

Coverage (Naeem et al. 2020) asks whether any fake image is near a real one. This asks whether as many are there as
should be, counts none beyond that, and is calibrated: the value is the share of good images, the others being far from
everything real, that gives such a result on average.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import small_sample_warnings
from ganbench.metrics.intervals import share_interval
from ganbench.metrics.neighbours import K_DENSITY, Pairs
from ganbench.metrics.variation import Variation, covering_variation
from ganbench.statistics.features import FeatureSet


def _variation(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Variation:
    held = (pairs or Pairs(real, fake, seed)).held.whole
    found = covering_variation(held, K_DENSITY, seed)
    expected = expected_filling(len(fake.sample), len(real.sample))
    mean = min(found.value, float(expected[-1]))
    at = min(max(int(np.searchsorted(expected, mean)), 1), len(expected) - 1)
    slope = 1 / (len(fake.sample) * (expected[at] - expected[at - 1]))  # of the calibration, where the value is
    return found.scaled(float(slope)).at(calibrated(mean, expected))


@metric(
    "clipped_coverage",
    variation=_variation,
    title="Clipped coverage",
    better="higher",
    unit="share",
    needs="features",
    default=False,
    uses_pairs=True,
    asks="diversity",
    caution="sees missing kinds only with about as many images as the real side has",
)
def clipped_coverage(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the calibrated mean of min(fake images in the ball / 5, 1) over the 5-neighbour balls of real images.

    Interval: normal, with the delete-one jackknife error over the fake images, before the calibration, which then maps
    its two ends.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    pairs = pairs or Pairs(real, fake, seed)
    n, m = len(fake.sample), len(real.sample)
    held = pairs.held.whole
    counts = np.count_nonzero(held, axis=1)
    expected = expected_filling(n, m)
    mean = min(float(np.mean(np.minimum(counts / K_DENSITY, 1.0))), float(expected[-1]))
    # Without one fake image, a ball that it was needed in loses 1/5.
    lost = np.count_nonzero(held[counts <= K_DENSITY], axis=0) / (K_DENSITY * m)
    error = math.sqrt((n - 1) / n * float(np.sum((lost - lost.mean()) ** 2)))
    ends = share_interval(mean, error, n - 1, m)
    value, low, high = (calibrated(number, expected) for number in (mean, *ends))
    detail = f"k={K_DENSITY}, real sample {m}"
    warnings = small_sample_warnings(real, fake)
    if repeated := np.count_nonzero(pairs.real_near[:, K_DENSITY - 1] == 0):
        warnings += (
            f"{repeated} real images are in the reference more than {K_DENSITY} times: their balls hold more than the "
            "calibration expects, and the value is too high",
        )
    return Estimate(value, low, high, "delete-one jackknife", n, None, detail, warnings)


def calibrated(mean: float, expected: np.ndarray) -> float:
    """Return the share of good images whose ``expected`` filling, (n + 1,), is this one."""
    n = len(expected) - 1
    return float(np.interp(mean, expected, np.arange(n + 1))) / n


def expected_filling(fake_count: int, real_count: int, k: int = K_DENSITY) -> np.ndarray:
    """Return the mean of min(images in the ball / k, 1) to expect of 0 to ``fake_count`` images like the real ones.

    The ball of a real image that reaches its k-th of ``real_count - 1`` neighbours holds a share of the distribution
    that has the law Beta(k, real_count - k), whatever the distribution is, if no two images are equal; hence the number
    of fresh images in it is beta-binomial.

    Returns:
        (fake_count + 1,) float64, ascending from 0.
    """
    from scipy.special import betaln, gammaln

    images = np.arange(fake_count + 1, dtype=np.float64)[:, None]
    inside = np.arange(k, dtype=np.float64)
    outside = np.maximum(images - inside, 0.0)
    log = (
        gammaln(images + 1)
        - gammaln(inside + 1)
        - gammaln(outside + 1)
        + betaln(inside + k, outside + real_count - k)
        - betaln(k, real_count - k)
    )
    chance = np.where(inside <= images, np.exp(log), 0.0)
    # Ascending already, but for the last bits next to 1.
    return np.maximum.accumulate(1.0 - chance @ (k - inside) / k)
