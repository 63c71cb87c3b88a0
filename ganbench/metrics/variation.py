"""How a value varies from one set of images to the next: what a comparison of two sets is computed from.

Two things are known of a value T of n images, and a metric gives what it has:

- The influence of each image: the derivative of T towards more weight on it. Its mean square over n is the variance
  (infinitesimal jackknife), but counts twice what pairs of images add (Efron and Stein 1981).
- The values T1 and T2 of the two halves of random splits. T1 - T2 knows the variance for n / 2 images; T1 + T2 keeps to
  2 T but for what pairs of images add, and so knows that part alone.

With V1 the part of single images and V2 that of pairs, at n images: the mean square influence over n is V1 + 2 V2, half
the mean of (T1 - T2)^2 is 2 V1 + 4 V2, and the variance of T1 + T2 over the splits is 4 V2; wanted is V1 + V2. V2 is
nearly all where two distributions are equal under a distance: there the jackknife alone is 1.4 times too wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

SPLITS = 20  # random splits into halves
MANY_SPLITS = 100  # where they cost next to nothing
_STREAM = 0x48414C46  # keeps the splits apart from what else is drawn with the same seed


@dataclass(frozen=True, eq=False)
class Variation:
    """How one value varies. ``each`` or ``halves`` or both are known, or ``units``.

    Attributes:
        value: The value itself.
        n: Images that it rests on.
        each: Influence of each image of the sample, (m,) float64, with mean zero; None where it has no derivative.
        halves: The value of the two halves of random splits of the sample, (splits, 2) float64; None where single
            images are all there is, as in a mean. Sets of equal n are split alike.
        units: Of a share of images: how many independent ones it amounts to; None for any other value.
        trials: Of a share of independent images: whether each counts, (m,) bool; None for any other value.
        grain: The least step of the value; a difference of less than two of them is none.
    """

    value: float
    n: int
    each: np.ndarray | None = None
    halves: np.ndarray | None = None
    units: float | None = None
    trials: np.ndarray | None = None
    grain: float = 0.0

    @classmethod
    def of_trials(cls, counts: np.ndarray) -> Variation:
        """Return that of the share of independent images that count, (m,) bool."""
        return cls(float(np.mean(counts)), len(counts), units=len(counts), trials=np.asarray(counts, bool))

    @classmethod
    def of_mean(cls, values: np.ndarray) -> Variation:
        """Return that of the mean of what independent images have, (m,)."""
        mean, n = float(np.mean(values)), len(values)
        unbiased = math.sqrt(n / max(1, n - 1))
        return cls(mean, n, each=unbiased * (np.asarray(values, np.float64) - mean))

    @classmethod
    def of_groups(cls, sizes: np.ndarray, value: float, n: int) -> Variation:
        """Return that of the share of images that are in a group with others, all of which come or stay away together.

        Args:
            sizes: Images of each group, those alone as well, (groups,).
            value: The share.
            n: Images.
        """
        shared = sizes[sizes > 1].astype(np.float64)
        together = float((shared**2).sum() / shared.sum()) if len(shared) else 2.0  # as an image in a group sees it
        return cls(value, n, units=n / together)

    def scaled(self, by: float) -> Variation:
        """Return that of the value times a number."""
        each = None if self.each is None else by * self.each
        halves = None if self.halves is None else by * self.halves
        return replace(self, value=by * self.value, each=each, halves=halves, grain=by * self.grain)

    def at(self, value: float) -> Variation:
        """Return the same around another value."""
        return replace(self, value=value)

    def less(self, other: Variation) -> Variation:
        """Return that of the difference to another set whose images correspond to these, in order.

        Raises:
            ValueError: the two know different things, or of different numbers of images.
        """
        if self._known() != other._known():
            raise ValueError("the variations of two values are of different kinds")
        each = None if self.each is None or other.each is None else self.each - other.each
        halves = None if self.halves is None or other.halves is None else self.halves - other.halves
        grain = max(self.grain, other.grain)
        return Variation(self.value - other.value, self.n, each, halves, grain=grain)

    def _known(self) -> tuple[object, ...]:
        return self.n, *(None if rows is None else rows.shape for rows in (self.each, self.halves))

    def parts(self) -> tuple[float, float, int]:
        """Return the variance with twice what pairs of images add, that part, and the degrees of freedom.

        Raises:
            ValueError: neither ``each`` nor ``halves`` is known.
        """
        if self.each is not None:
            pairs = 0.0 if self.halves is None else float(np.var(self.halves.sum(axis=1), ddof=1)) / 4
            return float(np.mean(self.each**2)) / self.n, pairs, max(1, len(self.each) - 1)
        if self.halves is not None:
            half = float(np.mean((self.halves[:, 0] - self.halves[:, 1]) ** 2)) / 2
            return half / 2, 0.0, max(1, len(self.halves) - 1)  # what pairs add stays in: too much of it, if any
        raise ValueError("nothing is known of how this value varies")


def variance_of(*sets: Variation) -> tuple[float, float]:
    """Return the variance of a sum of independent values, or of one less the other, and its degrees of freedom.

    The part of pairs is taken off all of them at once. It is half of the whole at most, but both are uncertain: only
    where it seems to be more than three quarters is it taken for less.

    Raises:
        ValueError: as ``parts``.
    """
    known = [one.parts() for one in sets]
    whole, pairs = (sum(parts[i] for parts in known) for i in (0, 1))
    grain = max(one.grain for one in sets)
    degrees = whole**2 / sum(single**2 / free for single, _, free in known) if whole else known[0][2]
    return max(whole - min(pairs, 0.75 * whole), (grain / 2) ** 2), degrees


def random_halves(n: int, seed: int, splits: int = SPLITS) -> np.ndarray:
    """Return random splits of ``n`` images into halves: whether each is in the first one, (splits, n) bool."""
    draw = np.random.default_rng([_STREAM, seed])
    return np.array([draw.permutation(n) % 2 == 0 for _ in range(splits)])


def means_of_halves(values: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Return the mean over each half of what images have: (splits, 2) of values (n,) and splits (splits, n) bool."""
    first = halves.astype(np.float64)
    return np.stack([first @ values / first.sum(axis=1), (1 - first) @ values / (1 - first).sum(axis=1)], axis=1)


def covering_variation(held: np.ndarray, k: int, seed: int) -> Variation:
    """Return how the mean of min(images in the ball / k, 1) over balls varies.

    Args:
        held: Whether a ball holds an image, (balls, n) bool.
        k: Images that fill a ball.
        seed: Seed of the splits.
    """
    balls, n = held.shape
    counts = np.count_nonzero(held, axis=1)
    # Without one image, a ball that it was needed in loses 1 / k.
    lost = np.count_nonzero(held[counts <= k], axis=0) / (k * balls)
    halves = random_halves(n, seed)
    first = held.astype(np.float32) @ halves.T.astype(np.float32)
    filled = np.stack([first, counts[:, None] - first], axis=2)
    parts = np.minimum(filled / k, 1.0).mean(axis=0)
    value = float(np.mean(np.minimum(counts / k, 1.0)))
    return Variation(value, n, math.sqrt(n * (n - 1)) * (lost - lost.mean()), parts, grain=1 / (k * balls))
