"""All pairs of rows of two feature arrays, block by block, so that memory does not grow with the number of pairs.

Products are in float64: distances between near neighbours are small differences of large numbers, and in float32 a
generator that repeats itself would be judged by rounding errors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# A block of 1024 x 1024 float64 is 8 MB, large enough for the matrix product to run at full speed.
BLOCK = 1024
# Squared distances below this share of the squared norms are rounding noise of equal vectors (features are float32).
_SAME = 2e-12


def dot_blocks(x: np.ndarray, y: np.ndarray | None = None) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield ``(rows, columns, x[rows] @ y[columns].T)`` in float64, for every block of pairs.

    Args:
        x: (n, D), any float type.
        y: (m, D). Without it the pairs are those of ``x`` with itself, and only blocks on and above the diagonal come.
    """
    others = x if y is None else y
    for top in range(0, len(x), BLOCK):
        rows = slice(top, min(top + BLOCK, len(x)))
        left = x[rows].astype(np.float64)
        for start in range(top if y is None else 0, len(others), BLOCK):
            columns = slice(start, min(start + BLOCK, len(others)))
            right = left if y is None and columns == rows else others[columns].astype(np.float64)
            yield rows, columns, left @ right.T


def distance_blocks(x: np.ndarray, y: np.ndarray | None = None) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield ``(rows, columns, squared distances)`` like :func:`dot_blocks`; equal rows are exactly 0 apart.

    Without ``y`` the distance of a row to itself is infinite, so that it is never its own neighbour.
    """
    x_norms = _squared_norms(x)
    y_norms = x_norms if y is None else _squared_norms(y)
    for rows, columns, squared in dot_blocks(x, y):
        norms = x_norms[rows, None]
        squared *= -2.0
        squared += norms
        squared += y_norms[columns]
        squared[squared < _SAME * norms] = 0.0
        if y is None and rows == columns:
            np.fill_diagonal(squared, np.inf)
        yield rows, columns, squared


def nearest(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` nearest other rows of every row of ``x``.

    Returns:
        Squared distances, (n, k) float64, ascending, and the row numbers of those neighbours, (n, k) int64.
    """
    best = np.full((len(x), k), np.inf)
    index = np.zeros((len(x), k), np.int64)

    def keep(rows: slice, first: int, squared: np.ndarray) -> None:
        if squared.shape[1] > k:
            near = np.argpartition(squared, k - 1, axis=1)[:, :k]
        else:
            near = np.broadcast_to(np.arange(squared.shape[1]), squared.shape)
        both = np.hstack([best[rows], np.take_along_axis(squared, near, axis=1)])
        numbers = np.hstack([index[rows], near + first])
        order = np.argsort(both, axis=1, kind="stable")[:, :k]
        best[rows] = np.take_along_axis(both, order, axis=1)
        index[rows] = np.take_along_axis(numbers, order, axis=1)

    for rows, columns, squared in distance_blocks(x):
        keep(rows, columns.start, squared)
        if rows != columns:
            keep(columns, rows.start, np.ascontiguousarray(squared.T))
    return best, index


def _squared_norms(x: np.ndarray) -> np.ndarray:
    norms = np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        part = x[start : start + BLOCK].astype(np.float64)
        norms[start : start + BLOCK] = np.einsum("ij,ij->i", part, part)
    return norms
