"""Pixels: what is known of a set of images without any network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganbench.errors import MetricError

_BYTES = 32  # of a SHA-256


@dataclass(frozen=True, eq=False)
class PixelSet:
    """What the pixels of a set of images say.

    Attributes:
        digests: SHA-256 of each image's decoded pixels, uint8 (n, 32), in the order of the source.

    Raises:
        MetricError: an array of another shape or type.
    """

    digests: np.ndarray

    def __post_init__(self) -> None:
        if self.digests.dtype != np.uint8 or self.digests.ndim != 2 or self.digests.shape[1] != _BYTES:
            shape, kind = self.digests.shape, self.digests.dtype
            raise MetricError(f"digests must be uint8 of shape (n, {_BYTES}), not {kind} of shape {shape}.")

    @classmethod
    def of(cls, digests: Iterable[str]) -> PixelSet:
        """Return the set of digests in 64 hex digits each."""
        return cls(_from_hex(list(digests)))

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.digests)

    @cached_property
    def first(self) -> np.ndarray:
        """The first image that has the same pixels as each, (n,) int64: its own position where it is the first."""
        # Four numbers of 64 bits each instead of texts: a million images are sorted in a second and in 60 MB.
        columns = np.ascontiguousarray(self.digests).view(np.uint64)
        order = np.lexsort(columns.T)  # stable: of equal ones the first comes first
        new = np.ones(self.n, bool)
        for column in columns.T:
            ranked = column[order]
            new[1:] &= ranked[1:] == ranked[:-1]
        new[1:] = ~new[1:]
        first = np.empty(self.n, np.int64)
        first[order] = order[np.maximum.accumulate(np.where(new, np.arange(self.n), 0))]
        return first


class PixelCollector:
    """Collects the digests of images that come in order; those of pieces are merged in order."""

    def __init__(self) -> None:
        self._index: list[np.ndarray] = []
        self._digests: list[np.ndarray] = []

    def add(self, indices: np.ndarray, digests: Sequence[str]) -> None:
        """Add a batch: positions in the source, (b,), and a SHA-256 of each image's pixels, hex."""
        self._index.append(np.asarray(indices, np.int64))
        self._digests.append(_from_hex(digests))

    def pack(self) -> dict[str, np.ndarray]:
        """Return all that was collected as plain arrays, for ``take``: ``index`` (n,) and ``digests`` (n, 32)."""
        self._index = [np.concatenate([np.empty(0, np.int64), *self._index])]
        self._digests = [np.concatenate([np.empty((0, _BYTES), np.uint8), *self._digests])]
        return {"index": self._index[0], "digests": self._digests[0]}

    def take(self, packed: dict[str, np.ndarray]) -> None:
        """Add what the collector of the images that follow has packed."""
        self._index.append(packed["index"])
        self._digests.append(packed["digests"])

    def result(self) -> tuple[np.ndarray, PixelSet]:
        """Return the positions of the images that could be read, (n,) int64, and what their pixels say."""
        packed = self.pack()
        return packed["index"], PixelSet(packed["digests"])


def _from_hex(digests: Sequence[str]) -> np.ndarray:
    return np.frombuffer(bytes.fromhex("".join(digests)), np.uint8).reshape(len(digests), _BYTES)
