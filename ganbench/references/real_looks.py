"""The look at real images for an explanation: a random part of them is measured, and a few are altered in every way."""

from __future__ import annotations

import numpy as np

from ganbench.errors import MetricError
from ganbench.features.collect import stream
from ganbench.features.looks import LookConsumer
from ganbench.images.picked import Picked
from ganbench.images.source import Source
from ganbench.looks.measures import LEAST_SIDE
from ganbench.looks.real import ALTERED, LEAST, RealLooks
from ganbench.statistics.collector import shuffled

MEASURED = 6000  # images: how far their mean is off that of all hardly counts beside the sets that are explained


def look_at_real(source: Source, seed: int = 0) -> RealLooks | None:
    """Return the looks of real images; None for too few of them, or too small ones.

    Args:
        source: the images.
        seed: of the choice of those that are measured, and of those that are altered.

    Raises:
        GanbenchError: bad images.
    """
    if len(source) < LEAST or min(source.image_size()) < LEAST_SIDE:
        return None
    order = shuffled(len(source), seed)
    chosen = np.sort(order[:MEASURED])
    some = source if len(chosen) == len(source) else Picked(source, chosen)
    consumer = LookConsumer(np.flatnonzero(np.isin(chosen, order[:ALTERED])))
    stream(some, [consumer], "looks of real images")
    seen = consumer.tally.pack()
    try:
        return RealLooks.of(seen["measures"], seen["pixels"], seed) if seen and len(seen["pixels"]) else None
    except MetricError:  # so many were unreadable
        return None
