"""The same picture or not: registration, behind a screen for pairs that are no picture twice in any way.

Registration takes hundreds of microseconds a pair. Brightness alone on a grid as coarse as seven by seven cells hardly
moves with a shift of some pixels, a crop, a turn or noise, and differs between most pictures: docs/overlap.md.
"""

from __future__ import annotations

import numpy as np

from ganbench.metrics.registration import SAME, alikeness
from ganbench.statistics.signatures import LUMA

_LEAST = 0.6  # correlation that the screen asks for
_CELLS = LUMA // 2


def same_picture(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell which pairs show one picture, up to what :func:`~ganbench.metrics.registration.alikeness` looks through.

    Args:
        a: signatures, (P, L) uint8.
        b: those of the pictures that they are compared with.

    Returns:
        (P,) bool.
    """
    same = _may_be(a, b)
    same[same] = alikeness(a[same], b[same]) >= SAME
    return same


def _may_be(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell which pairs pass the screen, as they are or mirrored, (P,) bool."""
    one, other = _coarse(a), _standard(_coarse(b))
    as_is, mirrored = (np.einsum("pij,pij->p", _standard(side), other) for side in (one, one[:, :, ::-1]))
    return np.maximum(as_is, mirrored) >= _LEAST


def _coarse(signatures: np.ndarray) -> np.ndarray:
    """Return the brightness in cells twice as large, (P, 7, 7) float32."""
    cells = signatures[:, : LUMA * LUMA].reshape(-1, _CELLS, 2, _CELLS, 2)
    return cells.astype(np.float32).mean(axis=(2, 4))


def _standard(cells: np.ndarray) -> np.ndarray:
    cells = cells - cells.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt(np.einsum("pij,pij->p", cells, cells))
    return cells / np.maximum(lengths, 1e-6)[:, None, None]
