"""Who may show the same picture: of every image the nearest ones in other sources, by their codes, exactly.

A source is cut into blocks, and all pairs of blocks of different sources are compared. Of each image the nearest one in
every block counts, or some where there are few blocks, and of all those the few nearest: so a source that repeats one
picture does not take all places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 1024  # images; the distances of two blocks take 4 MiB, which stay in a processor's cache
_ROW_BITS = 32  # below the distance in a key
NONE = np.int64(np.iinfo(np.int64).max)  # the key of no image


@dataclass(frozen=True, eq=False)
class Blocks:
    """All images, in blocks that hold images of one source each.

    Attributes:
        codes: of all images, (n, K) int8, at most 127 in size; K at most 128.
        turned: those of the images that are asked for, (n, K) int8: the codes, or codes of the mirrored images. Between
            one turned and another as it is there is the distance that is between the other turned and the one.
        rows: of each block, which images it holds, int64.
        owners: of each block, the number of its source.
        fresh: numbers of sources; pairs of blocks that hold none of theirs are passed over. None: all are compared.
    """

    codes: np.ndarray
    turned: np.ndarray
    rows: Sequence[np.ndarray]
    owners: Sequence[int]
    fresh: frozenset[int] | None = None

    @classmethod
    def of(
        cls,
        codes: np.ndarray,
        sources: np.ndarray,
        chosen: np.ndarray,
        turned: np.ndarray | None = None,
        fresh: frozenset[int] | None = None,
    ) -> Blocks:
        """Cut images into blocks.

        Args:
            codes: of all images, (n, K) int8.
            sources: number of the source of each, (n,), ascending.
            chosen: which images are to be compared, (n,) bool.
            turned: of all images mirrored; None: as they are.
            fresh: see the class.
        """
        rows: list[np.ndarray] = []
        owners: list[int] = []
        kept = np.flatnonzero(chosen)
        for part in np.split(kept, np.flatnonzero(np.diff(sources[kept])) + 1):
            if len(part):
                cut = np.array_split(part, -(-len(part) // BLOCK))
                rows += cut
                owners += [int(sources[part[0]])] * len(cut)
        return cls(codes, codes if turned is None else turned, rows, owners, fresh)

    def tiles(self, first: int) -> int:
        """Return with how many later blocks a block is compared."""
        return len(self._others(first))

    def _others(self, first: int) -> list[int]:
        """Return the later blocks that a block is compared with."""
        own, fresh = self.owners[first], self.fresh
        asked = fresh is None or own in fresh
        later = range(first + 1, len(self.rows))
        return [j for j in later if self.owners[j] != own and (asked or self.owners[j] in (fresh or ()))]

    def depth(self, k: int) -> int:
        """Return how many images of a block count, so that ``k`` of an image can be found."""
        return -(-k // max(1, len(set(self.owners)) - 1))

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
        depth = self.depth(k)
        room = np.empty(BLOCK * BLOCK, np.float32)  # fresh memory for every pair of blocks costs as much as the product
        for first in firsts:
            others = self._others(first)
            rows = self.rows[first]
            left = _numbers(self.turned[rows], -2.0, own_first=True)
            for other in others:
                columns = self.rows[other]
                # Whole numbers below 2**24, as all sums on the way to them: exact in float32, in whatever order.
                squared = room[: len(rows) * len(columns)].reshape(len(rows), len(columns))
                np.matmul(left, _numbers(self.codes[columns], 1.0, own_first=False).T, out=squared)
                _offer(best, rows, columns, squared, depth)
                _offer(best, columns, rows, squared.T, depth)
            if others:
                tell(len(others))
        return best


def nothing(count: int, k: int) -> np.ndarray:
    """Return keys of no image, (count, k)."""
    return np.full((count, k), NONE)


def moved(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return keys, (n, k), whose images are in other rows now: image ``i`` in ``rows[i]``, ascending."""
    old = keys & ((1 << _ROW_BITS) - 1)
    new = rows[np.minimum(old, len(rows) - 1)]
    return np.where(keys == NONE, NONE, (keys & ~np.int64((1 << _ROW_BITS) - 1)) | new)


def merged(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the smallest of the keys in both, (n, k) as the first; they have none in common."""
    k = one.shape[1]
    return np.partition(np.hstack([one, other]), k - 1, axis=1)[:, :k]


def unpack(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs in keys, each once: rows of the one and of the other, the lower first, and squared distances."""
    image, place = np.nonzero(keys != NONE)
    found = keys[image, place]
    other, squared = found & ((1 << _ROW_BITS) - 1), found >> _ROW_BITS
    low, high = np.minimum(image, other), np.maximum(image, other)
    _, first = np.unique((low << _ROW_BITS) | high, return_index=True)
    return low[first], high[first], squared[first]


def _numbers(codes: np.ndarray, scale: float, *, own_first: bool) -> np.ndarray:
    """Return codes with their squared length and a one behind them: products of two such are squared distances."""
    codes = codes.astype(np.float32)
    own = np.einsum("ij,ij->i", codes, codes)
    ones = np.ones(len(codes), np.float32)
    return np.column_stack([scale * codes, *((own, ones) if own_first else (ones, own))])


def _offer(best: np.ndarray, rows: np.ndarray, columns: np.ndarray, squared: np.ndarray, depth: int) -> None:
    """Offer every row the nearest of the columns: so many of them."""
    if depth > 1:
        keys = (squared.astype(np.int64) << _ROW_BITS) | columns
        if keys.shape[1] > depth:
            keys = np.partition(keys, depth - 1, axis=1)[:, :depth]
        best[rows] = merged(best[rows], keys)
        return
    least = squared.min(axis=1)
    kept = best[rows]
    # At an equal distance the lower row is the nearer one: the keys below decide.
    closer = np.flatnonzero(least <= (kept.max(axis=1) >> _ROW_BITS))
    if not len(closer):
        return
    nearest = columns[squared[closer].argmin(axis=1)]  # of equally near ones the first, which has the lowest row
    keys = (least[closer].astype(np.int64) << _ROW_BITS) | nearest
    rows, kept = rows[closer], kept[closer]
    place = kept.argmax(axis=1)
    best[rows, place] = np.minimum(kept[np.arange(len(rows)), place], keys)
