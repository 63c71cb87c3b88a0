"""The same picture or not: registration, and the coarse look that decides which pairs are worth it.

The coarse look is on a grid of eight by eight cells. It hardly moves with a small shift, crop or
turn, with compression or noise, and differs between most pictures: docs/overlap.md. It screens pairs, of which
registration takes a hundred microseconds or more each, and it finds pairs that features do not: noise and compression
move these far.
"""

from __future__ import annotations

import numpy as np

from ganbench.metrics.registration import upright
from ganbench.statistics.signatures import SIDE, mirrored

# Alike at least so much: the same picture. Higher than what tells a copy of a known image, since each image of a set is
# laid over others of hundreds of sets: docs/overlap.md.
SURE = 0.94
_LEAST = 0.5  # correlation that the screen asks for
_CELLS = SIDE // 2


def same_picture(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell which pairs show one picture, up to what :func:`~ganbench.metrics.registration.alikeness` looks through.

    Args:
        a: signatures, (P, L) uint8.
        b: those of the pictures that they are compared with.

    Returns:
        (P,) bool.
    """
    if not len(a):
        return np.zeros(0, bool)
    seen, other = _standard(_coarse(a)), _standard(_coarse(b))
    same = np.zeros(len(a), bool)
    for side, looks in ((a, seen), (mirrored(a), seen[:, :, ::-1])):
        near = np.flatnonzero((np.einsum("pij,pij->p", looks, other) >= _LEAST) & ~same)
        same[near] = upright(side[near], b[near]) >= SURE
    return same


def coarse_codes(signatures: np.ndarray) -> np.ndarray:
    """Return the coarse look as codes: near ones look alike.

    Args:
        signatures: (n, L) uint8.

    Returns:
        (n, 64) int8.
    """
    return np.rint(127 * _standard(_coarse(signatures))).astype(np.int8).reshape(-1, _CELLS * _CELLS)


def _coarse(signatures: np.ndarray) -> np.ndarray:
    """Return the gray of cells twice as large, (P, 8, 8) float32."""
    cells = signatures.reshape(-1, _CELLS, 2, _CELLS, 2)
    # Added one by one: several times faster than a mean over such short axes, and whole numbers, so the same.
    total = np.add(cells[:, :, 0, :, 0], cells[:, :, 0, :, 1], dtype=np.float32)
    total += cells[:, :, 1, :, 0]
    total += cells[:, :, 1, :, 1]
    return total / 4


def _standard(cells: np.ndarray) -> np.ndarray:
    cells = cells - cells.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt(np.einsum("pij,pij->p", cells, cells))
    return cells / np.maximum(lengths, 1e-6)[:, None, None]
