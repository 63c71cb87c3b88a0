"""What the looks of real images are: how each measure lies, how they go together, and the traces of alterations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError
from ganbench.looks.measures import NAMES, measure

ALTERED = 64  # real images that are altered in every way
LEAST = 400  # real images: of fewer, how the measures go together is mostly chance
# Of a measure that is the same for all real images, such as the hue of grey ones: in its unit, and standardised.
_LEAST_SCALE, _LEAST_SPREAD = 0.01, 0.1
_QUARTILES = 1.349  # standard deviations between the quartiles of a normal distribution
# Of the distance that takes in how measures go together: added to every variance of 1; how often the middle is told
# anew; and how far from it, of the median distance, an image still counts for it.
_RIDGE, _ROUNDS, _USUAL = 0.1, 3, 1.35
_SHARE = 0.02  # of the range of a measure, its least scale: some are 0 for most images


@dataclass(frozen=True, eq=False)
class RealLooks:
    """The looks of real images.

    Attributes:
        n: Number of images.
        centre: Median of each measure, (M,) float64.
        scale: A robust spread of each, (M,) float64, above 0.
        mean: Of the standardised measures, (M,) float64.
        cov: Of the standardised measures, (M, M) float64.
        traces: How far each alteration moves the mean of the standardised measures, (A, M) float32.
        tail: Distance off the middle (see ``distances``) that one real image in a thousand exceeds.

    Raises:
        MetricError: arrays that do not fit together.
    """

    n: int
    centre: np.ndarray
    scale: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    traces: np.ndarray
    tail: float

    def __post_init__(self) -> None:
        count = len(NAMES)
        shapes = (self.centre.shape, self.scale.shape, self.mean.shape, self.cov.shape, self.traces.shape[1:])
        if shapes != ((count,), (count,), (count,), (count, count), (count,)):
            raise MetricError(f"looks of shape {shapes} are not those of {count} measures.")

    @classmethod
    def of(cls, measures: np.ndarray, some: np.ndarray, seed: int = 0) -> RealLooks:
        """Return the looks of real images.

        Args:
            measures: of all of them, (n, M).
            some: pixels of up to ``ALTERED`` of them, uint8 (m, H, W, 3), which are altered.
            seed: of what is random in alterations.

        Raises:
            MetricError: too few images.
        """
        from ganbench.looks.alterations import alterations  # with OpenCV's and Pillow's filters

        if len(measures) < LEAST:
            raise MetricError(f"the looks of real images take {LEAST} of them or more, not {len(measures)}.")
        low, centre, high = np.quantile(measures, (0.16, 0.5, 0.84), axis=0)
        reach = np.quantile(measures, 0.999, axis=0) - np.quantile(measures, 0.001, axis=0)
        scale = np.maximum((high - low) / 2, np.maximum(_SHARE * reach, _LEAST_SCALE))
        made = standard(measures, centre, scale)
        before = standard(measure(some), centre, scale)
        traces = []
        for number, one in enumerate(alterations()):
            after = one.change(some, np.random.default_rng([seed, number]))
            traces.append((standard(measure(after), centre, scale) - before).mean(axis=0))
        cov = np.cov(made.T)
        cov[np.diag_indices(len(cov))] = np.maximum(np.diagonal(cov), _LEAST_SPREAD**2)
        tail = float(np.quantile(distances(made, np.sqrt(np.diagonal(cov)), np.ones(len(made), bool)), 0.999))
        return cls(len(measures), centre, scale, made.mean(axis=0), cov, np.array(traces, np.float32), tail)

    def standardised(self, measures: np.ndarray) -> np.ndarray:
        """Return measures (n, M) in spreads of real images from the middle one; far ones are drawn nearer."""
        return standard(measures, self.centre, self.scale)


def standard(measures: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return ``2 asinh((x - centre) / (2 scale))``: as it is near the middle, logarithmic far out.

    A few images that are far off everything then move a mean little, and stay far off themselves.
    """
    return 2 * np.arcsinh((measures - centre) / (2 * scale))


def distances(looks: np.ndarray, spread: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return how far each image is off the middle of its set, (n,): root mean square over the measures.

    Args:
        looks: standardised measures, (n, M).
        spread: of each among real images, (M,); where the set varies more, its own counts.
        usual: which of them decide what is the middle and how much the set varies, (n,); all where none would.
    """
    low, middle, high = np.quantile(looks[usual] if usual.any() else looks, (0.25, 0.5, 0.75), axis=0)
    scale = np.maximum(spread, (high - low) / _QUARTILES)
    return np.asarray(np.sqrt((((looks - middle) / scale) ** 2).mean(axis=1)))


def oddness(looks: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Return how unlike the others each image of a set is by how its measures go together, (n,); the usual one has 1.

    What a set differs in as a whole, such as less light, moves its middle and counts for nothing.

    Args:
        looks: standardised measures, (n, M).
        cov: of real images, (M, M).
    """
    spread = np.sqrt(np.diagonal(cov))
    together = cov / np.outer(spread, spread)
    whiten = np.linalg.inv(np.linalg.cholesky(together + _RIDGE * np.eye(len(spread))))
    seen = (looks / spread) @ whiten.T
    usual = np.ones(len(seen), bool)
    for _ in range(_ROUNDS):
        away = np.sqrt(((seen - np.median(seen[usual], axis=0)) ** 2).sum(axis=1))
        away /= max(float(np.median(away)), 1e-9)
        usual = away <= _USUAL
    return np.asarray(away)
