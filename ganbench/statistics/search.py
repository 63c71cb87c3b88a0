"""Search among codes: the nearest of them, exactly, block by block."""

from __future__ import annotations

import numpy as np

_QUERIES = 1024  # codes looked for at once
_CODES = 16_384  # codes looked at, at once: their distances take 64 MiB


def nearest_codes(known: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest known codes of each code; of equally near ones, those that come first.

    Args:
        known: (N, K) int8, N at least 1.
        codes: (B, K) int8.
        k: how many of each; all there are if they are fewer.

    Returns:
        Squared distances in steps, (B, k) int64, ascending, and rows of ``known``, (B, k) int64.
    """
    k = min(k, len(known))
    squared = np.empty((len(codes), k), np.int64)
    rows = np.empty((len(codes), k), np.int64)
    for start in range(0, len(codes), _QUERIES):
        part = slice(start, start + _QUERIES)
        squared[part], rows[part] = _nearest(known, codes[part].astype(np.float32), k)
    return squared, rows


def _nearest(known: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    count = len(codes)
    best = np.full((count, k), np.iinfo(np.int64).max)
    best_rows = np.full((count, k), -1, np.int64)
    own = np.einsum("ij,ij->i", codes, codes)[:, None]
    for start in range(0, len(known), _CODES):
        block = known[start : start + _CODES].astype(np.float32)
        # Whole numbers below 2**24, as all sums on the way to them: exact in float32.
        squared = codes @ (-2.0 * block.T)
        squared += own
        squared += np.einsum("ij,ij->i", block, block)
        if start == 0:
            limit = np.partition(squared, k - 1, axis=1)[:, k - 1] if len(block) >= k else np.full(count, np.inf)
        else:
            limit = best[:, -1].astype(np.float64)
        found, columns = np.nonzero(squared <= limit.astype(np.float32)[:, None])
        if not len(found):
            continue
        number = np.concatenate([np.repeat(np.arange(count), k), found])
        distance = np.concatenate([best.ravel(), squared[found, columns].astype(np.int64)])
        row = np.concatenate([best_rows.ravel(), columns + start])
        order = np.lexsort((row, distance, number))
        first = np.searchsorted(number[order], np.arange(count))
        chosen = order[first[:, None] + np.arange(k)]
        best, best_rows = distance[chosen], row[chosen]
    return best, best_rows
