"""One face: how many of the images show exactly one face?"""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.intervals import wilson
from ganbench.statistics.detections import DetectionSet


@metric(
    "one_face",
    title="Images with exactly one face",
    better="higher",
    unit="share",
    needs="detections",
    default=False,
)
def one_face(*, real: None = None, fake: DetectionSet, seed: int = 0) -> Estimate:
    """Return the share of images in which the detector finds exactly one face, from 0 to 1, with Wilson's interval.

    Raises:
        MetricError: no image.
    """
    del real, seed  # detections have no real side, and nothing is random
    if not fake.n:
        raise MetricError("one_face needs at least 1 image, got 0.")
    share = float(np.mean(fake.counts == 1))
    low, high = wilson(share, fake.n)
    return Estimate(share, low, high, "Wilson", fake.n)
