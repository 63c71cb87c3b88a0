"""Who is near whom: the one pass over all pairs that the manifold and the copy metrics share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganbench.metrics.checks import check_samples
from ganbench.metrics.features import FeatureSet
from ganbench.metrics.pairwise import distance_blocks, nearest

# Neighbourhood sizes: Kynkaanniemi et al. 2019 (precision, recall), Naeem et al. 2020 (density, coverage).
K_MANIFOLD = 3
K_DENSITY = 5
GROUPS = 20
# Neighbours kept per fake image: the 3rd nearest must be found after any one group of images has been taken away.
_DEPTH = 16
# Radii are compared with this slack, so that a tie (the neighbour itself, copied) does not turn on the last bit.
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Between:
    """What the distances between real and fake images say. ``r`` real and ``f`` fake sample images, G groups.

    Attributes:
        inside: Whether a fake image lies in the 3-neighbour ball of any real one, (f,) bool.
        balls: Number of real 5-neighbour balls that hold the fake image, (f,) int64.
        recalled: Real images that lie in the 3-neighbour ball of any fake one, (r, 1 + G) bool; column 0 with all fake
            images, column 1 + g without group g.
        covered: Real images whose 5-neighbour ball holds any fake one, (r, 1 + G) bool, columns as above.
        nearest: Distance of each fake image to the nearest real one, (f,) float64.
        nearest_index: Row of that real image in the real sample, (f,) int64.
        realism: Largest ratio of a real image's 3-neighbour radius to its distance from the fake image, (f,) float64,
            over the real images with radii up to the median; infinite for a copy of one of them.
    """

    inside: np.ndarray
    balls: np.ndarray
    recalled: np.ndarray
    covered: np.ndarray
    nearest: np.ndarray
    nearest_index: np.ndarray
    realism: np.ndarray


class Pairs:
    """Neighbours within and between two feature samples, each computed on first use and then kept.

    Args:
        real: At least 7 sample images.
        fake: At least 7 sample images.
        seed: Seed of the random groups for the jackknife.

    Raises:
        MetricError: a sample is missing or too small, or the features differ in length.
    """

    def __init__(self, real: FeatureSet, fake: FeatureSet, seed: int = 0) -> None:
        check_samples(real, fake, at_least=K_DENSITY + 2)
        self.real, self.fake, self.seed = real, fake, seed

    @cached_property
    def real_near(self) -> np.ndarray:
        """Squared distances from each real image to its 5 nearest other real ones, (r, 5), ascending."""
        return nearest(self.real.sample, K_DENSITY)[0]

    @cached_property
    def _fake_near(self) -> tuple[np.ndarray, np.ndarray]:
        return nearest(self.fake.sample, min(_DEPTH, len(self.fake.sample) - 1))

    @property
    def fake_near(self) -> np.ndarray:
        """Squared distances from each fake image to its nearest other fake ones, (f, up to 16), ascending."""
        return self._fake_near[0]

    @cached_property
    def between(self) -> Between:
        """Everything read off the distances between real and fake images."""
        real, fake = self.real.sample, self.fake.sample
        groups = np.random.default_rng(self.seed).permutation(len(fake)) % min(GROUPS, len(fake))
        membership = _one_hot(groups)
        others, other_groups = _radii_without_groups(*self._fake_near, groups)
        other_membership = [_one_hot(g, membership.shape[1]) for g in other_groups.T]

        manifold = self.real_near[:, K_MANIFOLD - 1]
        typical = manifold <= np.median(manifold)
        scale = np.maximum(manifold, 1e-200)  # a radius of 0 (repeated real images) reaches only distance 0
        outer = manifold * (1 + _SLACK)
        strict = self.real_near[:, K_DENSITY - 1] * (1 - _SLACK)
        fake_outer = self.fake_near[:, K_MANIFOLD - 1] * (1 + _SLACK)

        inside, balls = np.zeros(len(fake), bool), np.zeros(len(fake), np.int64)
        ratio, best = np.full(len(fake), np.inf), np.full(len(fake), np.inf)
        best_index = np.zeros(len(fake), np.int64)
        # Fake images of each group that recall (or cover) a real image, and those that do only without a group.
        recalling = np.zeros((len(real), membership.shape[1]))
        recalling_without = np.zeros_like(recalling)
        covering = np.zeros_like(recalling)
        for rows, columns, squared in distance_blocks(real, fake):
            inside[columns] |= (squared <= outer[rows, None]).any(axis=0)
            held = squared < strict[rows, None]
            balls[columns] += np.count_nonzero(held, axis=0)
            covering[rows] += held.astype(np.float32) @ membership[columns]
            recalling[rows] += (squared <= fake_outer[columns]).astype(np.float32) @ membership[columns]
            for radii, member in zip(others.T, other_membership, strict=True):
                wider = (squared <= radii[columns] * (1 + _SLACK)).astype(np.float32)
                recalling_without[rows] += wider @ member[columns]
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
        recalled = np.hstack([recalling.any(axis=1)[:, None], _any_other(recalling) | (recalling_without > 0)])
        covered = np.hstack([covering.any(axis=1)[:, None], _any_other(covering)])
        return Between(inside, balls, recalled, covered, np.sqrt(best), best_index, realism)


def _one_hot(groups: np.ndarray, count: int | None = None) -> np.ndarray:
    """Return (n, groups) float32 with a one in each row's group; float32 turns counting into a matrix product."""
    count = int(groups.max()) + 1 if count is None else count
    return (groups[:, None] == np.arange(count)).astype(np.float32)


def _any_other(counts: np.ndarray) -> np.ndarray:
    """Return, for each row and column, whether any other column of that row is positive."""
    return counts.sum(axis=1, keepdims=True) - counts > 0


def _radii_without_groups(squared: np.ndarray, index: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each fake image's squared 3-neighbour radius without the group of its 1st, 2nd and 3rd neighbour.

    Taking away any other group leaves the radius as it is. Where the image itself belongs to the group, the radius is
    -1, which holds nothing.

    Args:
        squared: Squared distances to the nearest fake images, (f, depth), ascending.
        index: Their row numbers, (f, depth).
        groups: Group of every fake image, (f,).

    Returns:
        Squared radii (f, 3) and the group that each of them does without, (f, 3).
    """
    neighbour_groups = groups[index]
    without = neighbour_groups[:, :K_MANIFOLD]
    radii = np.empty(without.shape)
    for slot in range(K_MANIFOLD):
        left = np.cumsum(neighbour_groups != without[:, slot, None], axis=1)
        # Were fewer than 3 of the kept neighbours left, the farthest kept one would stand in (a lower bound).
        third = np.where(left[:, -1] >= K_MANIFOLD, (left >= K_MANIFOLD).argmax(axis=1), left.shape[1] - 1)
        radii[:, slot] = np.take_along_axis(squared, third[:, None], axis=1)[:, 0]
    radii[without == groups[:, None]] = -1.0
    return radii, without
