"""Exact duplicates: images of equal pixels within one set."""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.intervals import wilson
from ganbench.metrics.variation import Variation
from ganbench.statistics.pixels import PixelSet


def _variation(*, real: None = None, fake: PixelSet, seed: int = 0) -> Variation:
    found = duplicates(real=real, fake=fake, seed=seed)
    return Variation.of_groups(np.bincount(fake.first, minlength=fake.n), found.value, found.n)


@metric(
    "duplicates",
    title="Exact duplicates",
    better="lower",
    unit="share",
    needs="pixels",
    variation=_variation,
    asks="repeats",
)
def duplicates(*, real: None = None, fake: PixelSet, seed: int = 0) -> Estimate:
    """Return the share of images that are equal to at least one other image of the set.

    Interval: Wilson for half the number of images, since duplicates come at least in pairs and are not independent.

    Args:
        real: Not used: the share is the fake images' own.
        fake: Digests of the pixels.
        seed: Not used; nothing is random.

    Raises:
        MetricError: fewer than two images.
    """
    del real, seed
    if fake.n < 2:
        raise MetricError(f"duplicates need at least 2 images, got {fake.n}.")
    times = np.bincount(fake.first, minlength=fake.n)
    share = int(times[times > 1].sum()) / fake.n
    low, high = wilson(share, fake.n / 2)
    return Estimate(share, low, high, "Wilson, n/2 (duplicates come in pairs)", fake.n, detail="equal pixels")
