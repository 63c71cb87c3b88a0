"""Search among codes: the nearest of them, exactly, block by block."""

from __future__ import annotations

import numpy as np

_QUERIES = 1024  # codes looked for at once
_DISTANCES = 1 << 21  # at once: 8 MiB, which a processor's cache holds
_LEAST = 2048  # codes looked at, at once, however few are looked for ...
_MOST = 16_384  # ... and at most
_GROUPS = 128  # of the first distances, whose least ones bound the k-th


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
    own = np.einsum("ij,ij->i", codes, codes)
    asked = np.column_stack([codes, own, np.ones(count, np.float32)])
    step = min(_MOST, max(_LEAST, _DISTANCES // count), len(known))
    room = np.empty(count * step, np.float32)  # taken once: fresh memory for every block costs more than the product
    for start in range(0, len(known), step):
        block = known[start : start + step].astype(np.float32)
        lengths = np.einsum("ij,ij->i", block, block)
        others = np.column_stack([-2.0 * block, np.ones(len(block), np.float32), lengths])
        # Whole numbers below 2**24, as all sums on the way to them: exact in float32, in whatever order.
        squared = np.matmul(asked, others.T, out=room[: count * len(block)].reshape(count, len(block)))
        limit = _bound(squared, k) if start == 0 else best[:, -1].astype(np.float32)
        found, columns = np.divmod(np.flatnonzero(squared <= limit[:, None]), len(block))
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


def _bound(squared: np.ndarray, k: int) -> np.ndarray:
    """Return for each row, (count, n), a number that at least ``k`` of it are no larger than, and few others."""
    count, columns = squared.shape
    if columns < k:
        return np.full(count, np.inf, np.float32)
    each = columns // _GROUPS
    if each > 1 and 2 * k <= _GROUPS:  # of groups the least: one look at each number, where a partition takes several
        squared = squared[:, : each * _GROUPS].reshape(count, each, _GROUPS).min(axis=1)
    bound: np.ndarray = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return bound
