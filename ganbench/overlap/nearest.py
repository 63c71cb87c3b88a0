"""Who may show the same picture: of every image the nearest ones in other sources, by their codes, exactly.

A source is cut into blocks, and all pairs of blocks of different sources are compared. Of each image the nearest one in
every block counts, and of those the few nearest: so a source that repeats one picture takes one place and not all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 1024  # images; the distances of two blocks take 4 MiB, which stay in a processor's cache
_ROW_BITS = 32  # below the distance in a key


@dataclass(frozen=True, eq=False)
class Blocks:
    """All images, in blocks that hold images of one source each.

    Attributes:
        codes: of all images, (n, K) int8, at most 127 in size; K at most 128.
        rows: of each block, which images it holds, int64.
        owners: of each block, the number of its source.
    """

    codes: np.ndarray
    rows: Sequence[np.ndarray]
    owners: Sequence[int]

    @classmethod
    def of(cls, codes: np.ndarray, sources: np.ndarray, chosen: np.ndarray) -> Blocks:
        """Cut images into blocks.

        Args:
            codes: of all images, (n, K) int8.
            sources: number of the source of each, (n,), ascending.
            chosen: which images are to be compared, (n,) bool.
        """
        rows: list[np.ndarray] = []
        owners: list[int] = []
        kept = np.flatnonzero(chosen)
        for part in np.split(kept, np.flatnonzero(np.diff(sources[kept])) + 1):
            if len(part):
                cut = np.array_split(part, -(-len(part) // BLOCK))
                rows += cut
                owners += [int(sources[part[0]])] * len(cut)
        return cls(codes, rows, owners)

    def tiles(self, first: int) -> int:
        """Return with how many later blocks a block is compared."""
        return sum(owner != self.owners[first] for owner in self.owners[first + 1 :])

    def nearest(self, firsts: Sequence[int], k: int, tell: Callable[[int], object]) -> np.ndarray:
        """Compare some blocks with all that come after them.

        Args:
            firsts: numbers of the blocks.
            k: how many images of each are wanted.
            tell: is called with a number of pairs of blocks that were compared.

        Returns:
            The nearest images of every image as keys that sort by distance, then by row, (n, k) int64; see ``unpack``.
        """
        best = nothing(len(self.codes), k)
        for first in firsts:
            others = [j for j in range(first + 1, len(self.rows)) if self.owners[j] != self.owners[first]]
            rows = self.rows[first]
            left = self._numbers(rows, -2.0, own_first=True)
            for other in others:
                columns = self.rows[other]
                # Whole numbers below 2**24, as all sums on the way to them: exact in float32, in whatever order.
                squared = left @ self._numbers(columns, 1.0, own_first=False).T
                _offer(best, rows, columns, squared)
                _offer(best, columns, rows, squared.T)
            if others:
                tell(len(others))
        return best

    def _numbers(self, rows: np.ndarray, scale: float, *, own_first: bool) -> np.ndarray:
        """Return codes with their squared length and a one behind them: products of two such are squared distances."""
        codes = self.codes[rows].astype(np.float32)
        own = np.einsum("ij,ij->i", codes, codes)
        ones = np.ones(len(rows), np.float32)
        return np.column_stack([scale * codes, *((own, ones) if own_first else (ones, own))])


def nothing(count: int, k: int) -> np.ndarray:
    """Return keys of no image, (count, k)."""
    return np.full((count, k), np.iinfo(np.int64).max)


def merged(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the smallest keys of two comparisons that have no pair of blocks in common, (n, k)."""
    k = one.shape[1]
    return np.partition(np.hstack([one, other]), k - 1, axis=1)[:, :k]


def unpack(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs in keys, each once: rows of the one and of the other, the lower first, and squared distances."""
    image, place = np.nonzero(keys != np.iinfo(np.int64).max)
    found = keys[image, place]
    other, squared = found & ((1 << _ROW_BITS) - 1), found >> _ROW_BITS
    low, high = np.minimum(image, other), np.maximum(image, other)
    _, first = np.unique((low << _ROW_BITS) | high, return_index=True)
    return low[first], high[first], squared[first]


def _offer(best: np.ndarray, rows: np.ndarray, columns: np.ndarray, squared: np.ndarray) -> None:
    """Offer every row the nearest of the columns."""
    least = squared.min(axis=1)
    kept = best[rows]
    # A key that is kept for its row alone has an equal distance: that it may still be beaten is looked at below.
    closer = np.flatnonzero(least <= (kept.max(axis=1) >> _ROW_BITS))
    if not len(closer):
        return
    nearest = columns[squared[closer].argmin(axis=1)]  # of equally near ones the first, which has the lowest row
    keys = (least[closer].astype(np.int64) << _ROW_BITS) | nearest
    rows, kept = rows[closer], kept[closer]
    place = kept.argmax(axis=1)
    best[rows, place] = np.minimum(kept[np.arange(len(rows)), place], keys)
