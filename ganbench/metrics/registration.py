"""Registration: are two pictures the same one, up to what a copier may do to it?"""

from __future__ import annotations

import numpy as np

from ganbench.statistics.signatures import LUMA

SAME = 0.95  # alike at least so much: the same picture


def alikeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return how much alike the pictures of each pair are, one laid over the other.

    Args:
        a: signatures, (P, 268) uint8; see :mod:`ganbench.statistics.signatures`.
        b: the same of the pictures that they are compared with.

    Returns:
        (P,) float32, 0 to 1; 1: the same picture.
    """
    one, other = (_standard(side[:, : LUMA * LUMA].reshape(-1, LUMA, LUMA)) for side in (a, b))
    as_is = np.einsum("pij,pij->p", one, other)
    mirrored = np.einsum("pij,pij->p", one[:, :, ::-1], other)
    return np.clip(np.maximum(as_is, mirrored), 0, 1).astype(np.float32)


def _standard(images: np.ndarray) -> np.ndarray:
    images = images.astype(np.float32)
    images = images - images.mean(axis=(1, 2), keepdims=True)
    return images / np.maximum(np.sqrt((images**2).sum(axis=(1, 2), keepdims=True)), 1e-6)
