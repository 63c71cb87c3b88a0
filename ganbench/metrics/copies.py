"""Copies: images that repeat each other, and images that repeat the real ones.

"Near" is measured against the real images themselves: nearer than 99 % of real images are to their nearest different
real image. What the real set holds twice is no different image: its distance of 0 says nothing of how near those come.
Equal features are near in any case.
"""

from __future__ import annotations

import numpy as np

from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import small_sample_warnings
from ganbench.metrics.intervals import wilson
from ganbench.metrics.neighbours import K_DENSITY, Pairs
from ganbench.metrics.pairwise import nearest
from ganbench.statistics.features import FeatureSet

_QUANTILE = 0.01


@metric(
    "near_duplicates",
    version=2,
    title="Near duplicates among the fake images",
    better="lower",
    unit="share",
    needs="features",
    uses_pairs=True,
)
def near_duplicates(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of fake images whose nearest other fake image is nearer than the threshold.

    Distances to a nearest neighbour shrink as a set grows, so fewer fake than real images make the value smaller.
    Interval: Wilson for half the number of images, since duplicates come at least in pairs and are not independent.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    pairs = pairs or Pairs(real, fake, seed)
    share = float(np.mean(_are_near(np.sqrt(pairs.fake_near[:, 0]), pairs)))
    low, high = wilson(share, len(fake.sample) / 2)
    return _estimate(share, low, high, "Wilson, n/2 (duplicates come in pairs)", real, fake)


@metric(
    "copies", version=2, title="Copies of real images", better="lower", unit="share", needs="features", uses_pairs=True
)
def copies(*, real: FeatureSet, fake: FeatureSet, seed: int = 0, pairs: Pairs | None = None) -> Estimate:
    """Return the share of fake images that are nearer to an image of the real sample than the threshold.

    Fresh real images give about 0.01. Only copies of images in the real *sample* are seen. Interval: Wilson.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    pairs = pairs or Pairs(real, fake, seed)
    share = float(np.mean(_are_near(pairs.between.nearest, pairs)))
    low, high = wilson(share, len(fake.sample))
    return _estimate(share, low, high, "Wilson", real, fake)


def nearest_reference(
    *, real: FeatureSet, fake: FeatureSet, pairs: Pairs | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return each fake sample image's distance to the nearest real sample image, (m,), and that image's row, (m,).

    The row counts within ``real.sample``; ``real.sample_index`` turns it into a position in the source.

    Raises:
        MetricError: a sample is missing or holds fewer than 7 images, or the features differ in length.
    """
    between = (pairs or Pairs(real, fake)).between
    return between.nearest, between.nearest_index


def _are_near(distances: np.ndarray, pairs: Pairs) -> np.ndarray:
    return (distances < _threshold(pairs)) | (distances == 0)


def _threshold(pairs: Pairs) -> float:
    """Return the 1 % quantile of the distances from real images to their nearest different one; 0 where all are one."""
    near = pairs.real_near
    if not near[:, -1].all():  # more duplicates of an image than neighbours are kept: look among the different ones
        rows = {row.tobytes(): number for number, row in reversed(list(enumerate(pairs.real.sample)))}
        near = nearest(pairs.real.sample[sorted(rows.values())], K_DENSITY)[0]
    first = np.take_along_axis(near, (near > 0).argmax(axis=1)[:, None], axis=1)[:, 0]
    first = first[(first > 0) & np.isfinite(first)]
    return float(np.quantile(np.sqrt(first), _QUANTILE)) if first.size else 0.0


def _estimate(share: float, low: float, high: float, interval: str, real: FeatureSet, fake: FeatureSet) -> Estimate:
    detail = f"nearer than the {_QUANTILE:.0%} quantile among different real, real sample {len(real.sample)}"
    warnings = small_sample_warnings(real, fake)
    return Estimate(share, low, high, interval, len(fake.sample), None, detail, warnings)
