"""How any metric varies: as the metric itself says, or by its values on random halves of the images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Metric
from ganbench.metrics.neighbours import Pairs
from ganbench.metrics.variation import Variation, random_halves
from ganbench.statistics.detections import DetectionSet
from ganbench.statistics.features import FeatureSet
from ganbench.statistics.known import CodedImages
from ganbench.statistics.packets import PacketSet
from ganbench.statistics.paths import PathSet
from ganbench.statistics.pixels import PixelSet
from ganbench.system.code import foreign_place

Looked = FeatureSet | CodedImages | PixelSet | PacketSet | PathSet | DetectionSet


def vary(metric: Metric, *, real: Any, fake: Looked, seed: int = 0, pairs: Pairs | None = None) -> Variation:
    """Return how the value of a metric varies from one set of images to the next, the reference held fixed.

    Args:
        metric: The metric.
        real: The real side, of the type that it needs.
        fake: The fake side.
        seed: Seed of everything random.
        pairs: Neighbours of these two sets, to share them; made when needed.

    Raises:
        MetricError: too few images to tell, or a metric of somebody else's that fails.
    """
    try:
        if metric.variation is None:
            return _by_halves(metric, real, fake, seed)
        shared = {"pairs": pairs} if metric.uses_pairs else {}
        return metric.variation(real=real, fake=fake, seed=seed, **shared)
    except MetricError:
        raise
    except Exception as e:  # somebody's metric may be wrong; the others are not
        if not (place := foreign_place(e)):
            raise
        raise MetricError(f"{place}: {type(e).__name__}: {e}") from e


def _by_halves(metric: Metric, real: Any, fake: Looked, seed: int) -> Variation:
    """Return how a metric varies of which nothing is known but its values.

    Resampling is no way to tell: a resample holds images twice, which neighbours and duplicates notice.
    """
    whole = metric(real=real, fake=fake, seed=seed)
    count = _count(fake)
    halves = [
        [metric(real=real, fake=_part(fake, np.flatnonzero(part)), seed=seed).value for part in (half, ~half)]
        for half in random_halves(count, seed)
    ]
    # Of a sample of the images they vary more than those of all would.
    spread = math.sqrt(count / max(whole.n, count))
    return Variation(whole.value, whole.n, halves=whole.value + spread * (np.array(halves) - whole.value))


def _count(fake: Looked) -> int:
    if isinstance(fake, FeatureSet | PacketSet):
        return len(fake.sample)
    if isinstance(fake, PathSet):
        return len(fake.lengths)
    return len(fake.codes) if isinstance(fake, CodedImages) else fake.n


def _part(fake: Looked, rows: np.ndarray) -> Looked:
    """Return some of the images, (k,) row numbers in ascending order."""
    if isinstance(fake, FeatureSet):
        return FeatureSet.of(fake.sample[rows], None if fake.logits is None else fake.logits[rows])
    if isinstance(fake, CodedImages):
        return CodedImages(fake.codes[rows], fake.signatures[rows], fake.positions[rows], len(rows))
    if isinstance(fake, PixelSet):
        return PixelSet(fake.digests[rows])
    if isinstance(fake, PacketSet):
        return PacketSet.of(fake.sample[rows])
    if isinstance(fake, PathSet):
        return PathSet(fake.lengths[rows])
    kept = np.isin(fake.image, rows)
    image = np.searchsorted(rows, fake.image[kept])
    return DetectionSet(len(rows), image, fake.boxes[kept], fake.scores[kept], fake.image_size)
