"""AFD, the anime-face detection rate: the share of images in which a detector finds at least one face."""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate
from ganbench.metrics.intervals import wilson


def afd(found: np.ndarray) -> Estimate:
    """Return the detection rate.

    Args:
        found: bool (N,), whether any face was found in each image.

    Returns:
        Share from 0 to 1 with its Wilson interval: images are independent trials.

    Raises:
        MetricError: no image.
    """
    if not len(found):
        raise MetricError("AFD needs at least 1 image, got 0.")
    share = float(np.mean(found))
    low, high = wilson(share, len(found))
    return Estimate(share, low, high, "Wilson", len(found))
