"""A feature set: the statistics of one set of images, as the metrics read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.moments import Moments

T = TypeVar("T")


class Memory(Protocol):
    """Keeps, beyond this process, arrays that follow from one set alone."""

    def load(self, name: str) -> np.ndarray | None:
        """Return what was kept under a name, or None."""
        ...

    def save(self, name: str, array: np.ndarray) -> None:
        """Keep an array, or do without."""
        ...


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Statistics of one set of images, as the metrics read them.

    Attributes:
        moments: Count, mean and scatter of all images.
        sample: Features of a random part of the images, (m, D) float32 (float16 in small reference files); ``m`` is 0
            when only mean and covariance are known.
        sample_index: Position of each sample row in its source, (m,) int64, ascending.
        logits: Class logits of the sample, (m, K) float32, or None.
        memory: Keeps what follows from this set alone for later runs; None for a set that no later run will meet.

    Raises:
        MetricError: NaN or infinite values, or arrays that do not fit together.
    """

    moments: Moments
    sample: np.ndarray
    sample_index: np.ndarray
    logits: np.ndarray | None = None
    memory: Memory | None = field(default=None, repr=False)
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        size = self.moments.mean.size
        if self.sample.ndim != 2 or self.sample.shape[1] != size:
            raise MetricError(f"a feature sample of shape {self.sample.shape} does not fit moments of {size} features.")
        if self.sample_index.shape != (len(self.sample),):
            raise MetricError(f"{len(self.sample)} sample rows but an index of shape {self.sample_index.shape}.")
        if self.logits is not None and (self.logits.ndim != 2 or len(self.logits) != len(self.sample)):
            raise MetricError(f"{len(self.sample)} sample rows but logits of shape {self.logits.shape}.")
        for what, array in (("features", self.sample), ("logits", self.logits)):
            if array is not None:
                refuse_nonfinite(what, array, self.sample_index)
        if not (np.isfinite(self.moments.mean).all() and np.isfinite(self.moments.scatter).all()):
            raise MetricError("mean or covariance of the features holds NaN or infinite values.")

    @classmethod
    def of(cls, features: np.ndarray, logits: np.ndarray | None = None) -> FeatureSet:
        """Return the set of all ``features`` (n, D), kept whole as the sample."""
        features = np.ascontiguousarray(features, np.float32)
        return cls(Moments.of(features), features, np.arange(len(features)), logits)

    @property
    def n(self) -> int:
        """Number of images."""
        return self.moments.n

    @property
    def size(self) -> int:
        """Feature size D."""
        return self.moments.mean.size

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """Return what depends on this set alone, computed once: many sets are compared with one reference."""
        if name not in self._kept:
            self._kept[name] = compute()
        return self._kept[name]

    def lasting(self, name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return what ``once`` would, from the memory of this set where it has one.

        For arrays that every run asks for and that take longer to compute than to read. The memory goes by the code of
        the metrics of this package, so it is for them alone.
        """

        def remember() -> np.ndarray:
            found = None if self.memory is None else self.memory.load(name)
            if found is None:
                found = compute()
                if self.memory is not None:
                    self.memory.save(name, found)
            return found

        return self.once(name, remember)

    @property
    def complete(self) -> bool:
        """Whether the sample holds every image."""
        return len(self.sample) == self.n


def refuse_nonfinite(what: str, array: np.ndarray, index: np.ndarray) -> None:
    """Refuse rows that hold NaN or infinite values.

    Raises:
        MetricError: there are some; the first image is named.
    """
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        more = f" and {bad.size - 1} more" if bad.size > 1 else ""
        raise MetricError(f"{what} of image {index[bad[0]]}{more} hold NaN or infinite values.")
