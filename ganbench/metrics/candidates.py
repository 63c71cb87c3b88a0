"""Candidates: which of many known pictures a picture may be a copy of, told by a coarse look at all of them.

Features forgive mirroring and shifts, and are led astray by noise and recompression; coarse thumbnails the other way
round. What either finds is a candidate.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ganbench.statistics.signatures import SIDE, mirrored

_WAVES = 7  # cosines along each side: 48 numbers a picture, without the mean
_ZOOMS = (1.0, 0.85)  # of the known pictures: as they are, and their middle, as a crop shows it
_QUERIES, _KNOWN = 256, 16_384  # looked at, at once
_GROUP = 64


def coarse_candidates(known: np.ndarray, signatures: np.ndarray, k: int) -> np.ndarray:
    """Return the known pictures that look most alike from afar, as they are or mirrored, whole or cropped.

    Args:
        known: signatures, (N, 256) uint8.
        signatures: of the pictures in question, (B, 256) uint8.
        k: how many of each; all there are if they are fewer.

    Returns:
        Rows of ``known``, (B, k) int64, the most alike first.
    """
    k = min(k, len(known))
    sides = np.stack([_coarse(side, 1.0) for side in (signatures, mirrored(signatures))])
    best = np.full((len(signatures), k), -np.inf, np.float32)
    rows = np.zeros((len(signatures), k), np.int64)
    for first in range(0, len(known), _KNOWN):
        block = known[first : first + _KNOWN]
        views = [np.ascontiguousarray(_coarse(block, zoom).T) for zoom in _ZOOMS]
        for start in range(0, len(signatures), _QUERIES):
            part = slice(start, start + _QUERIES)
            likeness = sides[0, part] @ views[0]
            for side in sides[:, part]:
                for view in views:
                    np.maximum(likeness, side @ view, out=likeness)
            found, values = largest(likeness, k)
            both = np.hstack([best[part], values])
            order = np.argsort(-both, axis=1, kind="stable")[:, :k]
            best[part] = np.take_along_axis(both, order, axis=1)
            rows[part] = np.take_along_axis(np.hstack([rows[part], found + first]), order, axis=1)
    return rows


def largest(values: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and values of the ``k`` largest of each row, in no order: (B, k) each, all where they are fewer.

    By way of the groups of columns that hold them.
    """
    count, columns = values.shape
    groups = -(-columns // _GROUP)
    if groups > k:
        padded = np.full((count, groups * _GROUP), -np.inf, np.float32)
        padded[:, :columns] = values
        tops = padded.reshape(count, _GROUP, groups).max(axis=1)
        chosen = np.argpartition(tops, groups - k, axis=1)[:, groups - k :]
        places = (chosen[:, None] + (np.arange(_GROUP) * groups)[:, None]).reshape(count, -1)
        values = np.take_along_axis(padded, places, axis=1)
    else:
        places = np.broadcast_to(np.arange(columns), values.shape)
    k = min(k, values.shape[1])
    first = np.argpartition(values, values.shape[1] - k, axis=1)[:, values.shape[1] - k :]
    return np.take_along_axis(places, first, axis=1), np.take_along_axis(values, first, axis=1)


def _coarse(signatures: np.ndarray, zoom: float) -> np.ndarray:
    """Return unit vectors (B, 48) of the coarse look of pictures, or of their middle."""
    planes = signatures.astype(np.float32)
    found = planes @ _waves(zoom)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)
    return found


@lru_cache(maxsize=4)
def _waves(zoom: float) -> np.ndarray:
    """Return the matrix (256, 48), float32, from cells to cosines of its blurred middle."""
    cells = np.arange(SIDE)
    at = (np.arange(1, SIDE - 1) - (SIDE - 1) / 2) * zoom + (SIDE - 1) / 2
    shares = np.exp(-0.5 * (cells - at[:, None]) ** 2)  # blurred by one cell
    shares /= shares.sum(axis=1, keepdims=True)
    inner = SIDE - 2
    waves = np.cos(np.pi * np.arange(_WAVES)[:, None] * (np.arange(inner) + 0.5) / inner)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    side = waves @ shares
    return np.kron(side, side)[1:].T.astype(np.float32)
