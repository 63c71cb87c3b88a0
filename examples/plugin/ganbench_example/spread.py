"""Spread: do the fake images vary as much as the real ones?"""

from __future__ import annotations

import numpy as np

from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_samples
from ganbench.metrics.intervals import mean_interval
from ganbench.statistics.features import FeatureSet


@metric("spread", title="Spread, that of real images being 1", better="none", needs="features", default=False)
def spread(*, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the total variance of the fake features over that of the real ones: 0 is one image repeated.

    Interval: Student's t over the images' squared distances from their mean.

    Raises:
        MetricError: fewer than 2 images on a side, or features of different lengths.
    """
    del seed  # nothing is random
    check_samples(real, fake, 2)
    rows = fake.sample.astype(np.float64)
    squares = ((rows - rows.mean(0)) ** 2).sum(1) * len(rows) / (len(rows) - 1)
    shares = squares / np.trace(real.moments.cov)
    low, high = mean_interval(shares)
    return Estimate(float(shares.mean()), low, high, "Student", len(rows))
