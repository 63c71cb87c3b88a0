"""Who is near whom: the one pass over all pairs that the manifold and the copy metrics share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ganbench.metrics.checks import check_samples
from ganbench.metrics.pairwise import distance_blocks, nearest
from ganbench.statistics.features import FeatureSet

# Neighbourhood sizes: Kynkaanniemi et al. 2019 (precision, recall), Naeem et al. 2020 (density, coverage).
K_MANIFOLD = 3
K_DENSITY = 5
GROUPS = 20
SPLITS = 20
# Neighbours kept per fake image. The 3rd nearest within a half is among them for all but 2 in 1,000.
_DEPTH = 16
# Radii are compared with this slack, so that a tie (the neighbour itself, copied) does not turn on the last bit.
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Between:
    """What the distances between real and fake images say. ``r`` real and ``f`` fake sample images, G groups.

    Attributes:
        inside: Whether a fake image lies in the 3-neighbour ball of any real one, (f,) bool.
        balls: Number of real 5-neighbour balls that hold the fake image, (f,) int64.
        recalled: Whether a real image lies in the 3-neighbour ball of any fake one, (r,) bool.
        recalled_by_half: The same for each half of the fake images alone, in 20 random splits, (r, 20, 2) bool.
        covered: Real images whose 5-neighbour ball holds any fake one, (r, 1 + G) bool; column 0 with all fake images,
            column 1 + g without group g.
        nearest: Distance of each fake image to the nearest real one, (f,) float64.
        nearest_index: Row of that real image in the real sample, (f,) int64.
        realism: Largest ratio of a real image's 3-neighbour radius to its distance from the fake image, (f,) float64,
            over the real images with radii up to the median; infinite for a copy of one of them.
    """

    inside: np.ndarray
    balls: np.ndarray
    recalled: np.ndarray
    recalled_by_half: np.ndarray
    covered: np.ndarray
    nearest: np.ndarray
    nearest_index: np.ndarray
    realism: np.ndarray


class Held(NamedTuple):
    """Which fake images the balls of real ones hold.

    Attributes:
        whole: Whether the 5-neighbour ball of a real image holds the fake one, (r, f) bool.
        clipped: Number of balls that hold the fake image where none is wider than the median one, (f,) int64.
    """

    whole: np.ndarray
    clipped: np.ndarray


class Pairs:
    """Neighbours within and between two feature samples, each computed on first use and then kept.

    Args:
        real: At least 7 sample images.
        fake: At least 7 sample images.
        seed: Seed of the random groups and halves that the intervals rest on.

    Raises:
        MetricError: a sample is missing or too small, or the features differ in length.
    """

    def __init__(self, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> None:
        check_samples(real, fake, at_least=K_DENSITY + 2)
        self.real, self.fake, self.seed = real, fake, seed

    @cached_property
    def real_near(self) -> np.ndarray:
        """Squared distances from each real image to its 5 nearest other real ones, (r, 5), ascending."""
        return self.real.lasting("nearest", lambda: nearest(self.real.sample, K_DENSITY)[0])

    @cached_property
    def _fake_near(self) -> tuple[np.ndarray, np.ndarray]:
        return nearest(self.fake.sample, min(_DEPTH, len(self.fake.sample) - 1))

    @property
    def fake_near(self) -> np.ndarray:
        """Squared distances from each fake image to its nearest other fake ones, (f, up to 16), ascending."""
        return self._fake_near[0]

    @cached_property
    def _clipped(self) -> np.ndarray:
        """Squared radii of real 5-neighbour balls, none wider than the median one, (r,)."""
        squared = self.real_near[:, K_DENSITY - 1]
        return np.minimum(squared, np.median(squared)) * (1 + _SLACK)

    @property
    def real_clipped(self) -> np.ndarray:
        """Number of balls of other real images, none wider than the median one, that hold a real image, (r,) int64."""

        def count() -> np.ndarray:
            balls = np.zeros(len(self.real.sample), np.int64)
            for rows, columns, squared in distance_blocks(self.real.sample):
                balls[columns] += np.count_nonzero(squared <= self._clipped[rows, None], axis=0)
                if rows != columns:
                    balls[rows] += np.count_nonzero(squared <= self._clipped[columns], axis=1)
            return balls

        return self.real.lasting("clipped balls", count).astype(np.int64)

    @cached_property
    def held(self) -> Held:
        """What the balls of real images hold of the fake ones, their surface included."""
        real, fake = self.real.sample, self.fake.sample
        outer = self.real_near[:, K_DENSITY - 1] * (1 + _SLACK)
        whole = np.empty((len(real), len(fake)), bool)
        balls = np.zeros(len(fake), np.int64)
        for rows, columns, squared in distance_blocks(real, fake):
            whole[rows, columns] = squared <= outer[rows, None]
            balls[columns] += np.count_nonzero(squared <= self._clipped[rows, None], axis=0)
        return Held(whole, balls)

    @cached_property
    def strictly_held(self) -> np.ndarray:
        """Whether the 5-neighbour ball of a real image holds the fake one, its surface left out, (r, f) bool."""
        strict = self.real_near[:, K_DENSITY - 1] * (1 - _SLACK)
        held = np.empty((len(self.real.sample), len(self.fake.sample)), bool)
        for rows, columns, squared in distance_blocks(self.real.sample, self.fake.sample):
            held[rows, columns] = squared < strict[rows, None]
        return held

    @cached_property
    def between(self) -> Between:
        """Everything read off the distances between real and fake images."""
        real, fake = self.real.sample, self.fake.sample
        draw = np.random.default_rng(self.seed)
        membership = _one_hot(draw.permutation(len(fake)) % min(GROUPS, len(fake)))
        halves = np.array([draw.permutation(len(fake)) % 2 == 0 for _ in range(SPLITS)])

        manifold = self.real_near[:, K_MANIFOLD - 1]
        typical = manifold <= np.median(manifold)
        scale = np.maximum(manifold, 1e-200)  # a radius of 0 (repeated real images) reaches only distance 0
        outer = manifold * (1 + _SLACK)
        strict = self.real_near[:, K_DENSITY - 1] * (1 - _SLACK)
        fake_outer = self.fake_near[:, K_MANIFOLD - 1] * (1 + _SLACK)
        half_outer = [_radii_within(*self._fake_near, half) * (1 + _SLACK) for half in halves]

        inside, balls = np.zeros(len(fake), bool), np.zeros(len(fake), np.int64)
        ratio, best = np.full(len(fake), np.inf), np.full(len(fake), np.inf)
        best_index = np.zeros(len(fake), np.int64)
        recalled, recalled_by_half = np.zeros(len(real), bool), np.zeros((len(real), SPLITS, 2), bool)
        # Number of fake images of each group in the ball of each real image.
        covering = np.zeros((len(real), membership.shape[1]))
        for rows, columns, squared in distance_blocks(real, fake):
            inside[columns] |= (squared <= outer[rows, None]).any(axis=0)
            held = squared < strict[rows, None]
            balls[columns] += np.count_nonzero(held, axis=0)
            covering[rows] += held.astype(np.float32) @ membership[columns]
            recalled[rows] |= (squared <= fake_outer[columns]).any(axis=1)
            for split, (outer_in_half, half) in enumerate(zip(half_outer, halves, strict=True)):
                within = squared <= outer_in_half[columns]
                recalled_by_half[rows, split, 0] |= (within & half[columns]).any(axis=1)
                recalled_by_half[rows, split, 1] |= (within & ~half[columns]).any(axis=1)
            low = squared.argmin(axis=0)
            lowest = np.take_along_axis(squared, low[None], axis=0)[0]
            closer = lowest < best[columns]
            best[columns] = np.where(closer, lowest, best[columns])
            best_index[columns] = np.where(closer, low + rows.start, best_index[columns])
            kept = typical[rows]
            relative = squared[kept] / scale[rows][kept, None]
            ratio[columns] = np.minimum(ratio[columns], relative.min(axis=0, initial=np.inf))
        with np.errstate(divide="ignore"):
            realism = 1.0 / np.sqrt(ratio)
        without = covering.sum(axis=1, keepdims=True) - covering > 0
        covered = np.hstack([covering.any(axis=1, keepdims=True), without])
        return Between(inside, balls, recalled, recalled_by_half, covered, np.sqrt(best), best_index, realism)


def _one_hot(groups: np.ndarray) -> np.ndarray:
    """Return (n, groups) float32 with a one in each row's group; float32 turns counting into a matrix product."""
    return (groups[:, None] == np.arange(groups.max() + 1)).astype(np.float32)


def _radii_within(squared: np.ndarray, index: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return each fake image's squared 3-neighbour radius within its own half of the fake images, (f,).

    Args:
        squared: Squared distances to the nearest fake images, (f, depth), ascending.
        index: Their row numbers, (f, depth).
        half: Whether an image is in the first half, (f,) bool.
    """
    own = np.cumsum(half[index] == half[:, None], axis=1)
    # Were fewer than 3 of the kept neighbours in the same half, the farthest kept one would stand in (a lower bound).
    third = np.where(own[:, -1] >= K_MANIFOLD, (own >= K_MANIFOLD).argmax(axis=1), own.shape[1] - 1)
    return np.take_along_axis(squared, third[:, None], axis=1)[:, 0]
