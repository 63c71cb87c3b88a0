"""The collector: moments and a bounded random sample of any number of feature vectors, filled in one pass."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ganbench.errors import MetricError
from ganbench.statistics.features import FeatureSet, refuse_nonfinite
from ganbench.statistics.moments import CHUNK, FOLD, Moments

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 1 << 20  # positions whose priorities are computed at once


class FeatureCollector:
    """Collects features of any number of images in bounded memory: exact moments and a uniform random sample.

    The sample is a bottom-k reservoir: an image's priority is a hash of (seed, index), and the ``cap`` smallest are
    kept. It depends neither on batch sizes nor on order, and samples of disjoint parts merge into the sample of the
    whole.

    The moments are those of chunks of ``CHUNK`` consecutive positions, merged in order. Of images that come in order
    they have the same bits whether one collector saw all of them, or each chunk had its own and these were merged in
    order; where all are kept, they equal ``Moments.of(sample)``. Of any other order they are equal up to float64
    rounding.

    Args:
        feature_size: D.
        cap: Largest number of images in the sample; memory is about ``4 * cap * D`` bytes.
        seed: Seed of the sample.
        bound: Largest priority that is kept, as ``sample_bound`` gives it; None: any.
    """

    def __init__(self, feature_size: int, cap: int = 10_000, seed: int = 0, bound: int | None = None) -> None:
        if cap < 1:
            raise MetricError(f"the feature sample needs room for at least 1 image, not {cap}.")
        self.feature_size, self.cap, self.seed, self.bound = feature_size, cap, seed, bound
        self._moments = Moments.empty(feature_size)  # of the chunks that are closed
        self._chunk = Moments.empty(feature_size)  # of the one that is filled
        self._chunk_number = 0
        self._pending = np.empty((FOLD, feature_size), np.float32)
        self._pending_rows = 0
        self._size = 0
        self._priority = np.empty(cap, np.uint64)
        self._index = np.empty(cap, np.int64)
        # Not filled here: the operating system gives the pages only once they are written.
        self._features = np.empty((cap, feature_size), np.float32)
        self._logits: np.ndarray | None = None

    def add(self, indices: np.ndarray, features: np.ndarray, logits: np.ndarray | None = None) -> None:
        """Add a batch.

        Args:
            indices: Position of each image in its source, (b,), each position once over all calls.
            features: (b, D); kept as float32.
            logits: (b, K), in every call or in none.

        Raises:
            MetricError: NaN or infinite values (the message names the position), or shapes that do not fit.
        """
        indices = np.asarray(indices, np.int64)
        features = np.asarray(features, np.float32)
        if features.ndim != 2 or features.shape[1] != self.feature_size or indices.shape != (len(features),):
            raise MetricError(
                f"expected features of shape ({len(indices)}, {self.feature_size}), got {features.shape}."
            )
        refuse_nonfinite("features", features, indices)
        if logits is not None:
            logits = np.asarray(logits, np.float32)
            if logits.ndim != 2 or len(logits) != len(features):
                raise MetricError(f"expected logits of shape ({len(features)}, classes), got {logits.shape}.")
            refuse_nonfinite("logits", logits, indices)
        self._keep(indices, features, logits)
        self._fold(indices, features)

    def result(self) -> FeatureSet:
        """Return the statistics of all images. The arrays are handed over, not copied: this ends the collecting.

        Raises:
            MetricError: a position was added twice.
        """
        self._close_chunk()
        index, features, logits = self._kept()
        order = np.argsort(index)
        index = index[order]
        if (repeated := np.flatnonzero(np.diff(index) == 0)).size:
            raise MetricError(f"image {index[repeated[0]]} was added twice; give every image its own position.")
        for array in (features, logits):
            if array is not None:
                _reorder(array, order)
        return FeatureSet(self._moments, features, index, logits)

    def merge(self, other: FeatureCollector) -> FeatureCollector:
        """Add the images that ``other`` has seen, in place; returns self.

        Raises:
            MetricError: the collectors differ in feature size, cap or seed.
        """
        for what in ("feature_size", "cap", "seed"):
            if getattr(self, what) != getattr(other, what):
                raise MetricError(f"cannot merge: {what} {getattr(self, what)} differs from {getattr(other, what)}.")
        return self.take(other.pack())

    def pack(self) -> dict[str, np.ndarray]:
        """Return all that was collected as plain arrays, for ``take``; this closes the chunk that is being filled."""
        self._close_chunk()
        index, features, logits = self._kept()
        arrays = {**self._moments.pack(), "sample_index": index, "sample": features}
        return arrays if logits is None else arrays | {"logits": logits}

    def take(self, packed: dict[str, np.ndarray]) -> FeatureCollector:
        """Add what another collector of the same feature size, cap and seed has packed, in place; returns self."""
        self._close_chunk()
        self._moments.merge(Moments.unpack(packed))
        self._keep(packed["sample_index"], packed["sample"], packed.get("logits"))
        return self

    def _kept(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        rows = slice(0, self._size)
        return self._index[rows], self._features[rows], None if self._logits is None else self._logits[rows]

    def _fold(self, indices: np.ndarray, features: np.ndarray) -> None:
        numbers = indices // CHUNK
        starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
        for start, end in pairwise(starts):
            if end > start and numbers[start] > self._chunk_number:
                self._close_chunk()
                self._chunk_number = int(numbers[start])
            self._fold_rows(features[start:end])

    def _fold_rows(self, features: np.ndarray) -> None:
        start = 0
        while start < len(features):
            rows = features[start : start + FOLD - self._pending_rows]
            self._pending[self._pending_rows : self._pending_rows + len(rows)] = rows
            self._pending_rows += len(rows)
            start += len(rows)
            if self._pending_rows == FOLD:
                self._close_fold()

    def _close_fold(self) -> None:
        self._chunk.update(self._pending[: self._pending_rows])
        self._pending_rows = 0

    def _close_chunk(self) -> None:
        """Merge the chunk into the moments of those before it."""
        self._close_fold()
        if not self._chunk.n:
            return
        if self._moments.n:
            self._moments.merge(self._chunk)
            self._chunk = Moments.empty(self.feature_size)
        else:  # merging into moments of nothing would be a copy
            self._moments, self._chunk = self._chunk, self._moments

    def _keep(self, index: np.ndarray, features: np.ndarray, logits: np.ndarray | None) -> None:
        if not len(index):
            return
        if logits is not None and self._logits is None and not self._size:
            self._logits = np.empty((self.cap, logits.shape[1]), np.float32)
        if (logits is None) != (self._logits is None):
            raise MetricError("logits were given for some images and not for others.")
        priority = _priorities(self.seed, index)
        if self.bound is not None:
            inside = priority <= np.uint64(self.bound)
            priority, index, features = priority[inside], index[inside], features[inside]
            logits = None if logits is None else logits[inside]
        size = self._size
        rivals = np.concatenate([self._priority[:size], priority])
        stays = np.ones(len(rivals), bool)
        if len(rivals) > self.cap:
            stays[np.argpartition(rivals, self.cap - 1)[self.cap :]] = False
        new = np.flatnonzero(stays[size:])
        self._size = min(len(rivals), self.cap)
        slots = np.concatenate([np.flatnonzero(~stays[:size]), np.arange(size, self._size)])
        self._priority[slots], self._index[slots], self._features[slots] = priority[new], index[new], features[new]
        if logits is not None and self._logits is not None:
            self._logits[slots] = logits[new]


def sample_bound(count: int, cap: int, seed: int = 0) -> int | None:
    """Return the largest priority in the sample of ``cap`` out of ``count`` positions; None where all are kept.

    Who collects a piece of the whole need keep nothing above it. Of images that turn out to be missing, others take the
    places: give ``cap`` room for as many as may be.
    """
    if count <= cap:
        return None
    least = np.empty(0, np.uint64)
    for start in range(0, count, _BLOCK):
        block = _priorities(seed, np.arange(start, min(start + _BLOCK, count)))
        least = np.concatenate([least, block])
        if len(least) > cap:
            least = np.partition(least, cap - 1)[:cap]
    return int(least.max())


def shuffled(count: int, seed: int) -> np.ndarray:
    """Return all positions below ``count`` in an order that the seed decides, (count,) int64, the same everywhere.

    It is not that of the sample of a collector with this seed: who chooses images and then a sample chooses twice.
    """
    key = int(_mix(np.array([seed % 2**64], np.uint64))[0])
    return np.argsort(_priorities(key, np.arange(count)), kind="stable")


def _reorder(array: np.ndarray, order: np.ndarray) -> None:
    """Put the rows of ``array`` into ``order``, in place and a few columns at a time: no second copy of a sample."""
    if (np.diff(order) == 1).all():
        return
    for start in range(0, array.shape[1], 64):
        columns = slice(start, start + 64)
        array[:, columns] = array[order, columns]


def _priorities(seed: int, index: np.ndarray) -> np.ndarray:
    """Return one pseudo-random uint64 per index: SplitMix64 (Steele, Lea, Flood 2014), started from the seed.

    For one seed the map from index to priority is one to one, so priorities never tie.
    """
    # Arrays, not scalars: NumPy's unsigned arrays wrap around silently, which is what the hash wants.
    key = _mix(_mix(np.array([seed % 2**64], np.uint64)))
    return _mix(key + index.astype(np.uint64) * _GOLDEN)


def _mix(state: np.ndarray) -> np.ndarray:
    z = state + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
