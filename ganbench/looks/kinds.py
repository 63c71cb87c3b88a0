"""Kinds of real images: clusters of their codes, coarse and fine."""

from __future__ import annotations

import numpy as np

COUNTS = (6, 12, 24, 48)  # kinds at each level
_SAMPLE = 20_000  # images that kinds are made from
_ROUNDS = 25
_FEW = 40  # images a kind, at least: of fewer images there are fewer levels


def kinds_of(codes: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """Return the centres of kinds at each level, (k, K) int8 each, by Lloyd's algorithm from a spread choice.

    Args:
        codes: of real images, (n, K) int8.
        seed: of the choice that it starts from.
    """
    rng = np.random.default_rng(seed)
    some = codes if len(codes) <= _SAMPLE else codes[np.sort(rng.choice(len(codes), _SAMPLE, replace=False))]
    return [_lloyd(some.astype(np.float32), count, rng) for count in COUNTS if count * _FEW <= len(some)]


def belong(centres: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the kind of each image, (n,): the nearest centre."""
    squared = _squared(codes.astype(np.float32), centres.astype(np.float32))
    return np.asarray(squared.argmin(axis=1))


def _squared(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return squared distances, less the square of the point, (n, k)."""
    return np.asarray((centres**2).sum(1) - 2 * points @ centres.T)


def _lloyd(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    own = (points**2).sum(1)
    centres = points[rng.integers(len(points))][None]
    while len(centres) < count:  # k-means++ (Arthur and Vassilvitskii 2007)
        far = np.maximum((own[:, None] + _squared(points, centres)).min(axis=1), 0).astype(np.float64)
        centres = np.concatenate([centres, points[rng.choice(len(points), p=far / far.sum())][None]])
    for _ in range(_ROUNDS):
        kind = _squared(points, centres).argmin(axis=1)
        sizes = np.bincount(kind, minlength=count)
        order = np.argsort(kind, kind="stable")
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        used = sizes > 0
        centres = centres.copy()
        centres[used] = np.add.reduceat(points[order], starts[used], axis=0) / sizes[used, None]
    return np.clip(np.rint(centres), -127, 127).astype(np.int8)
