"""The screen before registration: pairs of signatures that are no picture twice however they are laid over each other.

Registration takes hundreds of microseconds a pair. Brightness alone on a grid as coarse as seven by seven cells hardly
moves with a shift of some pixels, a crop, a turn or noise, and differs between most pictures.
"""

from __future__ import annotations

import numpy as np

from ganbench.statistics.signatures import LUMA

LEAST = 0.6  # correlation; docs/overlap.md has the evidence
_CELLS = LUMA // 2


def passes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell which pairs may show one picture, as it is or mirrored.

    Args:
        a: signatures, (P, L) uint8.
        b: those of the pictures that they are compared with.

    Returns:
        (P,) bool.
    """
    one, other = _coarse(a), _standard(_coarse(b))
    as_is, mirrored = (np.einsum("pij,pij->p", _standard(side), other) for side in (one, one[:, :, ::-1]))
    return np.maximum(as_is, mirrored) >= LEAST


def _coarse(signatures: np.ndarray) -> np.ndarray:
    """Return the brightness in cells twice as large, (P, 7, 7) float32."""
    cells = signatures[:, : LUMA * LUMA].reshape(-1, _CELLS, 2, _CELLS, 2)
    return cells.astype(np.float32).mean(axis=(2, 4))


def _standard(cells: np.ndarray) -> np.ndarray:
    cells = cells - cells.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt(np.einsum("pij,pij->p", cells, cells))
    return cells / np.maximum(lengths, 1e-6)[:, None, None]
