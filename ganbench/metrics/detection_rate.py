"""AFD, the anime-face detection rate: the share of images in which a detector finds at least one face."""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.intervals import wilson
from ganbench.metrics.variation import Variation
from ganbench.statistics.detections import DetectionSet


def _variation(*, real: None = None, fake: DetectionSet, seed: int = 0) -> Variation:
    del real, seed
    return Variation.of_trials(fake.counts > 0)


@metric(
    "afd",
    title="Anime-face detection rate",
    better="higher",
    unit="share",
    needs="detections",
    variation=_variation,
    asks="fidelity",
    caution="asks only whether a face is there: repeated and drawn faces pass; compares under one detector only",
)
def afd(*, real: None = None, fake: DetectionSet, seed: int = 0) -> Estimate:
    """Return the detection rate, a share from 0 to 1, with its Wilson interval: images are independent trials.

    Args:
        real: Not used: the rate is the fake images' own.
        fake: What the detector found.
        seed: Not used; nothing is random.

    Raises:
        MetricError: no image.
    """
    del real, seed
    if not fake.n:
        raise MetricError("AFD needs at least 1 image, got 0.")
    share = float(np.mean(fake.counts > 0))
    low, high = wilson(share, fake.n)
    return Estimate(share, low, high, "Wilson", fake.n)
