"""The Vendi score: how many different images a set amounts to (Friedman and Dieng 2023).

The exponential of the Shannon entropy of the eigenvalues of K / n, where K holds the cosines between the features of
all pairs of images. n images without anything in common count for n, copies of one image for 1.
"""

from __future__ import annotations

import math

import numpy as np

from ganbench.errors import MetricError
from ganbench.metrics.base import Estimate, metric
from ganbench.metrics.checks import check_sizes
from ganbench.metrics.intervals import Z95
from ganbench.metrics.variation import Variation, random_halves
from ganbench.statistics.features import FeatureSet

_NOTHING = 1e-14  # eigenvalues below are rounding; all of them together are 1


def _variation(*, real: FeatureSet | None = None, fake: FeatureSet, seed: int = 0) -> Variation:
    unit = _unit(real, fake)
    entropy, surprises = _entropy(unit)
    splits = random_halves(len(unit), seed)
    halves = [[_entropy(unit[part])[0] for part in (half, ~half)] for half in splits]
    value = math.exp(entropy)  # whose derivative it is: halves have fewer images, and so a lower value, all alike
    return Variation(value, len(unit), value * (surprises - entropy), value * np.array(halves))


@metric(
    "vendi",
    title="Vendi score: effective number of images",
    better="none",
    needs="features",
    least=1,
    default=False,
    variation=_variation,
)
def vendi(*, real: FeatureSet | None = None, fake: FeatureSet, seed: int = 0) -> Estimate:
    """Return the effective number of different images, from 1 to n.

    It is shown and never ranked: real images are not looked at, and whatever makes images less alike raises it, errors
    included. Interval: infinitesimal jackknife of the entropy, the limit of the bootstrap. (Resampling itself leaves a
    third of the images out, and so finds fewer different ones.)

    Args:
        real: Not used, but where it is given it is to be from the same network.
        fake: The sample is used.
        seed: Not used; nothing is random.

    Raises:
        MetricError: no sample or fewer than 2 images, an image whose features are all 0 and have no direction, or real
            features of another length.
    """
    del seed
    n, unit = len(fake.sample), _unit(real, fake)
    entropy, surprises = _entropy(unit)
    half = Z95 * math.sqrt(float(np.mean((surprises - entropy) ** 2)) / n)
    value = math.exp(entropy)
    low, high = max(1.0, math.exp(entropy - half)), min(float(n), math.exp(entropy + half))
    interval = "infinitesimal jackknife (limit of the bootstrap)"
    return Estimate(value, min(low, value), max(high, value), interval, n, detail="cosine kernel")


def _unit(real: FeatureSet | None, fake: FeatureSet) -> np.ndarray:
    """Return the fake features, each of length 1, (n, D) float64."""
    if real is not None:
        check_sizes(real, fake)
    n = len(fake.sample)
    if n < 2:
        raise MetricError(f"the Vendi score needs at least 2 fake images and their features, got {n}.")
    norms = np.linalg.norm(fake.sample.astype(np.float64), axis=1)
    if not norms.all():
        image = fake.sample_index[int(np.argmin(norms))]
        raise MetricError(f"the features of image {image} are all 0: it has no cosine with others.")
    unit: np.ndarray = fake.sample / norms[:, None]
    return unit


def _entropy(unit: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the entropy of the eigenvalues of K / n, and each image's -x' log(A) x with A = X'X / n.

    The entropy is the mean of the latter, and its derivative by the weight of image i is their difference less 1.

    Args:
        unit: Features of length 1, (n, D) float64.
    """
    n, size = unit.shape
    # X X' / n and X' X / n have the same eigenvalues but for zeros: the smaller matrix gives them.
    if n <= size:
        values, vectors = np.linalg.eigh(unit @ unit.T / n)
        shares = n * vectors**2 * np.maximum(values, 0.0)
    else:
        values, vectors = np.linalg.eigh(unit.T @ unit / n)
        shares = (unit @ vectors) ** 2
    logs = -np.log(np.where(values > _NOTHING, values, 1.0))
    surprises = shares @ logs
    return float(np.mean(surprises)), surprises
