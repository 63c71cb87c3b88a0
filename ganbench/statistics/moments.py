"""Count, mean and scatter of feature vectors: exact, in float64, and mergeable.

Sums of rounded numbers depend on their order. So that one pass over images and passes over pieces of them give the same
bits, moments are always those of chunks of ``CHUNK`` consecutive positions, merged in the order of the chunks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ganbench.errors import MetricError

# Rows folded into the moments at once: one large matrix product instead of many small ones, in bounded memory.
FOLD = 1024

# Consecutive positions whose moments are taken by themselves: what a piece of a large source holds.
CHUNK = 8 * FOLD


@dataclass(eq=False)
class Moments:
    """Count, mean and scatter of a set of feature vectors, in float64; mergeable.

    Attributes:
        n: Number of vectors.
        mean: Mean, (D,) float64.
        scatter: Sum of outer products about the mean, (D, D) float64.
    """

    n: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def empty(cls, feature_size: int) -> Moments:
        """Return the moments of no vectors at all."""
        return cls(0, np.zeros(feature_size), np.zeros((feature_size, feature_size)))

    @classmethod
    def of(cls, features: np.ndarray) -> Moments:
        """Return the moments of ``features``, (n, D), of the positions 0 to n - 1."""
        features = np.asarray(features)
        if features.ndim != 2:
            raise MetricError(f"features must be an array of (images, feature size), not of shape {features.shape}.")
        moments = cls.empty(features.shape[1])
        for start in range(0, len(features), CHUNK):
            moments.merge(cls._of_chunk(features[start : start + CHUNK]))
        return moments

    @classmethod
    def _of_chunk(cls, features: np.ndarray) -> Moments:
        moments = cls.empty(features.shape[1])
        for start in range(0, len(features), FOLD):
            moments.update(features[start : start + FOLD])
        return moments

    @classmethod
    def from_cov(cls, mean: np.ndarray, cov: np.ndarray, n: int) -> Moments:
        """Return moments from a mean (D,) and a covariance (D, D) with the divisor n - 1.

        Where a statistics file does not say how many images made it, any ``n >= 2`` gives the same covariance back.
        """
        mean, cov = np.asarray(mean, np.float64), np.asarray(cov, np.float64)
        if mean.ndim != 1 or cov.shape != (mean.size, mean.size):
            raise MetricError(f"mean of shape {mean.shape} and covariance of shape {cov.shape} do not fit together.")
        return cls(n, mean, cov * (n - 1))

    @property
    def cov(self) -> np.ndarray:
        """Covariance with the divisor n - 1, (D, D) float64.

        Raises:
            MetricError: fewer than two vectors.
        """
        if self.n < 2:
            raise MetricError(f"a covariance needs at least 2 images, got {self.n}.")
        return self.scatter / (self.n - 1)

    def update(self, batch: np.ndarray) -> Moments:
        """Add a batch of vectors, (b, D), in place; returns self."""
        batch = np.asarray(batch, np.float64)
        if len(batch):
            mean = batch.mean(axis=0)
            centred = batch - mean
            self._add(len(batch), mean, centred)
        return self

    def merge(self, other: Moments) -> Moments:
        """Add the vectors that ``other`` has seen, in place; returns self (pairwise update of Chan et al. 1979).

        Merging into moments of nothing copies ``other`` to the last bit.
        """
        if other.mean.shape != self.mean.shape:
            raise MetricError(f"cannot merge moments of {self.mean.size} and of {other.mean.size} features.")
        if other.n and not self.n:
            self.n, self.mean = other.n, other.mean.copy()
            self.scatter[:] = other.scatter
        elif other.n:
            self.scatter += other.scatter
            self._add(other.n, other.mean, np.empty((0, self.mean.size)))
        return self

    def pack(self) -> dict[str, np.ndarray]:
        """Return all as plain arrays: ``n``, ``mean`` and ``scatter_upper``, its upper triangle row by row.

        The scatter is symmetric to the last bit, as every product of a matrix with itself is: half of it is enough.
        """
        upper = np.concatenate([row[start:] for start, row in enumerate(self.scatter)])
        return {"n": np.array(self.n), "mean": self.mean, "scatter_upper": upper}

    @classmethod
    def unpack(cls, packed: Mapping[str, np.ndarray]) -> Moments:
        """Return the moments that ``pack`` has packed; other arrays beside them are passed over."""
        moments = cls.empty(len(packed["mean"]))
        moments.n, moments.mean = int(packed["n"]), packed["mean"]
        rest = packed["scatter_upper"]
        for start, row in enumerate(moments.scatter):
            row[start:] = moments.scatter[start:, start] = rest[: len(row) - start]
            rest = rest[len(row) - start :]
        return moments

    def _add(self, n: int, mean: np.ndarray, centred: np.ndarray) -> None:
        total = self.n + n
        delta = mean - self.mean
        # The shift between the means enters as one more row, so that a single symmetric product adds both terms.
        rows = np.vstack([centred, delta * np.sqrt(self.n * n / total)])
        self.scatter += rows.T @ rows
        self.mean = self.mean + delta * (n / total)
        self.n = total
